/**
 * The move of attachments as this process carries it out: asked for by an operator, recorded in the database, done by whichever
 * process has the lease, and gone on with after any of them has died.
 */
import type { Clock, Leases, Lifecycle, Log, Store } from '@conclave/platform';
import { runWork } from '@conclave/platform';
import { setTimeout as sleep } from 'node:timers/promises';
import { runInOneProcess } from '../jobs/run-in-one-process.ts';
import type { ServerDatabase } from '../schema/server-database.ts';
import { movePass, type MoveViews } from './move-blobs.ts';
import {
  beginMove,
  finishMove,
  readMoveStatus,
  readRunningMove,
  type BlobMoveStatus,
} from './move-progress.ts';

export interface BlobMoverDeps {
  readonly store: Store<ServerDatabase>;
  readonly leases: Leases;
  readonly lifecycle: Lifecycle;
  readonly clock: Clock;
  readonly log: Log;
  /** Undefined where there is nothing to move: one place, without encryption. */
  readonly views: MoveViews | undefined;
  /** Whether this process moves, or only tells of it. */
  readonly isWorker: boolean;
}

export interface BlobMover {
  status(): Promise<BlobMoveStatus>;
  /** False if there is nothing to move. Asked again, a move goes on, as many at once as was said last. */
  begin(concurrency: number): Promise<boolean>;
}

/** Of real time: how long until a move that was asked for elsewhere is seen, and after a pass that could not do all. */
const restMs = 5_000;

export function startBlobMover(deps: BlobMoverDeps): BlobMover {
  const { store, leases, lifecycle, clock, log, views, isWorker } = deps;
  const sealed = views?.sealed ?? false;
  let wake = new AbortController();

  /** Ends after a rest, when a move is asked for here, or when the process stops. */
  async function rest(signal: AbortSignal): Promise<void> {
    wake = new AbortController();
    await sleep(restMs, undefined, { signal: AbortSignal.any([signal, wake.signal]) }).catch(() => undefined);
  }

  async function moveOnce(moving: MoveViews, signal: AbortSignal): Promise<boolean> {
    const concurrency = await readRunningMove(store);
    if (concurrency === undefined) return false;
    const { seen, failed } = await movePass({ ...moving, store, log }, concurrency, signal);
    if (signal.aborted || failed > 0) return false;
    if (seen > 0 || !(await finishMove(store, sealed, clock.nowMs()))) return true;
    log.info({}, 'all attachments are where they belong');
    return false;
  }

  async function run(moving: MoveViews, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      let isMore = false;
      try {
        isMore = await moveOnce(moving, signal);
      } catch (err) {
        log.warn({ err }, 'the move of attachments was interrupted; it goes on');
      }
      if (!isMore && !signal.aborted) await rest(signal);
    }
  }

  if (views !== undefined && isWorker) {
    const start = () => {
      const stop = new AbortController();
      const running = runWork({ jobId: 'move of attachments' }, () => run(views, stop.signal));
      return {
        async close() {
          stop.abort();
          await running;
        },
      };
    };
    lifecycle.run('move of attachments', (signal) =>
      runInOneProcess({ leases, lease: 'move of attachments', start, signal, log }),
    );
  }

  return {
    status: () => readMoveStatus(store, sealed),
    async begin(concurrency) {
      if (views === undefined) return false;
      await beginMove(store, concurrency, clock.nowMs());
      wake.abort();
      return true;
    },
  };
}
