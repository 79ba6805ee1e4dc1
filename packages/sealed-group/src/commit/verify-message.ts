/** What a message may be, once its proof made it eligible (§6): in the form that the mode asks for, by someone who may write. */
import type { Result } from '../result.ts';
import { accept, violation } from '../result.ts';
import { isBelow, isPending } from '../tree/index.ts';
import type { LeafNode } from '../tree/index.ts';
import type { MessageFrame } from '../wire/index.ts';
import type { GroupHead } from './public-group.ts';

/**
 * With leaf proofs the writing leaf is known, so that its standing is enforced here; without them only members can see who
 * wrote, and they discard what readers and pending leaves send [F13]. `leaf` is what stands at `leafOfFrame(frame)`.
 */
export function checkMessageProof(
  { mode }: GroupHead,
  leaf: LeafNode | undefined,
  frame: MessageFrame,
): Result<void> {
  const { trail } = frame;
  if ((trail.proof === 'leaf') !== mode.leafProof) return violation('commit/message-proof');
  if (trail.proof === 'epoch') return accept(undefined);
  if (leaf === undefined || isPending(leaf) || isBelow(leaf.role, mode.minWriter)) {
    return violation('commit/message-writer');
  }
  return accept(undefined);
}
