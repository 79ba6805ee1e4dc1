/**
 * Judges an eligible commit: epoch, budget, rules and plan, then its proofs; and writes it with everything that it changes.
 * The caller has the group to itself (group-gate.ts).
 */
import {
  advanceGroup,
  chargedInstance,
  checkCommitEpoch,
  decideBudget,
  decideReservation,
  removalsDue,
  serverVerification,
  verifyCommitInSteps,
} from '@conclave/sealed-group';
import type { Claim, CommitEffect, CommitFrame, PublicGroup } from '@conclave/sealed-group';
import { currentTraceParent, traced } from '@conclave/platform';
import { ApiError } from '../errors/api-error.ts';
import type { AcceptedFrame, AcceptFrameDeps } from './accept-frame.ts';
import { withLeaves } from './accept-leave.ts';
import { announceFrame, announceRemoval, channelOf } from './announce.ts';
import type { CachedGroup } from './group-cache.ts';
import { advanceRows, insertFrame, storeReservation, upsertBudget } from './group-rows.ts';
import type { GroupRow, GroupTransaction } from './group-rows.ts';
import { inSteps } from './in-steps.ts';
import { clockError, notEligibleError, ruleError, wrongEpochError } from './rule-errors.ts';
import { writeOnce } from './write-once.ts';

type Deps = Pick<
  AcceptFrameDeps,
  'tracer' | 'store' | 'rows' | 'cache' | 'clock' | 'proofs' | 'falseProofs' | 'endChannel'
>;

export function createAcceptCommit(deps: Deps) {
  const { store, rows, cache, clock, proofs, falseProofs, tracer } = deps;
  /** Undefined: another commit came first, or a twin was faster. */
  return async (
    groupId: string,
    row: GroupRow,
    cached: CachedGroup,
    frame: CommitFrame,
  ): Promise<AcceptedFrame | undefined> => {
    const nowMs = clock.nowMs();
    const group = await withLeaves(rows, groupId, cached);
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
        // `locked-rows`: the budget changes only with the group's row, on condition of what it was judged by.
        await store.write(
          async (trx) => {
            if (!(await storeReservation(trx, groupId, reserved.reservation, row))) return;
            await upsertBudget(trx, groupId, charged, reserved.account);
          },
          { isolation: 'locked-rows' },
        );
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
    const waitMs = budget.ok ? falseProofs.waitMs(groupId, charged) : Math.max(1, budget.retryAtMs - nowMs);
    if (!budget.ok || waitMs > 0) {
      throw new ApiError('CONCLAVE_LEAF_WAIT', 'This leaf has to wait before its next commit', {
        retryAfterMs: waitMs,
      });
    }
    const effect = await judgeCommit(groupId, group, frame, () => falseProofs.note(groupId, charged));
    const next = { ...group, ...stateOf(effect) };
    const write = async (trx: GroupTransaction, traceParent: string | undefined) => {
      const seq = await advanceRows(trx, groupId, effect, next, nowMs, {
        reservation,
        outstandingLeaves: group.outstandingLeaves,
      });
      if (seq === undefined) return undefined;
      await insertFrame(trx, groupId, frame, { seq, nowMs });
      if (budget.account !== undefined) await upsertBudget(trx, groupId, charged, budget.account);
      const { lastRemovalEpoch } = group;
      await announceFrame(trx, { groupId, frame, seq, lastRemovalEpoch, traceParent });
      if (effect.locksOutEarlierTokens) await announceRemoval(trx, { groupId, seq, lastRemovalEpoch });
      return seq;
    };
    const seq = await traced(tracer, 'store write', currentTraceParent(), (traceParent) =>
      writeOnce(store, (trx) => write(trx, traceParent)),
    );
    if (seq === undefined) {
      cache.drop(groupId);
      return undefined;
    }
    if (effect.locksOutEarlierTokens) deps.endChannel?.(channelOf(groupId, group.lastRemovalEpoch));
    cache.put(groupId, { group: advanceGroup(cached.group, effect), epochMadeAtMs: nowMs });
    return { seq, epoch: effect.epoch };
  };

  /** Cheap before dear: the sealing proof of a commit whose signatures are false is never looked at. */
  async function judgeCommit(
    groupId: string,
    group: PublicGroup,
    frame: CommitFrame,
    onFalseProof: () => void,
  ): Promise<CommitEffect> {
    const verified = await inSteps(verifyCommitInSteps(group, frame, serverVerification));
    if (!verified.ok) {
      if (verified.rule !== 'commit/required-removals') throw ruleError(verified);
      throw new ApiError('CONCLAVE_REMOVALS_REQUIRED', 'The commit leaves out removals that are due', {
        fields: {
          leaves: removalsDue(group, frame.content.committer, frame.header.nowMs, frame.content.operations),
        },
      });
    }
    const { claims, effect } = verified.value;
    const isDear = ({ kind }: Claim): boolean => kind === 'sealing';
    const broken =
      (await proofs.verify(
        groupId,
        claims.filter((claim) => !isDear(claim)),
      )) ?? (await proofs.verify(groupId, claims.filter(isDear)));
    if (broken !== undefined) {
      onFalseProof();
      throw ruleError(broken);
    }
    return effect;
  }
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
