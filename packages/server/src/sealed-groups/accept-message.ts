/** Judges an eligible message: its epoch, the form of its proof, its writer's standing; then writes it. */
import { checkMessageEpoch, checkMessageProof, leafFrom } from '@conclave/sealed-group';
import type { MessageFrame } from '@conclave/sealed-group';
import type { AcceptedFrame, AcceptFrameDeps } from './accept-frame.ts';
import type { CachedGroup } from './group-cache.ts';
import { createMessageBatches } from './message-batches.ts';
import { ruleError, wrongEpochError } from './rule-errors.ts';

/** Bounds how long one group's unit holds the event loop: about two milliseconds. */
const maxFramesPerUnit = 128;

export function createAcceptMessage({ store, clock }: Pick<AcceptFrameDeps, 'store' | 'clock'>) {
  const batches = createMessageBatches(store, { maxFrames: maxFramesPerUnit });
  /** Undefined: the epoch changed meanwhile, or a twin was faster. */
  return async (
    groupId: string,
    { group, epochMadeAtMs }: CachedGroup,
    frame: MessageFrame,
  ): Promise<AcceptedFrame | undefined> => {
    const nowMs = clock.nowMs();
    if (!checkMessageEpoch(group, frame, nowMs - epochMadeAtMs).ok) throw wrongEpochError(group.epoch);
    const proof = checkMessageProof(group, leafFrom(group, frame), frame);
    if (!proof.ok) throw ruleError(proof);
    const seq = await batches.write(groupId, group, frame, nowMs);
    return seq === undefined ? undefined : { seq, epoch: group.epoch };
  };
}
