/**
 * Makes a change to the group happen, or says why not. Each try is planned on the state as it is, with everything fresh:
 * after somebody else's commit the plan is asked again and may find that nothing is left to do (docs/sealed-groups.md §5).
 * A commit's secrets and octets are on disk before it is posted, and stay there until the log shows who won the epoch [F9].
 *
 *     catch up ─▶ plan ─▶ prepare + save ─▶ post ─┬─▶ accepted ─▶ read the log up to it ─▶ done
 *         ▲                                       ├─▶ somebody was faster ─┐
 *         └──────────── wait (jitter) ◀───────────┴────────────────────────┘
 */
import type { PrepareCommitInput, SealedGroup } from '@conclave/sealed-group';
import { encodeBase64url } from '../encoding/base64url.ts';
import { notAllowed } from '../errors/broken-rule.ts';
import { ConclaveError, isConclaveError, throwIfAborted } from '../errors/conclave-error.ts';
import { backoffDelayMs } from '../http/backoff.ts';
import { paths } from '../store/paths.ts';
import { sleep } from '../time/clock.ts';
import { createSerialQueue } from '../time/serial-queue.ts';
import type { AcceptedCommit } from './frame-applier.ts';
import { epochOfFrame } from './frame-epoch.ts';
import type { GroupContext } from './group-context.ts';
import { pendingCommitCodec, type PendingCommitRecord } from './group-records.ts';

/** What to commit on the group as it is now; `undefined`: nothing is left to do. Throws a ConclaveError to refuse. */
export type CommitPlan = (group: SealedGroup) => Omit<PrepareCommitInput, 'nowMs'> | undefined;

const BACKOFF = { baseMs: 150, maxMs: 6_000 };
const MAX_TRIES = 20;

export class CommitRunner {
  readonly #context: () => GroupContext;
  readonly #queue = createSerialQueue();
  readonly #acceptedByHash = new Map<string, AcceptedCommit>();
  #pending: PendingCommitRecord | undefined;

  constructor(context: () => GroupContext) {
    this.#context = context;
  }

  async load(): Promise<void> {
    const { vault, id } = this.#context();
    const stored = await vault.get(paths.pendingCommit(id));
    this.#pending = stored === undefined ? undefined : pendingCommitCodec.decode(stored);
  }

  /** The posted frame whose fate is unknown. */
  get pendingFrame(): Uint8Array | undefined {
    return this.#pending?.frame;
  }

  noteAccepted(bodyHash: Uint8Array, commit: AcceptedCommit): void {
    this.#pending = undefined;
    this.#acceptedByHash.set(encodeBase64url(bodyHash), commit);
  }

  noteLost(): void {
    this.#pending = undefined;
  }

  /** One commit at a time. `undefined` when there was nothing to do. */
  async run(
    plan: CommitPlan,
    options: { readonly signal?: AbortSignal | undefined } = {},
  ): Promise<AcceptedCommit | undefined> {
    return await this.#queue.run(() => this.#attempt(plan, options.signal));
  }

  /** Finds out what became of a commit that was posted before a crash or a lost connection. */
  async settle(): Promise<void> {
    await this.#queue.run(() => this.#settlePending());
  }

  idle(): Promise<void> {
    return this.#queue.idle();
  }

