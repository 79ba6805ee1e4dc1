/**
 * Tests that only root can run, since they hand files to several users: without it they fail in CI, and elsewhere are
 * skipped and counted as not run (scripts/test.sh lists them).
 */
import { describe } from 'vitest';

export const isRoot = process.getuid?.() === 0;

/** `describe`, or its `skip` for other users than root. */
export function requireRoot(): typeof describe | typeof describe.skip {
  if (isRoot) return describe;
  if (process.env['CI']) throw new Error('these tests need root, and this is CI: run it as root');
  process.stderr.write('not run, for want of: root\n');
  return describe.skip;
}
