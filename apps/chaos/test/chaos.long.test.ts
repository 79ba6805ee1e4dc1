import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { startLyingServer } from '@conclave/testkit';
import { reportOf } from '../src/report.ts';
import { runChaos } from '../src/run-chaos.ts';
import { startSingleServer } from '../src/target/single-server.ts';

const run = promisify(execFile);
const main = fileURLToPath(new URL('../src/main.ts', import.meta.url));

it('one server on SQLite loses nothing, whatever happens to it', async () => {
  const { stdout } = await run(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', main, '--single', '--minutes', '0.3', '--seed', '3', '--json'],
    { timeout: 300_000 },
  );
  const report = JSON.parse(stdout.trim().split('\n').at(-1)!) as {
    name: string;
    ok: boolean;
    metrics: { name: string; met: boolean | null }[];
  };
  expect(report.metrics.filter(({ met }) => met === false)).toEqual([]);
  expect(report).toMatchObject({ name: 'chaos', ok: true });
});

it('finds out a server that withholds one message from everybody', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'conclave-chaos-test-'));
  try {
    await using honest = await startSingleServer(folder);
    await using lying = await startLyingServer({ target: honest.url });
    // Nobody is ever shown the fortieth frame of any group; later ones move up.
    lying.withhold([40]);
    const target = { ...honest, url: lying.url };
    const said: string[] = [];
    const result = await runChaos({
      folder,
      seed: 1,
      durationMs: 12_000,
      quick: true,
      target,
      say: (line) => said.push(line),
    });
    expect(result.violations.map(({ kind }) => kind)).toContain('diverged');
    expect(reportOf([{ name: 'lying', result }]).ok).toBe(false);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

it('refuses arguments that make no sense, in words', async () => {
  for (const bad of [
    ['--minutes', 'x'],
    ['--seed', 'x'],
    ['--gateway', 'other'],
  ])
    await expect(run(process.execPath, [main, ...bad])).rejects.toMatchObject({
      code: 2,
      stderr: expect.stringContaining(bad[0]!),
    });
});
