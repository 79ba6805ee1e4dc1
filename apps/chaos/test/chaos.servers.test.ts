import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { missingCluster } from '@conclave/testkit/cluster';
import { requireServer } from '@conclave/testkit/servers/require-server';
import type { ChaosReport } from '../src/report.ts';

const run = promisify(execFile);
const main = fileURLToPath(new URL('../src/main.ts', import.meta.url));

/** Three to four minutes on two cores; faults alone may take five on a slow machine. */
const timeoutMs = 480_000;
const maxShown = 10;

type Report = ChaosReport & { readonly folder?: string };

async function chaos(...options: readonly string[]): Promise<Report> {
  const ended = await run(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', main, '--quick', '--json', ...options],
    { timeout: timeoutMs, maxBuffer: 2 ** 26 },
  ).catch((error: { stdout?: string; stderr?: string }) => ({
    stdout: error.stdout ?? '',
    stderr: error.stderr ?? '',
  }));
  const last = ended.stdout.trim().split('\n').at(-1) ?? '';
  // A run that did not get to its report says why on the other stream, and where its histories are.
  if (!last.startsWith('{')) throw new Error(`${ended.stdout}\n${ended.stderr}`);
  return JSON.parse(last) as Report;
}

/** Nothing if all is well, and otherwise what somebody needs who has only the output of CI. */
function describeFailure({ ok, violations, notCarriedOut, metrics, folder }: Report): string[] {
  const unmet = metrics.filter(({ met }) => met === false);
  if (ok && unmet.length === 0) return [];
  return [
    ...unmet.map(({ name, value, target, unit }) => `${name}: ${value} ${unit}, should be ${target}`),
    ...violations.slice(0, maxShown),
    ...notCarriedOut,
    `histories: ${folder ?? 'not kept'}`,
  ];
}

requireServer(missingCluster('centrifugo'))(
  'three processes on real engines, with the embedded gateway and with Centrifugo',
  () => {
    it(
      'lose nothing, whatever dies, hangs or is cut off, and nobody is stuck',
      async () => {
        const report = await chaos('--seed', '6');
        expect(describeFailure(report)).toEqual([]);
        expect(report).toMatchObject({ name: 'chaos', ok: true });
      },
      timeoutMs + 30_000,
    );
  },
);
