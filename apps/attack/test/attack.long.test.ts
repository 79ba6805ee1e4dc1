import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import type { Report } from '../src/report.ts';

const run = promisify(execFile);
/** How long something took says nothing where others are at work: `conclave attack` judges it, on a quiet machine. */
const timedUnits = ['×', 'ms'];
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
  const missed = report.metrics.filter(({ met, unit }) => met === false && !timedUnits.includes(unit));
  // What got past, with what was expected of it.
  const faults = attacked.stdout.match(/^ +✗.*(\n {6}.*)*/gmu) ?? [];
  expect([
    ...missed.map(({ name, value, target }) => `${name}: ${value}, should be ${target}`),
    ...faults,
  ]).toEqual([]);
  expect(report.metrics.length).toBeGreaterThan(40);
  // Under every flood somebody talked and was heard.
  const slowdowns = report.metrics.filter(({ unit }) => unit === '×').map(({ value }) => value);
  expect(slowdowns.length).toBeGreaterThan(0);
  expect(slowdowns.filter((value) => !Number.isFinite(value) || value <= 0)).toEqual([]);
});
