/** Founds a group from its create frame. The account that does it is the only name that the server ever learns of a group. */
import { currentTraceParent, traced } from '@conclave/platform';
import type { Clock, Store, Tracer } from '@conclave/platform';
import { checkClock, foundGroup, isCreateFrame, parseFrame, verifyCreate } from '@conclave/sealed-group';
import type { Suite } from '@conclave/sealed-group';
import { ApiError } from '../errors/api-error.ts';
import type { ServerDatabase } from '../schema/server-database.ts';
import type { AcceptedFrame } from './accept-frame.ts';
import { announceFrame } from './announce.ts';
import type { ProofService } from '../proofs/proof-service.ts';
import { countGroupsOf, insertFrame, insertGroup } from './group-rows.ts';
import type { GroupRows, GroupTransaction } from './group-rows.ts';
import { clockError, malformedError, notEligibleError, ruleError } from './rule-errors.ts';

export interface CreateGroupDeps {
  readonly suite: Suite;
  readonly store: Store<ServerDatabase>;
  readonly rows: GroupRows;
  readonly proofs: ProofService;
  readonly clock: Clock;
  readonly origin: string;
  readonly maxPerAccount: number;
  readonly tracer: Tracer;
}

export type CreateGroup = (
  creator: string,
  bytes: Uint8Array,
) => Promise<AcceptedFrame & { readonly groupId: string }>;

export function createCreateGroup(deps: CreateGroupDeps): CreateGroup {
  const { suite, store, rows, proofs, clock, origin, tracer } = deps;
  return async (creator, bytes) => {
    const parsed = parseFrame(bytes);
    if (!parsed.ok) throw malformedError(parsed);
    const frame = parsed.value;
    if (!isCreateFrame(frame)) throw notEligibleError();
    const groupId = Buffer.from(frame.header.groupId).toString('base64url');
    const answer = { groupId, seq: 1, epoch: 0 };
    const isStored = async (): Promise<boolean> => {
      const stored = await rows.findFrame(groupId, frame);
      return stored !== undefined && Buffer.from(stored.frame).equals(frame.bytes);
    };
    if (await isStored()) return answer;

    const nowMs = clock.nowMs();
    if (!checkClock(frame, nowMs).ok) throw clockError(nowMs);
    const verified = verifyCreate(suite, frame, origin);
    if (!verified.ok) throw verified.rule === 'commit/eligible' ? notEligibleError() : ruleError(verified);
    const broken = await proofs.verify(groupId, verified.value.claims);
    if (broken !== undefined) throw ruleError(broken);
    const { effect } = verified.value;
    const state = foundGroup(effect);
    const insert = async (trx: GroupTransaction, traceParent: string | undefined): Promise<boolean> => {
      const isNew = await insertGroup(trx, {
        groupId,
        creator,
        state,
        tree: effect.tree,
        nowMs,
      });
      if (!isNew) return false;
      if ((await countGroupsOf(trx, creator)) > deps.maxPerAccount) {
        throw new ApiError('CONCLAVE_GROUP_QUOTA', 'This account has created as many groups as it may');
      }
      await insertFrame(trx, groupId, frame, { seq: 1, nowMs });
      await announceFrame(trx, { groupId, frame, seq: 1, lastRemovalEpoch: 0, traceParent });
      return true;
    };
    const inserted = await traced(tracer, 'store write', currentTraceParent(), (traceParent) =>
      store.write((trx) => insert(trx, traceParent)),
    );
    // A twin may have been faster.
    if (!inserted && !(await isStored())) {
      throw new ApiError('CONCLAVE_GROUP_EXISTS', 'A group with this id exists');
    }
    return answer;
  };
}
