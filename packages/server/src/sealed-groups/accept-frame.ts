/**
 * Accepts the frames that are posted to a group: from octets to a durable place in the group's log. The order is that of
 * docs/sealed-groups.md §5, cheapest first; drawn in docs/decisions/0004-delivery-service.md.
 *
 *   parse ─▶ admit: stored already? eligible? clock ─▶ gate of the group ─▶ judge by kind: accept-message, -leave, -commit
 *
 * Whatever is refused has left no trace in the database. The one exception is the reservation of an epoch for a removal
 * that lost its race, which is what its 409 is for.
 */
import type { Clock, Store, Tracer } from '@conclave/platform';
import {
  checkClock,
  eligibilityClaim,
  isCommitFrame,
  isLeaveFrame,
  isMessageFrame,
  leafOfFrame,
  parseFrame,
} from '@conclave/sealed-group';
import type { CommitFrame, LeafNode, LeaveFrame, MessageFrame, ParsedFrame } from '@conclave/sealed-group';
import { ApiError } from '../errors/api-error.ts';
import type { ProofService } from '../proofs/proof-service.ts';
import type { ServerDatabase } from '../schema/server-database.ts';
import { createAcceptCommit } from './accept-commit.ts';
import { createAcceptLeave } from './accept-leave.ts';
import { createAcceptMessage } from './accept-message.ts';
import type { Decoy } from './decoy-group.ts';
import type { FalseProofs } from './false-proofs.ts';
import type { GroupCache } from './group-cache.ts';
import type { GroupGate } from './group-gate.ts';
import type { GroupRow, GroupRows } from './group-rows.ts';
import { createMessageBatches } from './message-batches.ts';
import { clockError, malformedError, notEligibleError } from './rule-errors.ts';
import { createStandingReads } from './standing-reads.ts';

export interface AcceptFrameDeps {
  readonly store: Store<ServerDatabase>;
  readonly rows: GroupRows;
  readonly cache: GroupCache;
  readonly gate: GroupGate;
  readonly proofs: ProofService;
  readonly decoy: Decoy;
  readonly falseProofs: FalseProofs;
  readonly clock: Clock;
  readonly tracer: Tracer;
  readonly endChannel?: ((channel: string) => void) | undefined;
}

export interface AcceptedFrame {
  readonly seq: number;
  /** The group's epoch after the frame. */
  readonly epoch: number;
}

type GroupFrame = CommitFrame | LeaveFrame | MessageFrame;

/** How often a frame is judged anew because another process changed the group between judging and writing. */
const maxAttempts = 4;

/** Bounds how long one unit of messages holds the event loop: about two milliseconds. */
const maxFramesPerUnit = 128;

/** The queue for proofs of all groups that do not exist: who makes up ids gets no queue for each. */
export const strangers = '';

export type AcceptFrame = (groupId: string, bytes: Uint8Array) => Promise<AcceptedFrame>;

export function createAcceptFrame(deps: AcceptFrameDeps): AcceptFrame {
  const { rows, cache, gate, proofs, clock, decoy } = deps;
  const readStanding = createStandingReads(rows);
  const batches = createMessageBatches(deps, { maxFrames: maxFramesPerUnit });
  const acceptMessage = createAcceptMessage({ clock, batches });
  const acceptLeave = createAcceptLeave(deps);
  const acceptCommit = createAcceptCommit(deps);

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
    const { stored, row } = await readStanding(groupId, frame);
    if (stored !== undefined && Buffer.from(stored.frame).equals(frame.bytes)) {
      return { seq: stored.seq, epoch: await rows.epochAfter(groupId, stored.seq) };
    }
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
    const leaf = await leafNamedBy(groupId, row, frame);
    const head = row === undefined ? decoy.standIn(frame.header) : cache.head(groupId, row).head;
    const claim = eligibilityClaim(head, leaf, frame);
    // A wrong leaf or epoch costs no verification; here it does, so that time does not tell it from a wrong signature.
    const queue = row === undefined ? strangers : groupId;
    const broken = await proofs.verify(queue, [
      claim.ok ? claim.value : decoy.falseClaim(senderSignatureOf(frame)),
    ]);
    if (!claim.ok || broken !== undefined) throw notEligibleError();
  }

  /** The leaf that the frame says it is from, if one stands there. A group that does not exist is asked for it alike. */
  async function leafNamedBy(
    groupId: string,
    row: GroupRow | undefined,
    frame: GroupFrame,
  ): Promise<LeafNode | undefined> {
    const named = leafOfFrame(frame);
    return named === undefined ? undefined : await cache.leaf(groupId, row?.epoch ?? 0, named);
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
    if (isMessageFrame(frame)) {
      const leaf = await leafNamedBy(groupId, row, frame);
      return await acceptMessage(groupId, cache.head(groupId, row), leaf, frame);
    }
    return await cache.use(groupId, row, (cached) =>
      isLeaveFrame(frame) ? acceptLeave(groupId, cached, frame) : acceptCommit(groupId, row, cached, frame),
    );
  }
}

/** The signature that makes the sender eligible. */
function senderSignatureOf(frame: GroupFrame): Uint8Array {
  return isCommitFrame(frame) ? frame.trail.oldSignature : frame.trail.signature;
}

function isAccepted(standing: AcceptedFrame | GroupRow): standing is AcceptedFrame {
  return 'seq' in standing;
}

/** A create frame founds a group and has no place in one. */
function isGroupFrame(frame: ParsedFrame): frame is GroupFrame {
  return isCommitFrame(frame) || isLeaveFrame(frame) || isMessageFrame(frame);
}
