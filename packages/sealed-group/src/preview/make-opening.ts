/**
 * The server's part of a preview: out of a stored commit and the trees around it, what one leaf needs. It takes no secret and
 * decides nothing; every value stands in the frame or the tree already.
 *
 *   commit's sealed nodes          root ○ ◀─┐ derived upwards: not sent
 *                                       ○ ◀─┘
 *     lowest path node above the leaf   ● ──▶ row of the node that the leaf's holder knows
 *     fills above the leaf              ● ──▶ row
 *                              leaf of the newcomer
 */
import type { LeafIndex, NodeIndex, PathTree, ResolvableTree } from '../tree/index.ts';
import {
  commonAncestor,
  directPath,
  encodeMerklePath,
  leafNode,
  left,
  level,
  resolution,
  right,
} from '../tree/index.ts';
import type { CommitFrame } from '../wire/index.ts';
import { wholeTrailerHash } from '../wire/index.ts';
import type { LeafPath } from './leaf-path.ts';
import { changesBetween, cutLeafPath } from './leaf-path.ts';
import type { SealedRow } from './preview-codec.ts';
import { encodeOpening, encodePreviewStart } from './preview-codec.ts';

/** As much of a tree as the openings for one leaf are made of: its path, and what `sealedNodesFor` resolve to. */
export type OpeningTree = PathTree & ResolvableTree;

/**
 * The start of a preview for a leaf that `frame`, the commit that made `tree`, added. Undefined if the leaf is not there, or was
 * not sealed to.
 */
export function makePreviewStart(
  tree: OpeningTree,
  frame: CommitFrame,
  leaf: LeafIndex,
): Uint8Array | undefined {
  const path = leaf < tree.leafCount ? encodeMerklePath(tree, leaf) : undefined;
  const sealed = path === undefined ? undefined : sealedRowsFor(tree, frame, leaf);
  return path === undefined || sealed === undefined ? undefined : encodePreviewStart({ path, sealed });
}

export interface OpeningSource {
  /** The leaf's path before the commit. */
  readonly before: LeafPath;
  /** The tree that the commit made. */
  readonly tree: OpeningTree;
  readonly frame: CommitFrame;
}

/** Undefined if the commit removed the leaf or was made by it: there is nothing to open for its newcomer. */
export function makeOpening({
  before,
  tree,
  frame,
}: OpeningSource): { readonly bytes: Uint8Array; readonly path: LeafPath } | undefined {
  const after = cutLeafPath(tree, before.index);
  if (after === undefined || after.leaf.epoch !== before.leaf.epoch) return undefined;
  const sealed = sealedRowsFor(tree, frame, before.index);
  if (sealed === undefined) return undefined;
  const { content, trail, trailer, bodyHash, header } = frame;
  const bytes = encodeOpening({
    epoch: header.epoch + 1,
    bodyHash,
    wholeTrailerHash: wholeTrailerHash(trailer),
    confirm: trail.confirm,
    mode: content.operations.find((operation) => operation.kind === 'set-mode')?.mode,
    leafCount: tree.leafCount,
    changes: changesBetween(before, after),
    sealed,
  });
  return { bytes, path: after };
}

/** Places in `frame.content.sealed` of what is sealed to the leaf and does not follow by hashing upwards. */
export function sealedNodesFor(leafCount: number, frame: CommitFrame, leaf: LeafIndex): number[] {
  const { committer, sealed } = frame.content;
  if (committer === leaf) return [];
  const own = leafNode(leaf);
  const meeting = level(commonAncestor(own, leafNode(committer as LeafIndex)));
  const path = new Set<number>(directPath(own, leafCount));
  return [...sealed.keys()].filter((at) => {
    const { node } = sealed[at]!;
    return path.has(node) && level(node as NodeIndex) <= meeting;
  });
}

/** Undefined for the committer itself. */
function sealedRowsFor(tree: OpeningTree, frame: CommitFrame, leaf: LeafIndex): SealedRow[] | undefined {
  const path = new Set<number>(directPath(leafNode(leaf), tree.leafCount));
  const rows: SealedRow[] = [];
  for (const at of sealedNodesFor(tree.leafCount, frame, leaf)) {
    const { node, commitments, handles } = frame.content.sealed[at]!;
    const index = node as NodeIndex;
    const recipients = [
      ...resolution(tree, left(index), handles.length),
      ...resolution(tree, right(index), handles.length),
    ];
    const row = recipients.findIndex((recipient) => isKnownTo(tree, recipient, leaf, path));
    const recipient = recipients[row];
    const octets = handles[row];
    if (recipient === undefined || octets === undefined) return undefined;
    rows.push({ node, commitments, recipient, handles: octets });
  }
  return rows.length === 0 ? undefined : rows;
}

/** By the tree's invariant: whoever stands under a node knows its secret, unmerged leaves excepted. */
function isKnownTo(
  tree: ResolvableTree,
  node: NodeIndex,
  leaf: LeafIndex,
  path: ReadonlySet<number>,
): boolean {
  return node === leafNode(leaf) || (path.has(node) && !tree.unmergedLeaves(node).includes(leaf));
}
