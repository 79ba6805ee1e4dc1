/** What a message may be, once its proof made it eligible (§6): in the form that the mode asks for, by someone who may write. */
import type { Result } from '../result.ts';
import { accept, violation } from '../result.ts';
import { isBelow, isPending, toLeafIndex } from '../tree/index.ts';
import type { MessageFrame } from '../wire/index.ts';
import type { PublicGroup } from './public-group.ts';

/**
 * With leaf proofs the writing leaf is known, so that its standing is enforced here; without them only members can see who
 * wrote, and they discard what readers and pending leaves send [F13].
 */
export function checkMessageProof(group: PublicGroup, frame: MessageFrame): Result<void> {
  const { trail } = frame;
  if ((trail.proof === 'leaf') !== group.mode.leafProof) return violation('commit/message-proof');
  if (trail.proof === 'epoch') return accept(undefined);
  const leaf = toLeafIndex(trail.leaf, group.tree.leafCount);
  const node = leaf === undefined ? undefined : group.tree.leaf(leaf);
  if (node === undefined || isPending(node) || isBelow(node.role, group.mode.minWriter)) {
    return violation('commit/message-writer');
  }
  return accept(undefined);
}
