/**
 * Own messages on their way. A message is on disk before it is encrypted, and its frame is on disk before it is posted;
 * it goes when it came back in the log. So a crash at any step loses nothing, and nothing is shown twice: the *same*
 * octets are posted until the server either has them or can never take them (its epoch is over), and only then is the
 * message encrypted anew.
 *
 *     enqueue ─▶ encrypt (state + frame, one transaction) ─▶ post ─┬─▶ accepted ─▶ seen in the log: message + delete, one transaction
 *                    ▲                                             └─▶ the epoch is over ─┐
 *                    └──────────────── catch up ◀──────────────────────────────────────────┘
 */
import type { SealedGroup } from '@conclave/sealed-group';
import { encodeBase64url } from '../encoding/base64url.ts';
import { equalBytes } from '../encoding/bytes.ts';
import { notAllowed } from '../errors/broken-rule.ts';
import { ConclaveError, isConclaveError } from '../errors/conclave-error.ts';
import { backoffDelayMs } from '../http/backoff.ts';
import { paths } from '../store/paths.ts';
import type { VaultOperation } from '../store/vault.ts';
import { sleep } from '../time/clock.ts';
import { createCoalescedTask } from '../time/coalesced-task.ts';
import { epochOfFrame } from './frame-epoch.ts';
import type { GroupContext } from './group-context.ts';
import { outgoingCodec, type OutgoingRecord } from './group-records.ts';
import { standsStill } from './log-sync.ts';
import { toMemberContent } from './message-content.ts';

/** However long the server was away, a client goes on within seconds of its return. */
const BACKOFF = { baseMs: 300, maxMs: 5_000 };
/** Encryptions of one message before it is given up: each costs somebody else a commit. */
const MAX_ROUNDS = 50;

interface Waiter {
  resolve(result: { bodyHash: Uint8Array; seq: number }): void;
  reject(error: unknown): void;
}

export class Outbox {
  readonly #context: () => GroupContext;
  readonly #recordByOrder = new Map<number, OutgoingRecord>();
  readonly #waiterByLocalId = new Map<string, Waiter>();
  #nextOrder = 0;
  readonly #pumping = createCoalescedTask(() => this.#run());

  constructor(context: () => GroupContext) {
    this.#context = context;
  }

  async load(): Promise<void> {
    const entries = await this.#context().vault.list({ under: paths.outbox(this.#context().id) });
    for (const { value } of entries) {
      const record = outgoingCodec.decode(value);
      this.#recordByOrder.set(record.order, record);
      this.#nextOrder = Math.max(this.#nextOrder, record.order + 1);
    }
  }

