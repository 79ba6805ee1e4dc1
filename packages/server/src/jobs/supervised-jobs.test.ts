import { createLog, silentLog } from '@conclave/platform';
import { createManualClock } from '@conclave/platform/testing';
import { expect, it } from 'vitest';
import { startJobs, type JobOutcome } from './supervised-jobs.ts';

it('runs a job at once and at its interval, through failures', async () => {
  const clock = createManualClock();
  const outcomes: JobOutcome[] = [];
  let runs = 0;
  const jobs = startJobs({
    clock,
    log: silentLog,
    onOutcome: (outcome) => outcomes.push(outcome),
    jobs: [
      {
        name: 'job',
        intervalMs: 1_000,
        run: async () => {
          runs += 1;
          if (runs === 2) throw new Error('once');
          return runs;
        },
      },
    ],
  });
  await clock.advance(2_000);
  expect(outcomes).toEqual([
    { job: 'job', ok: true, count: 1 },
    { job: 'job', ok: false, count: 0 },
    { job: 'job', ok: true, count: 3 },
  ]);
  await jobs.close();
  await clock.advance(10_000);
  expect(runs).toBe(3);
});

it('never overlaps itself, and waits for the run under way when it stops', async () => {
  const clock = createManualClock();
  const release = Promise.withResolvers<void>();
  let runs = 0;
  const jobs = startJobs({
    clock,
    log: silentLog,
    jobs: [
      {
        name: 'slow',
        intervalMs: 10,
        run: async () => {
          runs += 1;
          await release.promise;
          return 0;
        },
      },
    ],
  });
  await clock.advance(1_000);
  expect(runs).toBe(1);
  let closed = false;
  const closing = jobs.close().then(() => (closed = true));
  await clock.advance(1_000);
  expect(closed).toBe(false);
  release.resolve();
  await closing;
  expect(clock.pending).toBe(0);
});

it('tells the run under way that it is to stop', async () => {
  const clock = createManualClock();
  const jobs = startJobs({
    clock,
    log: silentLog,
    jobs: [
      {
        name: 'long',
        intervalMs: 10,
        run: (signal) => new Promise((resolve) => signal.addEventListener('abort', () => resolve(1))),
      },
    ],
  });
  await clock.advance(1_000);
  await jobs.close();
  expect(clock.pending).toBe(0);
});

it('gives every run an id, which the lines that it causes carry', async () => {
  const clock = createManualClock();
  const lines: { jobId?: string; msg: string }[] = [];
  const log = createLog({
    level: 'info',
    destination: { write: (line) => void lines.push(JSON.parse(line) as (typeof lines)[number]) },
  });
  const job = (name: string) => ({
    name,
    intervalMs: 1_000,
    run: async () => {
      await Promise.resolve();
      log.info({}, name);
      return 0;
    },
  });
  const jobs = startJobs({ clock, log, jobs: [job('first'), job('second')] });
  await clock.advance(1_000);
  await jobs.close();
  expect(lines.map(({ jobId, msg }) => [msg, jobId])).toEqual([
    ['first', 'first 1'],
    ['second', 'second 2'],
    ['first', 'first 3'],
    ['second', 'second 4'],
  ]);
});
