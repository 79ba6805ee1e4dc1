/**
 * Which piece of work the running code belongs to: a request, or a run of a job. Log lines take its ids from here
 * (log/create-log.ts), and stages take the span that they stand below, so that neither is handed through every call.
 *
 *     HTTP hook: runWork({ requestId, span }, …) ─▶ route ─▶ … ─▶ log.warn(…)             requestId, traceId of this request
 *     group commit, batches, proof lanes:  outsideWork(…) ─▶ serve many requests at once   of none
 *
 * It is `AsyncLocalStorage`: on Node 24 under two microseconds of the hundred and more that a request takes (bench/work.ts).
 * The storage itself is the only thing in the packages that stands at module level: it holds nothing, each flow of calls has a
 * value of its own, so several servers in one process do not meet in it.
 *
 * What serves many requests must leave the work that happened to start it: `outsideWork`.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import type { Span } from './tracer.ts';

export interface Work {
  readonly requestId?: string;
  /** Of one run of a background job. */
  readonly jobId?: string;
  readonly span?: Span | undefined;
}

const storage = new AsyncLocalStorage<Work | undefined>();

/** Runs `task`, and everything that it starts, as part of `work`. */
export function runWork<T>(work: Work, task: () => T): T {
  return storage.run(work, task);
}

/** Runs `task`, and everything that it starts, as part of no work: for what many requests share. */
export function outsideWork<T>(task: () => T): T {
  return storage.run(undefined, task);
}

export function currentWork(): Work | undefined {
  return storage.getStore();
}

/** The parent of a stage of the current work; undefined when that is not traced. */
export function currentTraceParent(): string | undefined {
  return storage.getStore()?.span?.traceParent;
}