  async #attempt(plan: CommitPlan, signal: AbortSignal | undefined): Promise<AcceptedCommit | undefined> {
    const { sync, clock, random } = this.#context();
    await this.#settlePending();
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      throwIfAborted(signal);
      await sync.run();
      const prepared = await this.#prepare(plan);
      if (prepared === undefined) return undefined;
      const accepted = await this.#post(prepared, signal);
      if (accepted !== undefined) return accepted;
      await sleep(clock, backoffDelayMs(tries, BACKOFF, random), signal);
    }
    throw new ConclaveError('CONFLICT', 'Others kept changing the group; the change was not made');
  }

  async #prepare(plan: CommitPlan): Promise<PendingCommitRecord | undefined> {
    const { state, time, id } = this.#context();
    return await state.change<PendingCommitRecord | undefined>((group) => {
      if (group.status === 'removed')
        throw new ConclaveError('REMOVED', 'This device was removed from the group');
      const input = plan(group);
      if (input === undefined) return { value: undefined };
      const prepared = group.prepareCommit({ ...input, nowMs: time.nowMs() });
      if (!prepared.ok) throw notAllowed(prepared);
      const record = { frame: prepared.value.frame, bodyHash: prepared.value.bodyHash };
      return {
        value: record,
        operations: [{ put: paths.pendingCommit(id), value: pendingCommitCodec.encode(record) }],
        afterwards: () => {
          this.#pending = record;
        },
      };
    });
  }

  /** `undefined`: it lost, or has to be made anew. */
  async #post(
    record: PendingCommitRecord,
    signal: AbortSignal | undefined,
  ): Promise<AcceptedCommit | undefined> {
    const { api, state, sync, time, clock, random } = this.#context();
    const { epoch } = state.group;
    const closed = this.#context().signal;
    for (let waits = 0; ; waits++) {
      try {
        // Not the caller's signal: once posted, a commit is followed to its end.
        const { seq } = await api.postFrame(state.group.groupId, record.frame, { signal: closed });
        await sync.until(seq);
        const accepted = this.#take(record);
        if (accepted !== undefined) return accepted;
        // The number was taken by another frame: is this still the log that was processed?
        await sync.check();
        return this.#take(record) ?? this.#impossible();
      } catch (error) {
        if (!(error instanceof ConclaveError)) throw error;
        const { code, details } = error;
        const mustWait =
          code === 'CONCLAVE_LEAF_WAIT' || code === 'CONCLAVE_OVERLOADED' || code === 'M_LIMIT_EXCEEDED';
        if (mustWait && waits < MAX_TRIES) {
          await sleep(clock, (error.retryAfterMs ?? 0) + backoffDelayMs(0, BACKOFF, random), signal);
          await sync.run();
          // Meanwhile somebody else's commit may have decided the epoch.
          if (state.group.epoch !== epoch) return this.#take(record);
          continue;
        }
        if (code === 'CONCLAVE_CLOCK_SKEW' && typeof details['now_ms'] === 'number')
          time.adjust(details['now_ms']);
        else if (code === 'CONCLAVE_RULE_BROKEN') {
          await sync.run();
          if (state.group.epoch === epoch)
            throw new ConclaveError('NOT_ALLOWED', error.message, { cause: error, details });
        } else if (code === 'CONCLAVE_NOT_ELIGIBLE') {
          await sync.explainRefusal(epochOfFrame(record.frame));
          if (state.group.epoch === epoch)
            throw new ConclaveError('GROUP_NOT_ACTIVE', 'The server does not take this device for a member', {
              cause: error,
            });
        } else if (
          code !== 'CONCLAVE_WRONG_EPOCH' &&
          code !== 'CONCLAVE_REMOVALS_REQUIRED' &&
          code !== 'CONCLAVE_FRAME_CONFLICT'
        ) {
          throw error;
        }
        await sync.run();
        // What the server says of its log, the log must show.
        if (code === 'CONCLAVE_WRONG_EPOCH' && typeof details['epoch'] === 'number')
          await sync.reach(details['epoch']);
        return this.#take(record);
      }
    }
  }

  async #settlePending(): Promise<void> {
    const record = this.#pending;
    if (record === undefined) return;
    const { api, state, sync, signal } = this.#context();
    try {
      const { seq } = await api.postFrame(state.group.groupId, record.frame, { signal });
      await sync.until(seq);
    } catch (error) {
      const isDecided =
        error instanceof ConclaveError &&
        error.status !== undefined &&
        error.status >= 400 &&
        error.status < 500;
      // No answer is no answer: the secrets stay, the question is asked again.
      if (!isDecided || error.status === 429) throw error;
      await sync.run();
    }
    if (this.#pending !== record) return;
    // A server with another log would make this device forget secrets that it still needs.
    await sync.check();
    if (this.#pending === record) await this.#forget(record);
  }

  /** The server refused it for good without the epoch having changed. */
  async #forget(record: PendingCommitRecord): Promise<void> {
    const { vault, id } = this.#context();
    await vault.transact([{ delete: paths.pendingCommit(id) }]);
    if (this.#pending === record) this.#pending = undefined;
  }

  #take(record: PendingCommitRecord): AcceptedCommit | undefined {
    const key = encodeBase64url(record.bodyHash);
    const accepted = this.#acceptedByHash.get(key);
    this.#acceptedByHash.delete(key);
    return accepted;
  }

  #impossible(): never {
    throw new ConclaveError('OUT_OF_SYNC', 'The server accepted a commit that its log does not show');
  }
}

/** Whether this error says that the group is over for this device. */
export function isGroupOver(error: unknown): boolean {
  return isConclaveError(error, 'REMOVED', 'GROUP_NOT_ACTIVE', 'CONCLAVE_READ_DENIED');
}
