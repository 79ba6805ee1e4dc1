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
    readonly met: boolean | null;
  }[];
}

async function chaos(...options: readonly string[]): Promise<Report> {
  const { stdout } = await run(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', main, '--quick', '--json', ...options],
    { timeout: 280_000, maxBuffer: 2 ** 26 },
  );
  return JSON.parse(stdout.trim().split('\n').at(-1)!) as Report;
}

requireServer(missingCluster())('three processes on real engines', () => {
  it('lose nothing, whatever dies, hangs or is cut off', async () => {
    const report = await chaos('--seed', '6');
    expect(report.metrics.filter(({ met }) => met === false)).toEqual([]);
    expect(report).toMatchObject({ name: 'chaos', ok: true });
  });
});

requireServer(missingCluster(), missingCentrifugo())('three processes with Centrifugo', () => {
  it('lose nothing, whatever dies, hangs or is cut off', async () => {
    const report = await chaos('--seed', '6', '--gateway', 'centrifugo');
    expect(report.metrics.filter(({ met }) => met === false)).toEqual([]);
  });
});