  /** In the order of sending. */
  pending(): OutgoingRecord[] {
    return [...this.#recordByOrder.values()].sort((a, b) => a.order - b.order);
  }

  /** Resolves once it is on disk; `accepted` settles when the server has it, or never will. */
  async enqueue(message: {
    type: string;
    content: Uint8Array;
  }): Promise<{ localId: string; accepted: Promise<{ bodyHash: Uint8Array; seq: number }> }> {
    const { vault, id, random, time, emit } = this.#context();
    const localId = `local-${encodeBase64url(random.bytes(12))}`;
    const record: OutgoingRecord = {
      order: this.#nextOrder++,
      localId,
      createdAtMs: time.nowMs(),
      ...message,
    };
    await vault.transact([{ put: paths.outgoing(id, record.order), value: outgoingCodec.encode(record) }]);
    this.#recordByOrder.set(record.order, record);
    const accepted = new Promise<{ bodyHash: Uint8Array; seq: number }>((resolve, reject) => {
      this.#waiterByLocalId.set(localId, { resolve, reject });
    });
    // Whoever does not wait for it is told by events.
    accepted.catch(() => undefined);
    emit('outgoing', { localId, state: 'pending' });
    this.pump();
    return { localId, accepted };
  }

  /** The own message with this frame, and what takes it out of the outbox. */
  settle(
    bodyHash: Uint8Array,
  ): { record: OutgoingRecord; operation: VaultOperation; forget: (seq: number) => void } | undefined {
    const record = this.pending().find(
      (candidate) => candidate.bodyHash !== undefined && equalBytes(candidate.bodyHash, bodyHash),
    );
    if (record === undefined) return undefined;
    return {
      record,
      operation: { delete: paths.outgoing(this.#context().id, record.order) },
      forget: (seq) => {
        this.#recordByOrder.delete(record.order);
        this.#take(record.localId)?.resolve({ bodyHash, seq });
      },
    };
  }

  /** Sends what waits, in the background, one message after the other. */
  pump(): void {
    // Failures of single messages are told to their senders; what is left is a store that refuses to work.
    this.#pumping.run().catch((error: unknown) => {
      const { emit } = this.#context();
      emit('warning', {
        kind: 'background-failure',
        code: error instanceof ConclaveError ? error.code : 'BUG',
      });
    });
  }

  async close(): Promise<void> {
    // A copy, because taking a waiter deletes it.
    for (const localId of Array.from(this.#waiterByLocalId.keys())) {
      this.#take(localId)?.reject(
        new ConclaveError('CLIENT_CLOSED', 'The client was closed; the message is kept and sent later'),
      );
    }
    await this.#pumping.idle();
  }

  async #run(): Promise<void> {
    const { state, signal, sync } = this.#context();
    // While the server's log is not the one that was processed, messages wait.
    while (!signal.aborted && !sync.isHalted) {
      const next = this.pending().find((record) => record.acceptedSeq === undefined);
      // While joining there are no keys yet; the first commit pumps again.
      if (next === undefined || state.group.status === 'joining') return;
      try {
        await this.#deliver(next);
      } catch (error) {
        if (signal.aborted || isConclaveError(error, ...standsStill)) return;
        await this.#giveUp(next.order, error);
      }
    }
  }

