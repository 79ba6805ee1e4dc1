/** The operations of a frame as the tree takes them. The keys of added leaves are claimed to be points [F7] (`claims.ts`). */
import type { Result } from '../result.ts';
import { accept, violation } from '../result.ts';
import { claimedPublicKey } from '../signature/index.ts';
import type { TreeOperation } from '../tree/index.ts';
import type { FrameOperation } from '../wire/index.ts';

export function parseOperations(operations: readonly FrameOperation[]): Result<TreeOperation[]> {
  const parsed: TreeOperation[] = [];
  for (const operation of operations) {
    if (operation.kind === 'add') {
      const leafKey = claimedPublicKey(operation.leafKey);
      if (leafKey === undefined) return violation('commit/key', 'added leaf');
      parsed.push({ ...operation, leafKey });
    } else {
      parsed.push(operation);
    }
  }
  return accept(parsed);
}
