import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { missingCluster } from '@conclave/testkit/cluster';
import { missingCentrifugo } from '@conclave/testkit/servers';
import { requireServer } from '@conclave/testkit/servers/require-server';

const run = promisify(execFile);
const main = fileURLToPath(new URL('../src/main.ts', import.meta.url));

interface Report {
  readonly name: string;
  readonly ok: boolean;
  readonly metrics: readonly {
    readonly name: string;
    readonly value: number;
    readonly unit: string;
    readonly met: boolean | null;
  }[];
}

async function chaos(...options: readonly string[]): Promise<Report> {
  const ended = await run(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', main, '--quick', '--json', ...options],
    { timeout: 280_000, maxBuffer: 2 ** 26 },
  ).catch((error: { stdout?: string; stderr?: string }) => ({
    stdout: error.stdout ?? '',
    stderr: error.stderr ?? '',
  }));
  const last = ended.stdout.trim().split('\n').at(-1) ?? '';
  // A run that did not get to its report says why on the other stream.
  if (!last.startsWith('{')) throw new Error(`${ended.stdout}\n${ended.stderr}`);
  return JSON.parse(last) as Report;
}

/** What went wrong but for how long something took: that is measured by hand, on a quiet machine. */
function wrong({ metrics }: Report): Report['metrics'] {
  return metrics.filter(({ met, unit, name }) => met === false && unit !== 's' && name !== 'stuck');
}

requireServer(missingCluster())('three processes on real engines', () => {
  it('lose nothing, whatever dies, hangs or is cut off', async () => {
    const report = await chaos('--seed', '6');
    expect(wrong(report)).toEqual([]);
    expect(report.name).toBe('chaos');
  });
});

requireServer(missingCluster(), missingCentrifugo())('three processes with Centrifugo', () => {
  it('lose nothing, whatever dies, hangs or is cut off', async () => {
    const report = await chaos('--seed', '6', '--gateway', 'centrifugo');
    expect(wrong(report)).toEqual([]);
  });
});
