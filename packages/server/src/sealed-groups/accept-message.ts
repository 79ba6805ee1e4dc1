/** Judges an eligible message: its epoch, the form of its proof, its writer's standing; then writes it. */
import { checkMessageEpoch, checkMessageProof, leafFrom } from '@conclave/sealed-group';
import type { MessageFrame } from '@conclave/sealed-group';
import type { AcceptedFrame, AcceptFrameDeps } from './accept-frame.ts';
import type { CachedGroup } from './group-cache.ts';
import { ruleError, wrongEpochError } from './rule-errors.ts';
import { writeInEpoch } from './write-once.ts';

export function createAcceptMessage({ store, clock }: Pick<AcceptFrameDeps, 'store' | 'clock'>) {
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
    const seq = await writeInEpoch(store, groupId, group, frame, nowMs);
    return seq === undefined ? undefined : { seq, epoch: group.epoch };
  };
}
