/**
 * Recurring background work. One job never overlaps itself, its failure is logged, counted and followed by the
 * next run, and stopping waits for the run under way. Every line of the log that a run causes carries its `jobId`.
 */
import { runWork, type Clock, type Log } from '@conclave/platform';

export interface Job {
  readonly name: string;
  readonly intervalMs: number;
  /**
   * Resolves with how many things it dealt with, for the log and the metrics. What may take long stops when `signal` fires,
   * at a point from which its next run goes on.
   */
  readonly run: (signal: AbortSignal) => Promise<number>;
}

export interface JobOutcome {
  readonly job: string;
  readonly ok: boolean;
  readonly count: number;
}

export interface SupervisedJobsDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly jobs: readonly Job[];
  readonly onOutcome?: (outcome: JobOutcome) => void;
}

export interface SupervisedJobs {
  /** Ends the schedule, tells the runs under way, and waits for them. */
  close(): Promise<void>;
}

/** The first run of each job starts at once: what expired while the server was down goes first. */
export function startJobs({ clock, log, jobs, onOutcome }: SupervisedJobsDeps): SupervisedJobs {
  const stop = new AbortController();
  /** Of all jobs since the start. */
  let runs = 0;
  const timers = new Map<string, Disposable>();
  const running = new Map<string, Promise<void>>();

  async function runOnce(job: Job): Promise<void> {
    try {
      const count = await job.run(stop.signal);
      if (count > 0) log.debug({ job: job.name, count }, 'job done');
      onOutcome?.({ job: job.name, ok: true, count });
    } catch (err) {
      log.error({ job: job.name, err }, 'job failed; it runs again at its next time');
      onOutcome?.({ job: job.name, ok: false, count: 0 });
    }
    running.delete(job.name);
    if (!stop.signal.aborted)
      timers.set(
        job.name,
        clock.schedule(job.intervalMs, () => start(job)),
      );
  }

  function start(job: Job): void {
    runs += 1;
    const work = { jobId: `${job.name} ${runs}` };
    running.set(
      job.name,
      runWork(work, () => runOnce(job)),
    );
  }

  for (const job of jobs) start(job);
  return {
    async close() {
      stop.abort();
      for (const timer of timers.values()) timer[Symbol.dispose]();
      await Promise.all(running.values());
    },
  };
}
