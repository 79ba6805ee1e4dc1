/**
 * What a member's client does for the group without being asked: carry out leaves and expired invites [F16], remove leaves that
 * joined without a name (admins) [F1], re-key after somebody sealed a secret badly. Each after a random delay, planned anew when it runs,
 * so that of many members online one does it and the others find nothing left to do.
 */
import { administers, type RequestedOperation, type SealedGroup } from '@conclave/sealed-group';
import { ConclaveError, isConclaveError } from '../errors/conclave-error.ts';
import { isGroupOver, type CommitPlan } from './commit-runner.ts';
import type { GroupContext } from './group-context.ts';
import { standsStill } from './log-sync.ts';
import { ownLeafOf } from './member-list.ts';

export interface HousekeepingTiming {
  /** Longest random delay before this client acts; admins take a quarter of it. */
  readonly maxDelayMs: number;
  /** How often it looks for expired invites. */
  readonly intervalMs: number;
}

export const defaultHousekeepingTiming: HousekeepingTiming = { maxDelayMs: 12_000, intervalMs: 60_000 };

const LATE_MESSAGES_MS = 10 * 60_000;

export class Housekeeping {
  readonly #context: () => GroupContext;
  readonly #timing: HousekeepingTiming;
  #timer: Disposable | undefined;
  #tick: Disposable | undefined;
  #lateMessages: Disposable | undefined;
  #running: Promise<void> | undefined;
  #slowSecretEpoch: number | undefined;
  #closed = false;

  constructor(context: () => GroupContext, timing: HousekeepingTiming) {
    this.#context = context;
    this.#timing = timing;
  }

  /** Looks at once (an invite may have expired while this device was away), then at intervals. */
  start(): void {
    this.noteEpoch();
    const look = (): void => {
      if (this.#closed) return;
      this.#context().sync.checkFeed();
      if (this.#plan(this.#context().state.group) !== undefined) this.wake();
      this.#tick = this.#context().clock.schedule(this.#timing.intervalMs, look);
    };
    look();
  }

  /** Late messages of the epoch before may still come; ten minutes later its keys go (docs/sealed-groups.md §6). */
  noteEpoch(): void {
    this.#lateMessages?.[Symbol.dispose]();
    if (this.#closed) return;
    const { clock, state, emit } = this.#context();
    this.#lateMessages = clock.schedule(LATE_MESSAGES_MS, () => {
      state
        .change((group) => {
          group.forgetPreviousEpoch();
          return { value: undefined, withPublic: true };
        })
        .catch(() => emit('warning', { kind: 'background-failure', code: 'STORE_FAILED' }));
    });
  }

  /** Somebody sealed a secret of the current epoch badly. */
  noteSlowSecret(): void {
    this.#slowSecretEpoch = this.#context().state.group.epoch;
    this.wake();
  }

  wake(): void {
    if (this.#closed || this.#timer !== undefined) return;
    const { clock, random, state } = this.#context();
    const isAdmin = administers(ownLeafOf(state.group)?.role ?? 'member');
    const [byte] = random.bytes(1) as unknown as [number];
    const delayMs = (this.#timing.maxDelayMs * (isAdmin ? 0.25 : 1) * (byte + 1)) / 256;
    this.#timer = clock.schedule(delayMs, () => {
      this.#timer = undefined;
      this.#running = this.#run();
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#timer?.[Symbol.dispose]();
    this.#tick?.[Symbol.dispose]();
    this.#lateMessages?.[Symbol.dispose]();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { commits, emit, signal } = this.#context();
    const plan: CommitPlan = (group) => this.#plan(group);
    try {
      await commits.run(plan, { signal });
    } catch (error) {
      // The next look tries again.
      if (signal.aborted || isGroupOver(error) || isConclaveError(error, ...standsStill)) return;
      emit('warning', {
        kind: 'background-failure',
        code: error instanceof ConclaveError ? error.code : 'BUG',
      });
    }
  }

  #plan(group: SealedGroup): ReturnType<CommitPlan> {
    if (group.status !== 'joined') return undefined;
    const nowMs = this.#context().time.nowMs();
    const members = group.members();
    const isAdmin = administers(ownLeafOf(group)?.role ?? 'member');
    const joinedOwners = members.filter(({ role, isPending }) => role === 'owner' && !isPending).length;
    // Leaves and expired invites come into every commit by themselves; here is only asked whether one is needed.
    const isDue = members.some(
      ({ isLeaving, isMe, isPending, expiresAtMs, role }) =>
        (isLeaving && !isMe && !(role === 'owner' && joinedOwners === 1)) ||
        (isPending && (expiresAtMs ?? 0) <= nowMs),
    );
    // Only leaves that were seen to hide: a leaf that this device merely knows nothing of (its roster was withheld) did no wrong.
    const unlisted = isAdmin ? members.filter(({ standing, isMe }) => standing === 'unlisted' && !isMe) : [];
    const operations: RequestedOperation[] = unlisted.map(({ instance }) => ({
      kind: 'remove',
      leaf: instance.leaf,
    }));
    const mustRekey = this.#slowSecretEpoch === group.epoch;
    return isDue || operations.length > 0 || mustRekey ? { operations } : undefined;
  }
}
