/**
 * Tests with real servers: where one is missing they fail in CI, and elsewhere are skipped and counted as not run.
 *
 * ```ts
 * requireServer(missingPostgres())('the store on PostgreSQL', () => { … });
 * ```
 */
import { describe } from 'vitest';

/** `describe`, or its `skip` when something is missing. Takes what the launchers' `missingX()` answer. */
export function requireServer(
  ...missing: readonly (string | undefined)[]
): typeof describe | typeof describe.skip {
  const names = missing.filter((name) => name !== undefined);
  if (names.length === 0) return describe;
  const what = names.join(', ');
  if (process.env['CI']) throw new Error(`missing: ${what}. In CI scripts/ensure-servers.sh installs it`);
  process.stderr.write(`not run, for want of: ${what}\n`);
  return describe.skip;
}
