/**
 * How long the frame of a planned commit becomes, known before anything is sealed or proven: both cost seconds at
 * thousands of recipients, and a frame above 2 MiB goes nowhere (§4.1). Called by `buildCommit`.
 */
import type { Result } from '../result.ts';
import { accept, violation } from '../result.ts';
import { sealingProofBytes } from '../sealing/index.ts';
import type { CommitPlan, TreeOperation } from '../tree/index.ts';
import type { FrameHeader } from '../wire/index.ts';
import { encodeBody, encodeCommitTrailer, encodeFrame, frameLimits } from '../wire/index.ts';

export interface PlannedFrame {
  readonly header: FrameHeader;
  readonly operations: readonly TreeOperation[];
  readonly fills: readonly number[];
  readonly plan: CommitPlan;
}

/** Exact: a frame of the same form, whose keys, handles, proofs and signatures are zeros. */
export function commitFrameBytes(
  { header, operations, fills, plan }: PlannedFrame,
  payloadBytes: number,
): number {
  const key = new Uint8Array(frameLimits.keyBytes);
  const digits = new Uint8Array(frameLimits.digitVectorBytes);
  const signature = new Uint8Array(frameLimits.signatureBytes);
  const body = encodeBody(header, {
    kind: 'commit',
    committer: plan.committer,
    operations,
    fills,
    leafKey: key,
    sealed: plan.seals.map(({ node, recipients }) => ({
      node,
      key,
      commitments: digits,
      handles: recipients.map(() => digits),
    })),
  });
  const trailer = encodeCommitTrailer({
    possessions: plan.added.map(() => signature),
    sealingProof: new Uint8Array(sealingProofBytes(plan.seals.map(({ recipients }) => recipients.length))),
    confirm: new Uint8Array(frameLimits.confirmBytes),
    payload: new Uint8Array(payloadBytes),
    oldSignature: signature,
    newSignature: signature,
  });
  return encodeFrame(body, trailer).length;
}

/** `frame/size`, with the numbers, if the frame would be longer than any may be. */
export function checkCommitSize(frame: PlannedFrame, payloadBytes: number): Result<void> {
  const bytes = commitFrameBytes(frame, payloadBytes);
  if (bytes <= frameLimits.maxFrameBytes) return accept(undefined);
  const recipients = frame.plan.seals.reduce((sum, seal) => sum + seal.recipients.length, 0);
  return violation('frame/size', `${bytes} bytes for ${recipients} recipients`);
}
