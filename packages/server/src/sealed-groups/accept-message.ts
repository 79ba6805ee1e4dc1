/** Judges an eligible message: its epoch, the form of its proof, its writer's standing; then writes it. */
import { checkMessageEpoch, checkMessageProof } from '@conclave/sealed-group';
import type { LeafNode, MessageFrame } from '@conclave/sealed-group';
import type { AcceptedFrame, AcceptFrameDeps } from './accept-frame.ts';
import type { CachedHead } from './group-cache.ts';
import { createMessageBatches } from './message-batches.ts';
import { ruleError, wrongEpochError } from './rule-errors.ts';

/** Bounds how long one group's unit holds the event loop: about two milliseconds. */
const maxFramesPerUnit = 128;

export function createAcceptMessage({ store, clock }: Pick<AcceptFrameDeps, 'store' | 'clock'>) {
  const batches = createMessageBatches(store, { maxFrames: maxFramesPerUnit });
  /** Undefined: the epoch changed meanwhile, or a twin was faster. */
  return async (
    groupId: string,
    { head, epochMadeAtMs }: CachedHead,
    leaf: LeafNode | undefined,
    frame: MessageFrame,
  ): Promise<AcceptedFrame | undefined> => {
    const nowMs = clock.nowMs();
    if (!checkMessageEpoch(head, frame, nowMs - epochMadeAtMs).ok) throw wrongEpochError(head.epoch);
    const proof = checkMessageProof(head, leaf, frame);
    if (!proof.ok) throw ruleError(proof);
    const seq = await batches.write(groupId, head, frame, nowMs);
    return seq === undefined ? undefined : { seq, epoch: head.epoch };
  };
}
