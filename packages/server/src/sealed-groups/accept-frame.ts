/**
 * Accepts the frames that are posted to a group: from octets to a durable place in the group's log. The order is that of
 * docs/sealed-groups.md §5, cheapest first; drawn in docs/decisions/0004-delivery-service.md.
 *
 * Whatever is refused has left no trace in the database. The one exception is the reservation of an epoch for a removal
 * that lost its race, which is what its 409 is for.
 */
import { isUniqueViolation } from '@conclave/platform';
import type { Clock, Store } from '@conclave/platform';
import {
  advanceGroup,
  chargedInstance,
  checkClock,
  checkCommitEpoch,
  checkMessageEpoch,
  checkMessageProof,
  decideBudget,
  decideReservation,
  eligibilityClaim,
  isCommitFrame,
  isLeaveFrame,
  isMessageFrame,
  parseFrame,
  removalsDue,
  serverVerification,
  verifyCommit,
  verifyLeave,
} from '@conclave/sealed-group';
import type {
  CommitEffect,
  CommitFrame,
  LeaveFrame,
  MessageFrame,
  ParsedFrame,
  PublicGroup,
  Suite,
} from '@conclave/sealed-group';
import { ApiError } from '../errors/api-error.ts';
import type { ServerDatabase } from '../schema/server-database.ts';
import { announceFrame, announceRemoval } from './announce.ts';
import type { ClaimBatcher } from './claim-batcher.ts';
import type { Decoy } from './decoy-group.ts';
import type { FalseProofs } from './false-proofs.ts';
import type { CachedGroup, GroupCache } from './group-cache.ts';
import type { GroupGate } from './group-gate.ts';
import {
  advanceRows,
  insertFrame,
  storeReservation,
  takeSeq,
  upsertBudget,
  upsertLeave,
} from './group-rows.ts';
import type { GroupRow, GroupRows, GroupTransaction } from './group-rows.ts';
import { clockError, malformedError, notEligibleError, ruleError, wrongEpochError } from './rule-errors.ts';

export interface AcceptFrameDeps {
  readonly suite: Suite;
  readonly store: Store<ServerDatabase>;
  readonly rows: GroupRows;
  readonly cache: GroupCache;
  readonly gate: GroupGate;
  readonly claims: ClaimBatcher;
  readonly decoy: Decoy;
  readonly falseProofs: FalseProofs;
  readonly clock: Clock;
}

export interface AcceptedFrame {
  readonly seq: number;
  /** The group's epoch after the frame. */
  readonly epoch: number;
}

type GroupFrame = CommitFrame | LeaveFrame | MessageFrame;

/** How often a frame is judged anew because another process changed the group between judging and writing. */
const maxAttempts = 4;

export type AcceptFrame = (groupId: string, bytes: Uint8Array) => Promise<AcceptedFrame>;

