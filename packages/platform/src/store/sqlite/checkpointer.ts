/**
 * Checkpoints beside the event loop. SQLite by itself copies its write-ahead log into the database within the commit that makes the
 * log long: some four thousand pages and two syncs, for which everybody waits.
 *
 *   commit × N ─▶ worker: wal_checkpoint(PASSIVE) ─▶ almost all pages, synced
 *                                                        │
 *   commit, commit … (the log grows by a little)         ▼
 *   between two commits ◀── the writer copies the rest: nothing is left, so the next commit begins the log anew
 *
 * Without the last step the log would never begin anew while somebody writes. If the worker fails, nothing is lost: the log
 * grows to `FALLBACK_PAGES`, where the engine checkpoints by itself as it always did.
 */
import { Worker } from 'node:worker_threads';
import type Database from 'better-sqlite3';
import type { Log } from '../../log/log.ts';
import { sqliteCode } from './engine-error.ts';

/** After this many commits; under load a commit is some thirty pages. */
export const CHECKPOINT_COMMITS = 128;
/** Pages of the log at which the engine does it by itself, within a commit: 64 MiB. */
export const FALLBACK_PAGES = 16_000;
/** Pages that the writer copies itself, in a millisecond or two. */
export const REST_PAGES = 400;

/** Pages of 4 KiB. */
export interface CheckpointResult {
  /** Of the log. */
  readonly log: number;
  /** Of these in the database. */
  readonly copied: number;
}

/** What the thread is asked. */
export type CheckpointRequest = 'checkpoint' | 'close';

export interface Checkpointer {
  /** A transaction of the writer is over. */
  committed(): void;
  /** Resolves when no thread has the database open. */
  close(): Promise<void>;
}

export interface CheckpointerDeps {
  readonly file: string;
  readonly writer: Database.Database;
  readonly log: Log;
}

const program = new URL('./checkpoint-worker.ts', import.meta.url);

function ask(worker: Worker, request: CheckpointRequest): void {
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
  worker.postMessage(request);
}

export function createCheckpointer({ file, writer, log }: CheckpointerDeps): Checkpointer {
  let worker: Worker | undefined;
  let commits = 0;
  let isCopying = false;
  let closed = false;
  let isWarned = false;

  /** Started when there is something to do: most stores of tests never write as much. */
  function start(): Worker {
    const started = new Worker(program, { name: 'checkpoints', workerData: file, env: {}, argv: [] });
    started.on('message', (result: CheckpointResult) => {
      isCopying = false;
      if (result.log - result.copied <= REST_PAGES) copyRest();
      // Too much was written meanwhile: once more, at once.
      else commits = CHECKPOINT_COMMITS;
    });
    started.on('error', warn);
    started.on('exit', () => {
      isCopying = false;
      if (worker === started) worker = undefined;
    });
    // Nobody waits for a checkpoint.
    started.unref();
    return started;
  }

  /** Said once until it works again. No room for the pages is no reason to stop: commits say so themselves. */
  function warn(err: unknown): void {
    if (!isWarned) log.warn({ err, code: sqliteCode(err) }, 'a checkpoint failed; the log grows meanwhile');
    isWarned = true;
  }

  function copyRest(): void {
    // A unit that awaits something else holds the transaction open: the worker is asked again later.
    if (closed || writer.inTransaction) return;
    try {
      writer.pragma('wal_checkpoint(PASSIVE)');
      isWarned = false;
    } catch (err) {
      warn(err);
    }
  }

  return {
    committed() {
      commits += 1;
      if (closed || isCopying || commits < CHECKPOINT_COMMITS) return;
      commits = 0;
      isCopying = true;
      worker ??= start();
      ask(worker, 'checkpoint');
    },
    async close() {
      closed = true;
      const thread = worker;
      if (thread === undefined) return;
      // Asked, not terminated: a thread that is stopped while it loads the engine's addon takes the process with it.
      const exit = new Promise((resolve) => thread.once('exit', resolve));
      thread.ref();
      ask(thread, 'close');
      await exit;
    },
  };
}
