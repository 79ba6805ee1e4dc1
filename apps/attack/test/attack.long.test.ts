import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import type { Report } from '../src/report.ts';

const run = promisify(execFile);
/** Against idle, of a message under a flood: `conclave attack` itself asks for 3. */
const maxSlowdown = 10;
const main = fileURLToPath(new URL('../src/main.ts', import.meta.url));

it('nothing gets past a real server and honest clients', async () => {
  const attacked = await run(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', main, '--quick', '--json'],
    {
      timeout: 540_000,
      maxBuffer: 2 ** 26,
    },
  ).catch((error: { stdout?: string; stderr?: string }) => ({
    stdout: error.stdout ?? '',
    stderr: error.stderr ?? '',
  }));
  const last = attacked.stdout.trim().split('\n').at(-1) ?? '';
  // A run that did not get to its report says why on the other stream.
  if (!last.startsWith('{')) throw new Error(`${attacked.stdout}\n${attacked.stderr}`);
  const report = JSON.parse(last) as Report;
  expect(report.name).toBe('attack');
  // How long something took is measured by hand, on a quiet machine: here the bounds are wide enough for whoever else is at work.
  const missed = report.metrics.filter(({ met, unit, value }) =>
    unit === '×' ? value > maxSlowdown : met === false && unit !== 'ms',
  );
  // What got past, with what was expected of it.
  const faults = attacked.stdout.match(/^ +✗.*(\n {6}.*)*/gmu) ?? [];
  expect([
    ...missed.map(({ name, value, target }) => `${name}: ${value}, should be ${target}`),
    ...faults,
  ]).toEqual([]);
  expect(report.metrics.length).toBeGreaterThan(40);
});