export function createAcceptFrame(deps: AcceptFrameDeps): AcceptFrame {
  const { suite, rows, cache, gate, claims, clock, decoy } = deps;

  return async (groupId, bytes) => {
    const parsed = parseFrame(bytes);
    if (!parsed.ok) throw malformedError(parsed);
    const frame = parsed.value;
    if (!isGroupFrame(frame)) throw notEligibleError();
    // Before the gate: outsiders cannot fill it, and the proofs of many frames are verified together.
    const admitted = await admit(groupId, frame);
    if (isAccepted(admitted)) return admitted;

    const accept = () => acceptAdmitted(groupId, frame, admitted);
    const accepted = isMessageFrame(frame) ? gate.shared(groupId, accept) : gate.exclusive(groupId, accept);
    if (accepted === undefined) {
      throw new ApiError('CONCLAVE_OVERLOADED', 'Too many frames wait for this group', {
        retryAfterMs: 1_000,
      });
    }
    return await accepted;
  };

  /**
   * The group's row as of which the sender is eligible; or, for a frame that is stored already, the answer that it got,
   * whoever posts it again: an acknowledgement may have been lost.
   */
  async function admit(groupId: string, frame: GroupFrame): Promise<AcceptedFrame | GroupRow> {
    const stored = await rows.findFrame(groupId, frame.bodyHash);
    if (stored !== undefined && Buffer.from(stored.frame).equals(frame.bytes)) {
      return { seq: stored.seq, epoch: await rows.epochAfter(groupId, stored.seq) };
    }
    const row = await rows.findGroup(groupId);
    await requireEligible(groupId, row, frame);
    if (row === undefined) throw notEligibleError();
    const nowMs = clock.nowMs();
    if (!checkClock(frame, nowMs).ok) throw clockError(nowMs);
    if (stored !== undefined) {
      throw new ApiError(
        'CONCLAVE_FRAME_CONFLICT',
        'A frame with the same body and another trailer is stored',
      );
    }
    return row;
  }

  /** One answer for every reason, and about the same work where there is no such group [F14]. */
  async function requireEligible(
    groupId: string,
    row: GroupRow | undefined,
    frame: GroupFrame,
  ): Promise<void> {
    const claim =
      (row && (await cache.use(groupId, row, ({ group }) => eligibilityClaim(suite, group, frame)))) ??
      eligibilityClaim(suite, decoy.standIn(frame.header), frame);
    // A wrong leaf or epoch costs no verification; here it does, so that time does not tell it from a wrong signature.
    const broken = await claims.verify([claim.ok ? claim.value : decoy.falseClaim]);
    if (!claim.ok || broken !== undefined) throw notEligibleError();
  }

  /** In the gate. The group may have changed while the frame waited there, or in another process while it was judged. */
  async function acceptAdmitted(
    groupId: string,
    frame: GroupFrame,
    admitted: GroupRow,
  ): Promise<AcceptedFrame> {
    let standing = await renew(groupId, frame, admitted);
    for (let attempt = 1; attempt <= maxAttempts; attempt++) {
      if (isAccepted(standing)) return standing;
      const accepted = await judge(groupId, standing, frame);
      if (accepted !== undefined) return accepted;
      standing = await admit(groupId, frame);
    }
    throw new ApiError('CONCLAVE_OVERLOADED', 'The group changes too fast', { retryAfterMs: 1_000 });
  }

  /**
   * Eligibility depends on the epoch alone. A message is written on condition of its epoch, so an old row costs it an
   * attempt at worst; commits and leaves also go by what changes without an epoch, and read the row anew.
   */
  async function renew(
    groupId: string,
    frame: GroupFrame,
    admitted: GroupRow,
  ): Promise<AcceptedFrame | GroupRow> {
    if (isMessageFrame(frame) && !cache.isSuperseded(groupId, admitted.epoch)) return admitted;
    const row = await rows.findGroup(groupId);
    return row?.epoch === admitted.epoch ? row : await admit(groupId, frame);
  }

  /** Undefined: the group changed under our hands, or a twin of the frame was faster; judge again. */
  async function judge(
    groupId: string,
    row: GroupRow,
    frame: GroupFrame,
  ): Promise<AcceptedFrame | undefined> {
    return await cache.use(groupId, row, (cached) => {
      if (isMessageFrame(frame)) return acceptMessage(groupId, cached, frame);
      return isLeaveFrame(frame)
        ? acceptLeave(groupId, cached, frame)
        : acceptCommit(groupId, row, cached, frame);
    });
  }

  async function acceptMessage(
    groupId: string,
    { group, epochMadeAtMs }: CachedGroup,
    frame: MessageFrame,
  ): Promise<AcceptedFrame | undefined> {
    const nowMs = clock.nowMs();
    if (!checkMessageEpoch(group, frame, nowMs - epochMadeAtMs).ok) throw wrongEpochError(group.epoch);
    const proof = checkMessageProof(group, frame);
    if (!proof.ok) throw ruleError(proof);
    return await writeInEpoch(groupId, group, frame, nowMs, async () => undefined);
  }

  async function acceptLeave(
    groupId: string,
    cached: CachedGroup,
    frame: LeaveFrame,
  ): Promise<AcceptedFrame | undefined> {
    const group = await withLeaves(groupId, cached);
    const leave = verifyLeave(group, frame);
    if (!leave.ok) throw ruleError(leave);
    return await writeInEpoch(groupId, group, frame, clock.nowMs(), (trx) =>
      upsertLeave(trx, groupId, leave.value.leave),
    );
  }

  /** Leaves change without an epoch, so whoever judges by them reads them anew. */
  async function withLeaves(groupId: string, { group }: CachedGroup): Promise<PublicGroup> {
    return { ...group, outstandingLeaves: await rows.listLeaves(groupId) };
  }

  /** A frame that leaves the epoch as it is. */
  async function writeInEpoch(
    groupId: string,
    group: PublicGroup,
    frame: GroupFrame,
    nowMs: number,
    also: (trx: GroupTransaction) => Promise<void>,
  ): Promise<AcceptedFrame | undefined> {
    const seq = await writeOnce(async (trx) => {
      const seq = await takeSeq(trx, groupId, group.epoch);
      if (seq === undefined) return undefined;
      await insertFrame(trx, groupId, frame, { seq, nowMs });
      await also(trx);
      await announceFrame(trx, { groupId, frame, seq, lastRemovalEpoch: group.lastRemovalEpoch });
      return seq;
    });
    return seq === undefined ? undefined : { seq, epoch: group.epoch };
  }

  /** Undefined, and nothing written, also when a frame with the same body was written meanwhile: then judge again. */
  async function writeOnce(
    unit: (trx: GroupTransaction) => Promise<number | undefined>,
  ): Promise<number | undefined> {
    try {
      return await deps.store.write(unit);
    } catch (error) {
      if (isUniqueViolation(error)) return undefined;
      throw error;
    }
  }

  async function acceptCommit(
    groupId: string,
    row: GroupRow,
    cached: CachedGroup,
    frame: CommitFrame,
  ): Promise<AcceptedFrame | undefined> {
    const nowMs = clock.nowMs();
    const group = await withLeaves(groupId, cached);
    const { committer } = frame.content;
    const charged = chargedInstance(group.tree, committer);
    if (charged === undefined) throw notEligibleError();
    const account = await rows.findBudget(groupId, charged);
    const { reservation } = row;

    const fresh = checkCommitEpoch(group, frame);
    if (!fresh.ok) {
      if (fresh.rule === 'commit/monotone') throw clockError(Math.max(nowMs, group.lastNowMs));
      const reserved = decideReservation({ group, frame, nowMs, account, reservation });
      if (reserved !== undefined) {
        await deps.store.write(async (trx) => {
          await storeReservation(trx, groupId, reserved.reservation);
          await upsertBudget(trx, groupId, charged, reserved.account);
        });
      }
      throw wrongEpochError(group.epoch);
    }
    const budget = decideBudget({
      tree: group.tree,
      epoch: group.epoch,
      committer,
      nowMs,
      account,
      reservation,
    });
    const waitMs = budget.ok
      ? deps.falseProofs.waitMs(groupId, charged)
      : Math.max(1, budget.retryAtMs - nowMs);
    if (!budget.ok || waitMs > 0) {
      throw new ApiError('CONCLAVE_LEAF_WAIT', 'This leaf has to wait before its next commit', {
        retryAfterMs: waitMs,
      });
    }
    const effect = await judgeCommit(group, frame, () => deps.falseProofs.note(groupId, charged));
    const next = { ...group, ...stateOf(effect) };
    const seq = await writeOnce(async (trx) => {
      const seq = await advanceRows(trx, groupId, effect, next, nowMs);
      if (seq === undefined) return undefined;
      await insertFrame(trx, groupId, frame, { seq, nowMs });
      if (budget.account !== undefined) await upsertBudget(trx, groupId, charged, budget.account);
      const { lastRemovalEpoch } = group;
      await announceFrame(trx, { groupId, frame, seq, lastRemovalEpoch });
      if (effect.locksOutEarlierTokens) await announceRemoval(trx, { groupId, seq, lastRemovalEpoch });
      return seq;
    });
    if (seq === undefined) {
      cache.drop(groupId);
      return undefined;
    }
    cache.put(groupId, { group: advanceGroup(cached.group, effect), epochMadeAtMs: nowMs });
    return { seq, epoch: effect.epoch };
  }

  async function judgeCommit(
    group: PublicGroup,
    frame: CommitFrame,
    onFalseProof: () => void,
  ): Promise<CommitEffect> {
    const verified = verifyCommit(suite, group, frame, serverVerification);
    if (!verified.ok) {
      if (verified.rule !== 'commit/required-removals') throw ruleError(verified);
      throw new ApiError('CONCLAVE_REMOVALS_REQUIRED', 'The commit leaves out removals that are due', {
        fields: {
          leaves: removalsDue(group, frame.content.committer, frame.header.nowMs, frame.content.operations),
        },
      });
    }
    const broken = await claims.verify(verified.value.claims);
    if (broken !== undefined) {
      onFalseProof();
      throw ruleError(broken);
    }
    return verified.value.effect;
  }
}

function isAccepted(standing: AcceptedFrame | GroupRow): standing is AcceptedFrame {
  return 'seq' in standing;
}

/** A create frame founds a group and has no place in one. */
function isGroupFrame(frame: ParsedFrame): frame is GroupFrame {
  return isCommitFrame(frame) || isLeaveFrame(frame) || isMessageFrame(frame);
}

function stateOf(effect: CommitEffect) {
  return {
    mode: effect.mode,
    transcript: effect.transcript,
    confirmedTranscript: effect.confirmedTranscript,
    lastNowMs: effect.nowMs,
    epochKeys: effect.epochKeys,
    lastRemovalEpoch: effect.lastRemovalEpoch,
    previousEpochGrace: effect.allowsGrace,
  };
}
