/** Judges an eligible message: its epoch, the form of its proof, its writer's standing; then writes it. */
import type { Clock } from '@conclave/platform';
import { checkMessageEpoch, checkMessageProof } from '@conclave/sealed-group';
import type { LeafNode, MessageFrame } from '@conclave/sealed-group';
import type { AcceptedFrame } from './accept-frame.ts';
import type { CachedHead } from './group-cache.ts';
import type { MessageBatches } from './message-batches.ts';
import { ruleError, wrongEpochError } from './rule-errors.ts';

export function createAcceptMessage(deps: { readonly clock: Clock; readonly batches: MessageBatches }) {
  const { clock, batches } = deps;
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
