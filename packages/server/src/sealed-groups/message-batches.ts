/**
 * Messages of a group that come close together are written together: one unit takes n sequence numbers at once, stores n
 * frames and enqueues n announcements, in one order. A sync to disk then serves them all.
 *
 *   verified, judged ─▶ write ─▶ batch of (group, epoch) ─▶ last_seq + n if still this epoch ─▶ n frames ─▶ n outbox rows
 *
 * A batch waits for the end of this turn of the event loop, in which those come that were verified together (proof-lane.ts);
 * those that come while its unit waits for the store still join. A batch stands or falls as a whole: when a twin of one of its
 * frames was stored meanwhile, each frame is written by itself, so that only the twin is judged again; when the epoch changed,
 * all are.
 *
 * In traces each message has a span of its own, from joining its batch until it is durable; the batch stands below the first
 * traced one and links the others.
 */
import { setImmediate as endOfTurn } from 'node:timers/promises';
import {
  codeOf,
  currentTraceParent,
  isUniqueViolation,
  outsideWork,
  prepareEnqueue,
} from '@conclave/platform';
import type { Span, Store, Tracer } from '@conclave/platform';
import type { GroupHead, MessageFrame } from '@conclave/sealed-group';
import type { ServerDatabase } from '../schema/server-database.ts';
import { announcementOf } from './announce.ts';
import type { GroupTransaction } from './group-rows.ts';
import { writeInEpoch } from './write-once.ts';

export interface MessageBatches {
  /**
   * The frame's durable sequence number. Undefined, and nothing of it written, if the group is no longer in the epoch of
   * `head` or a frame with the same body was faster: then judge again.
   */
  write(groupId: string, head: GroupHead, frame: MessageFrame, nowMs: number): Promise<number | undefined>;
}

interface Entry {
  readonly frame: MessageFrame;
  readonly nowMs: number;
  /** While its request is traced. */
  readonly span: Span | undefined;
}

interface Batch {
  readonly head: GroupHead;
  /** By body, in the order of their sequence numbers. */
  readonly entries: Map<string, Entry>;
  /** By body; undefined for those to be judged again. Nobody hears of a batch before it is durable. */
  readonly written: Promise<ReadonlyMap<string, number | undefined>>;
}