  async #deliver({ order }: OutgoingRecord): Promise<void> {
    const { api, state, sync, clock, random, signal, time } = this.#context();
    for (let round = 0, failures = 0; round < MAX_ROUNDS;) {
      const record = this.#recordByOrder.get(order);
      // It came back in the log meanwhile.
      if (record === undefined) return;
      const posted = record.frame === undefined ? await this.#encrypt(order) : record;
      if (posted?.frame === undefined || posted.bodyHash === undefined) return;
      try {
        const { seq } = await api.postFrame(state.group.groupId, posted.frame, { signal });
        await this.#accepted(order, seq);
        return;
      } catch (error) {
        if (isConclaveError(error, 'NETWORK', 'TIMED_OUT') || isTemporary(error)) {
          // Its fate is unknown: the same octets again, for as long as it takes.
          await sleep(clock, retryDelay(error, backoffDelayMs(failures++, BACKOFF, random)), signal);
          continue;
        }
        if (!isConclaveError(error, ...refusals)) throw error;
        if (error.code === 'CONCLAVE_CLOCK_SKEW' && typeof error.details['now_ms'] === 'number')
          time.adjust(error.details['now_ms']);
        const epoch = state.group.epoch;
        await sync.run();
        // What the server says of its log, the log must show.
        if (error.code === 'CONCLAVE_WRONG_EPOCH' && typeof error.details['epoch'] === 'number')
          await sync.reach(error.details['epoch']);
        if (error.code === 'CONCLAVE_NOT_ELIGIBLE') await sync.explainRefusal(epochOfFrame(posted.frame));
        // The rules as they are now still forbid it, or this device is nobody to the server: no epoch will change that.
        if (state.group.epoch === epoch && isFinal(error.code) && round > 0) throw error;
        await this.#dropFrame(order);
        round += 1;
        failures = 0;
      }
    }
    throw new ConclaveError('CONFLICT', 'Others kept changing the group; the message was not sent');
  }

  async #encrypt(order: number): Promise<OutgoingRecord | undefined> {
    const { state, id, time } = this.#context();
    return await state.change<OutgoingRecord | undefined>((group: SealedGroup) => {
      const record = this.#recordByOrder.get(order);
      if (record === undefined || record.frame !== undefined) return { value: record };
      const prepared = group.encryptMessage({ content: toMemberContent(record), nowMs: time.nowMs() });
      if (!prepared.ok)
        throw group.status === 'removed'
          ? new ConclaveError('REMOVED', 'This device was removed from the group')
          : notAllowed(prepared);
      const sealed = { ...record, frame: prepared.value.frame, bodyHash: prepared.value.bodyHash };
      return {
        value: sealed,
        operations: [{ put: paths.outgoing(id, order), value: outgoingCodec.encode(sealed) }],
        afterwards: () => this.#recordByOrder.set(order, sealed),
      };
    });
  }

  async #accepted(order: number, seq: number): Promise<void> {
    const { state, id, emit, sync } = this.#context();
    await state.change(() => {
      const record = this.#recordByOrder.get(order);
      // It may have come back in the log before the answer did.
      if (record?.bodyHash === undefined) return { value: undefined };
      const { localId, bodyHash } = record;
      const accepted = { ...record, acceptedSeq: seq };
      return {
        value: undefined,
        operations: [{ put: paths.outgoing(id, order), value: outgoingCodec.encode(accepted) }],
        afterwards: () => {
          this.#recordByOrder.set(order, accepted);
          emit('outgoing', { localId, state: 'accepted' });
          this.#take(localId)?.resolve({ bodyHash, seq });
          sync.hintOwn(seq);
        },
      };
    });
  }

  /** The frame can never be accepted any more: the message is to be encrypted anew. */
  async #dropFrame(order: number): Promise<void> {
    const { state, id } = this.#context();
    await state.change(() => {
      const record = this.#recordByOrder.get(order);
      if (record === undefined) return { value: undefined };
      const { frame: _frame, bodyHash: _bodyHash, ...fresh } = record;
      return {
        value: undefined,
        operations: [{ put: paths.outgoing(id, order), value: outgoingCodec.encode(fresh) }],
        afterwards: () => this.#recordByOrder.set(order, fresh),
      };
    });
  }

  async #giveUp(order: number, error: unknown): Promise<void> {
    const { vault, id, emit } = this.#context();
    const record = this.#recordByOrder.get(order);
    if (record === undefined) return;
    this.#recordByOrder.delete(order);
    const code = error instanceof ConclaveError ? error.code : 'STORE_FAILED';
    await vault.transact([{ delete: paths.outgoing(id, order) }]).catch(() => undefined);
    emit('outgoing', { localId: record.localId, state: 'failed', code });
    this.#take(record.localId)?.reject(error);
  }

  #take(localId: string): Waiter | undefined {
    const waiter = this.#waiterByLocalId.get(localId);
    this.#waiterByLocalId.delete(localId);
    return waiter;
  }
}

/** Answers after which these octets can never be accepted. */
const refusals = [
  'CONCLAVE_WRONG_EPOCH',
  'CONCLAVE_NOT_ELIGIBLE',
  'CONCLAVE_FRAME_CONFLICT',
  'CONCLAVE_CLOCK_SKEW',
  'CONCLAVE_RULE_BROKEN',
];

function isFinal(code: string): boolean {
  return code === 'CONCLAVE_RULE_BROKEN' || code === 'CONCLAVE_NOT_ELIGIBLE';
}

function isTemporary(error: unknown): boolean {
  return (
    error instanceof ConclaveError &&
    error.status !== undefined &&
    (error.status === 429 || error.status >= 500)
  );
}

function retryDelay(error: unknown, backoffMs: number): number {
  return backoffMs + (error instanceof ConclaveError ? (error.retryAfterMs ?? 0) : 0);
}
