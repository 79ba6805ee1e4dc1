/**
 * A delivery service in memory, for scenarios: the order of checks of docs/sealed-groups.md §5 on the same functions that
 * the server uses, without storage, transport and limits per address.
 */
import type { RandomSource } from '@conclave/ristretto';
import { equalBytes } from '@noble/ciphers/utils.js';
import type {
  BudgetAccount,
  CommitEffect,
  CommitFrame,
  EpochReservation,
  LeaveFrame,
  MessageFrame,
  PublicGroup,
  Result,
  Suite,
  Violation,
} from '../../src/index.ts';
import {
  accept,
  advanceGroup,
  chargedInstance,
  checkClock,
  checkCommitEpoch,
  checkEligibility,
  checkMessageEpoch,
  checkMessageProof,
  leafFrom,
  decideBudget,
  decideReservation,
  decodeTree,
  encodeTree,
  foundGroup,
  instanceKey,
  isCommitFrame,
  isCreateFrame,
  isMessageFrame,
  noteLeave,
  parseFrame,
  parsePublicKey,
  serverVerification,
  verifyClaimsOfOne,
  verifyCommit,
  verifyCreate,
  verifyLeave,
  violation,
} from '../../src/index.ts';

export const origin = 'https://chat.example';

export interface LoggedFrame {
  readonly seq: number;
  readonly bytes: Uint8Array;
}

export class DeliveryService {
  readonly log: LoggedFrame[] = [];
  /** The tree of every epoch, as newcomers would fetch it. */
  readonly treeByEpoch = new Map<number, Uint8Array>();
  readonly seqByEpoch = new Map<number, number>();
  readonly effects: CommitEffect[] = [];
  readonly #suite: Suite;
  readonly #random: RandomSource;
  readonly #limitsRate: boolean;
  readonly #accounts = new Map<string, BudgetAccount>();
  #reservation: EpochReservation | undefined;
  #epochStartedMs = 0;
  #group: PublicGroup | undefined;
  nowMs: number;

  constructor(options: { suite: Suite; random: RandomSource; nowMs: number; limitsRate?: boolean }) {
    this.#suite = options.suite;
    this.#random = options.random;
    this.#limitsRate = options.limitsRate ?? false;
    this.nowMs = options.nowMs;
  }

  /** Another service with the same past: what happens to one does not happen to the other. */
  copy(): DeliveryService {
    const copy = new DeliveryService({
      suite: this.#suite,
      random: this.#random,
      nowMs: this.nowMs,
      limitsRate: this.#limitsRate,
    });
    copy.log.push(...this.log);
    for (const [epoch, tree] of this.treeByEpoch) copy.treeByEpoch.set(epoch, tree);
    for (const [epoch, seq] of this.seqByEpoch) copy.seqByEpoch.set(epoch, seq);
    for (const [name, account] of this.#accounts) copy.#accounts.set(name, account);
    const tree = decodeTree(encodeTree(this.group.tree), (bytes) => parsePublicKey(this.#suite, bytes));
    if (!tree.ok) throw new Error(tree.rule);
    copy.#group = { ...this.group, tree: tree.value };
    copy.#epochStartedMs = this.#epochStartedMs;
    return copy;
  }

  get group(): PublicGroup {
    if (this.#group === undefined) throw new Error('no group was created');
    return this.#group;
  }

  /** The sequence number, or the rule that the frame breaks. */
  post(bytes: Uint8Array): Result<number> {
    const parsed = parseFrame(bytes);
    if (!parsed.ok) return parsed;
    const frame = parsed.value;
    const stored = this.log.find((logged) => equalBytes(logged.bytes, bytes));
    if (stored !== undefined) return accept(stored.seq);
    const clock = checkClock(frame, this.nowMs);
    if (isCreateFrame(frame)) {
      if (!clock.ok) return clock;
      if (this.#group !== undefined) return violation('commit/eligible');
      const verified = verifyCreate(this.#suite, frame, origin);
      if (!verified.ok) return verified;
      const broken = this.#broken(verified.value.claims);
      if (broken !== undefined) return broken;
      this.#group = foundGroup(verified.value.effect);
      return this.#append(bytes, 0);
    }
    const eligible = checkEligibility(this.#deps(), this.group, frame);
    if (!eligible.ok) return eligible;
    if (!clock.ok) return clock;
    if (isCommitFrame(frame)) return this.#commit(frame);
    return isMessageFrame(frame) ? this.#message(frame) : this.#leave(frame);
  }

  #commit(frame: CommitFrame): Result<number> {
    const { group, nowMs } = this;
    const charged = chargedInstance(group.tree, frame.content.committer);
    const name = charged === undefined ? '' : instanceKey(charged);
    const account = this.#accounts.get(name);
    const reservation = this.#reservation;
    const epoch = checkCommitEpoch(group, frame);
    if (!epoch.ok) {
      const reserved = decideReservation({ group, frame, nowMs, account, reservation });
      if (reserved !== undefined && this.#limitsRate) {
        this.#reservation = reserved.reservation;
        this.#accounts.set(name, reserved.account);
      }
      return epoch;
    }
    const { committer } = frame.content;
    const budget = decideBudget({
      tree: group.tree,
      epoch: group.epoch,
      committer,
      nowMs,
      account,
      reservation,
    });
    if (!budget.ok && this.#limitsRate) return violation(budget.rule, `${budget.retryAtMs}`);
    const verified = verifyCommit(group, frame, serverVerification);
    if (!verified.ok) return verified;
    const broken = this.#broken(verified.value.claims);
    if (broken !== undefined) return broken;
    if (budget.ok && budget.account !== undefined) this.#accounts.set(name, budget.account);
    this.#group = advanceGroup(group, verified.value.effect);
    this.#epochStartedMs = nowMs;
    this.effects.push(verified.value.effect);
    return this.#append(frame.bytes, verified.value.effect.epoch);
  }

  #message(frame: MessageFrame): Result<number> {
    const epoch = checkMessageEpoch(this.group, frame, this.nowMs - this.#epochStartedMs);
    if (!epoch.ok) return epoch;
    const proof = checkMessageProof(this.group, leafFrom(this.group, frame), frame);
    return proof.ok ? this.#append(frame.bytes) : proof;
  }

  #leave(frame: LeaveFrame): Result<number> {
    const leave = verifyLeave(this.group, frame);
    if (!leave.ok) return leave;
    if (!leave.value.repeated) this.#group = noteLeave(this.group, leave.value.leave);
    return this.#append(frame.bytes);
  }

  #deps() {
    return { suite: this.#suite, random: this.#random };
  }

  #broken(claims: Parameters<typeof verifyClaimsOfOne>[1]): Violation | undefined {
    return verifyClaimsOfOne(this.#deps(), claims);
  }

  #append(bytes: Uint8Array, epoch?: number): Result<number> {
    const seq = this.log.length + 1;
    this.log.push({ seq, bytes });
    if (epoch !== undefined) {
      this.treeByEpoch.set(epoch, encodeTree(this.group.tree));
      this.seqByEpoch.set(epoch, seq);
    }
    return accept(seq);
  }
}