export function createMessageBatches(
  deps: { readonly store: Store<ServerDatabase>; readonly tracer: Tracer },
  options: { readonly maxFrames: number },
): MessageBatches {
  const { store, tracer } = deps;
  const takeSeqs = store.prepare(
    (db, value: { readonly groupId: string; readonly epoch: number; readonly count: number }) =>
      db
        .updateTable('sealed_groups')
        .set((eb) => ({ last_seq: eb('last_seq', '+', value.count) }))
        .where('group_id', '=', value.groupId)
        .where('epoch', '=', value.epoch)
        .returning('last_seq'),
  );
  const insertFrame = store.prepare(
    (
      db,
      row: {
        groupId: string;
        seq: number;
        frame: MessageFrame['bytes'];
        epoch: number;
        sentAtMs: number;
        bodyHash: Uint8Array;
        nowMs: number;
      },
    ) =>
      db.insertInto('sealed_frames').values({
        group_id: row.groupId,
        seq: row.seq,
        kind: 'message',
        epoch: row.epoch,
        sent_at_ms: row.sentAtMs,
        body_hash: row.bodyHash,
        frame: row.frame,
        accepted_at_ms: row.nowMs,
      }),
  );
  const enqueue = prepareEnqueue(store);
  /** The batch of each group that can still be joined. */
  const openByGroup = new Map<string, Batch>();

  return {
    async write(groupId, head, frame, nowMs) {
      const body = Buffer.from(frame.bodyHash).toString('latin1');
      let batch = openByGroup.get(groupId);
      if (batch?.head.epoch !== head.epoch || batch.entries.size >= options.maxFrames) batch = undefined;
      const isTwin = batch?.entries.has(body) === true;
      batch ??= open(groupId, head);
      const span = isTwin ? undefined : tracer.startSpan('store write', currentTraceParent());
      if (!isTwin) batch.entries.set(body, { frame, nowMs, span });
      try {
        const seqs = await batch.written;
        // A twin waits for the one before it and is judged again.
        return isTwin ? undefined : seqs.get(body);
      } catch (error) {
        span?.fail(codeOf(error));
        throw error;
      } finally {
        span?.end();
      }
    },
  };

  function open(groupId: string, head: GroupHead): Batch {
    const entries = new Map<string, Entry>();
    const close = (): void => {
      if (openByGroup.get(groupId) === batch) openByGroup.delete(groupId);
    };
    // Of all its messages, not of the one that came first.
    const written = outsideWork(() =>
      endOfTurn()
        .then(() => writeAll(groupId, head, entries, close))
        .finally(close),
    );
    const batch: Batch = { head, entries, written };
    openByGroup.set(groupId, batch);
    return batch;
  }

  async function writeAll(
    groupId: string,
    head: GroupHead,
    entries: ReadonlyMap<string, Entry>,
    close: () => void,
  ): Promise<ReadonlyMap<string, number | undefined>> {
    let batchSpan: Span | undefined;
    try {
      const firstSeq = await store.write(
        async (trx) => {
          close();
          // No more join; a unit may run twice, a span ends once.
          batchSpan ??= startBatchSpan(tracer, [...entries.values()]);
          return await writeTogether(trx, groupId, head, [...entries.values()]);
        },
        // As in `writeOnce`: the group's row is the lock.
        { isolation: 'locked-rows' },
      );
      return seqsFrom(entries, (index) => (firstSeq === undefined ? undefined : firstSeq + index));
    } catch (error) {
      batchSpan?.fail(codeOf(error));
      if (!isUniqueViolation(error)) throw error;
    } finally {
      batchSpan?.end();
    }
    const seqs = await Promise.all(
      [...entries.values()].map(({ frame, nowMs, span }) =>
        writeInEpoch(store, { groupId, head, frame, nowMs, traceParent: span?.traceParent }),
      ),
    );
    return seqsFrom(entries, (index) => seqs[index]);
  }

  /** The number of the first; undefined, and nothing written, if the epoch is over. */
  async function writeTogether(
    trx: GroupTransaction,
    groupId: string,
    { epoch, lastRemovalEpoch }: GroupHead,
    entries: readonly Entry[],
  ): Promise<number | undefined> {
    const [taken] = await takeSeqs.run(trx, { groupId, epoch, count: entries.length });
    if (taken === undefined) return undefined;
    const firstSeq = taken.last_seq - entries.length + 1;
    await insertFrame.runEach(
      trx,
      entries.map(({ frame, nowMs }, index) => ({
        groupId,
        seq: firstSeq + index,
        epoch: frame.header.epoch,
        sentAtMs: frame.header.nowMs,
        bodyHash: frame.bodyHash,
        frame: frame.bytes,
        nowMs,
      })),
    );
    await enqueue(
      trx,
      entries.map(({ frame, span }, index) =>
        announcementOf({
          groupId,
          frame,
          seq: firstSeq + index,
          lastRemovalEpoch,
          traceParent: span?.traceParent,
        }),
      ),
    );
    return firstSeq;
  }
}

/** From the beginning of the batch's unit until it is durable. Undefined if none of its messages is traced. */
function startBatchSpan(tracer: Tracer, entries: readonly Entry[]): Span | undefined {
  const [first, ...others] = entries.flatMap(({ span }) => span?.traceParent ?? []);
  return tracer.startSpan('store batch', first, {
    links: others,
    attributes: { 'conclave.batch.size': entries.length },
  });
}

function seqsFrom(
  entries: ReadonlyMap<string, Entry>,
  seqOf: (index: number) => number | undefined,
): ReadonlyMap<string, number | undefined> {
  return new Map([...entries.keys()].map((body, index) => [body, seqOf(index)]));
}
