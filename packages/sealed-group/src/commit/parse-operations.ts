/** The operations of a frame as the tree takes them: the keys of added leaves are points [F7]. */
import type { Result } from '../result.ts';
import { accept, violation } from '../result.ts';
import { parsePublicKey } from '../signature/index.ts';
import type { Suite } from '../suite.ts';
import type { TreeOperation } from '../tree/index.ts';
import type { FrameOperation } from '../wire/index.ts';

export function parseOperations(
  suite: Suite,
  operations: readonly FrameOperation[],
): Result<TreeOperation[]> {
  const parsed: TreeOperation[] = [];
  for (const operation of operations) {
    if (operation.kind === 'add') {
      const leafKey = parsePublicKey(suite, operation.leafKey);
      if (leafKey === undefined) return violation('commit/key', 'added leaf');
      parsed.push({ ...operation, leafKey });
    } else {
      parsed.push(operation);
    }
  }
  return accept(parsed);
}
