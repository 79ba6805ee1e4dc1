/**
 * How often a leaf may commit (§5): everybody recomputes keys for every commit, so members must not be able to make
 * commits as fast as they can. Pure: state in, decision out; the server stores what is returned, in the transaction of the commit.
 *
 *   * After an accepted commit a leaf that is not an owner waits: 1 s, 2 s, 4 s, … up to 64 s. A quiet time as long as the
 *     last wait takes one doubling back.
 *   * Devices and pending leaves are charged to the leaf that added them. A first commit costs one plain wait and doubles nothing:
 *     there is one per added leaf.
 *   * An administrator's removal that lost a race has the next epoch reserved for its re-post for 10 s, once per leaf and
 *     minute: a member must not be able to stay by committing faster than it is removed.
 */
import type { Result } from '../result.ts';
import { accept, violation } from '../result.ts';
import type { Instance, LeafNode, TreeReader } from '../tree/index.ts';
import { administers, isPending, isSameInstance, toLeafIndex } from '../tree/index.ts';
import type { CommitFrame } from '../wire/index.ts';
import type { PublicGroup } from './public-group.ts';

export const firstWaitMs = 1000;
export const maxWaitMs = 64_000;
export const reservationMs = 10_000;
export const reservationIntervalMs = 60_000;

/** Stored per charged instance. An instance without a row has `newAccount`. */
export interface BudgetAccount {
  /** The instance may commit from this time on; 0 at first. */
  readonly waitUntilMs: number;
  /** The wait that follows the next accepted commit. */
  readonly nextWaitMs: number;
  /** When an epoch was last reserved for it; undefined if never. */
  readonly reservedAtMs: number | undefined;
}

export const newAccount: BudgetAccount = { waitUntilMs: 0, nextWaitMs: firstWaitMs, reservedAtMs: undefined };

/** Stored per group: in `epoch` only `holder` commits, until `untilMs`. */
export interface EpochReservation {
  readonly epoch: number;
  readonly holder: Instance;
  readonly untilMs: number;
}

export type BudgetDecision =
  /** `account` is stored with the commit; undefined when nothing is charged (owners). */
  | { readonly ok: true; readonly account: BudgetAccount | undefined }
  | { readonly ok: false; readonly rule: 'commit/wait'; readonly retryAtMs: number };

/** Who pays for the leaf's commits: itself, or its adder while it is pending or if it is a device. Undefined: no such leaf. */
export function chargedInstance(tree: TreeReader, committer: number): Instance | undefined {
  const index = toLeafIndex(committer, tree.leafCount);
  const leaf = index === undefined ? undefined : tree.leaf(index);
  if (index === undefined || leaf === undefined) return undefined;
  if ((isPending(leaf) || leaf.device) && leaf.addedBy !== undefined) return leaf.addedBy;
  return { leaf: index, epoch: leaf.epoch };
}

/**
 * Whether an eligible commit in the current epoch may be made at `nowMs` (the server's clock). `account` is that of
 * `chargedInstance`. Ask before the expensive checks; store the returned account only with the accepted commit.
 */
export function decideBudget(input: {
  readonly tree: TreeReader;
  readonly epoch: number;
  readonly committer: number;
  readonly nowMs: number;
  readonly account: BudgetAccount | undefined;
  readonly reservation: EpochReservation | undefined;
}): BudgetDecision {
  const { tree, committer, nowMs, reservation } = input;
  const account = input.account ?? newAccount;
  const charged = chargedInstance(tree, committer);
  const index = toLeafIndex(committer, tree.leafCount);
  const leaf = index === undefined ? undefined : tree.leaf(index);
  if (charged === undefined || index === undefined || leaf === undefined) {
    return { ok: false, rule: 'commit/wait', retryAtMs: nowMs };
  }
  const isReserved =
    reservation !== undefined && reservation.epoch === input.epoch && nowMs < reservation.untilMs;
  if (isReserved && !isSameInstance(reservation.holder, { leaf: index, epoch: leaf.epoch })) {
    return { ok: false, rule: 'commit/wait', retryAtMs: reservation.untilMs };
  }
  if (leafOfInstance(tree, charged)?.role === 'owner') return { ok: true, account: undefined };
  // The holder of a reservation paid when its lost commit was weighed.
  if (!isReserved && nowMs < account.waitUntilMs) {
    return { ok: false, rule: 'commit/wait', retryAtMs: account.waitUntilMs };
  }
  return { ok: true, account: chargeCommit(account, isPending(leaf), nowMs) };
}

/**
 * Whether the next commit is reserved for this one, which is eligible but was made in the epoch just before the current:
 * it lost the race. Store both values of the answer. Undefined: nothing is reserved.
 */
export function decideReservation(input: {
  readonly group: PublicGroup;
  readonly frame: CommitFrame;
  readonly nowMs: number;
  readonly account: BudgetAccount | undefined;
  readonly reservation: EpochReservation | undefined;
}): { readonly reservation: EpochReservation; readonly account: BudgetAccount } | undefined {
  const { group, frame, nowMs } = input;
  const account = input.account ?? newAccount;
  const index = toLeafIndex(frame.content.committer, group.tree.leafCount);
  const leaf = index === undefined ? undefined : group.tree.leaf(index);
  if (index === undefined || leaf === undefined || isPending(leaf) || !administers(leaf.role))
    return undefined;
  const lostRace = frame.header.epoch === group.epoch - 1;
  const removes = frame.content.operations.some(({ kind }) => kind === 'remove');
  const isTaken = input.reservation !== undefined && nowMs < input.reservation.untilMs;
  const isTooSoon =
    account.reservedAtMs !== undefined && nowMs < account.reservedAtMs + reservationIntervalMs;
  const isWaiting = leaf.role !== 'owner' && nowMs < account.waitUntilMs;
  if (!lostRace || !removes || isTaken || isTooSoon || isWaiting) return undefined;
  return {
    reservation: {
      epoch: group.epoch,
      holder: { leaf: index, epoch: leaf.epoch },
      untilMs: nowMs + reservationMs,
    },
    account: { ...account, reservedAtMs: nowMs },
  };
}

/** The decision as a `Result`, for callers that only want to know. */
export function checkBudget(decision: BudgetDecision): Result<BudgetAccount | undefined> {
  return decision.ok ? accept(decision.account) : violation(decision.rule, `until ${decision.retryAtMs}`);
}

function chargeCommit(account: BudgetAccount, isFirstCommit: boolean, nowMs: number): BudgetAccount {
  if (isFirstCommit) return { ...account, waitUntilMs: nowMs + firstWaitMs };
  let waitMs = account.nextWaitMs;
  let quietMs = nowMs - account.waitUntilMs;
  for (; waitMs > firstWaitMs && quietMs >= waitMs / 2; waitMs /= 2) quietMs -= waitMs / 2;
  return { ...account, waitUntilMs: nowMs + waitMs, nextWaitMs: Math.min(2 * waitMs, maxWaitMs) };
}

function leafOfInstance(tree: TreeReader, instance: Instance): LeafNode | undefined {
  const leaf = tree.leaf(instance.leaf);
  return leaf?.epoch === instance.epoch ? leaf : undefined;
}
