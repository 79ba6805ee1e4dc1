/**
 * Trees out of their rows: a whole one in memory, its octets, one leaf's path, what an epoch changed.
 *
 * Whatever walks a whole tree does so in steps between which the event loop turns: a tree of a million members has two
 * million rows. Meanwhile nothing that an epoch's tree is made of changes, for versions are only ever added, and taken away
 * only where the epoch is given up (collect-history.ts); that is looked at once more at the end.
 */
import { setImmediate as turn } from 'node:timers/promises';
import {
  assembleMerklePath,
  decodeNode,
  nodeCount,
  nodesOfPath,
  PublicTree,
  root,
  toLeafIndex,
  TreeEncoder,
} from '@conclave/sealed-group';
import type {
  NodeIndex,
  ParseKey,
  PublicKey,
  Result,
  Subtree,
  TreeChanges,
  TreeNode,
} from '@conclave/sealed-group';
import { ApiError } from '../errors/api-error.ts';
import type { EpochRow, NumberedSubtree, TreeRows } from './tree-rows.ts';

/** Nodes read and taken in without a turn of the event loop: about a millisecond. */
const nodesPerStep = 128;

/** Throws {@link ApiError} `CONCLAVE_NO_SUCH_EPOCH`, or `CONCLAVE_HISTORY_GONE` for an epoch whose tree was given up. */
export async function requireEpoch(rows: TreeRows, groupId: string, epoch: number): Promise<EpochRow> {
  const made = await rows.findEpoch(groupId, epoch);
  if (made === undefined)
    throw new ApiError('CONCLAVE_NO_SUCH_EPOCH', 'The group has not reached this epoch');
  if (made === 'gone') {
    throw new ApiError('CONCLAVE_HISTORY_GONE', 'The tree of this epoch is no longer kept');
  }
  return made;
}

/** The tree as it was in `epoch`. Throws as {@link requireEpoch}, and {@link DamagedGroupError}. */
export async function loadTree(
  rows: TreeRows,
  groupId: string,
  epoch: number,
): Promise<{ readonly tree: PublicTree; readonly madeAtMs: number }> {
  const { leafCount, treeHash, madeAtMs } = await requireEpoch(rows, groupId, epoch);
  const restoration = sound(PublicTree.restore(leafCount));
  for await (const step of walk(rows, groupId, epoch, leafCount)) {
    for (const { node, content, hash } of step) {
      if (hash !== undefined) sound(restoration.put(node, decodeContent(node, content, asKey), hash));
      else if (content !== undefined) throw new DamagedGroupError();
    }
  }
  return { tree: sound(restoration.finish(treeHash)), madeAtMs };
}

/** The octets of the tree in pieces, without the tree ever being in memory. `made` is the epoch's row. */
export async function* streamTree(
  rows: TreeRows,
  groupId: string,
  epoch: number,
  { leafCount, treeHash }: EpochRow,
): AsyncGenerator<Uint8Array> {
  const encoder = new TreeEncoder(leafCount);
  const top = root(leafCount);
  const rootRow = await rows.subtree(groupId, epoch, top);
  if (!rootRow?.hash || !Buffer.from(rootRow.hash).equals(treeHash)) throw new DamagedGroupError();
  for await (const step of walk(rows, groupId, epoch, leafCount)) {
    for (const { node, content } of step) if (content !== undefined) encoder.node(node, content);
    const piece = encoder.take();
    if (piece.length > 0) yield piece;
  }
  encoder.end();
  yield encoder.take();
}

/** The octets of a leaf's path in `epoch`, from as many rows as it has nodes. Undefined if no leaf stands there. */
export async function readPath(
  rows: TreeRows,
  groupId: string,
  epoch: number,
  leaf: number,
): Promise<Uint8Array | undefined> {
  const { leafCount } = await requireEpoch(rows, groupId, epoch);
  const index = toLeafIndex(leaf, leafCount);
  if (index === undefined) return undefined;
  const nodes = nodesOfPath(leafCount, index);
  const found = await rows.subtreesAt(groupId, epoch, nodes);
  const subtrees = new Map(nodes.map((node, at) => [node, found[at]]));
  await requireEpoch(rows, groupId, epoch);
  return assembleMerklePath(leafCount, index, (node) => subtrees.get(node));
}

/** What the commit that made `epoch` changed: from the tree of the epoch before to that of this one. */
export async function readChanges(rows: TreeRows, groupId: string, epoch: number): Promise<TreeChanges> {
  const { leafCount } = await requireEpoch(rows, groupId, epoch);
  const subtrees = new Map<NodeIndex, Subtree>();
  for (const { node, content, hash } of await rows.changedIn(groupId, epoch)) {
    subtrees.set(node as NodeIndex, { node: decodeContent(node, content), hash });
  }
  const nodes = new Map([...subtrees].map(([index, { node }]) => [index, node]));
  return { leafCount, nodes, subtrees };
}

/** The node as it was in `epoch`; undefined if it was blank. */
export async function readNode(
  rows: TreeRows,
  groupId: string,
  epoch: number,
  node: number,
): Promise<TreeNode | undefined> {
  return decodeContent(node, (await rows.subtree(groupId, epoch, node))?.content);
}

/** Every node that has a row, ascending, a step at a time. */
async function* walk(
  rows: TreeRows,
  groupId: string,
  epoch: number,
  leafCount: number,
): AsyncGenerator<readonly NumberedSubtree[]> {
  const end = nodeCount(leafCount);
  for (let first = 0; first < end; first += nodesPerStep) {
    yield await rows.subtrees(groupId, epoch, first, Math.min(first + nodesPerStep, end) - 1);
    await turn();
  }
  await requireEpoch(rows, groupId, epoch);
}

function decodeContent(
  node: number,
  content: Uint8Array | undefined,
  parseKey: ParseKey = copyKey,
): TreeNode | undefined {
  return content === undefined ? undefined : sound(decodeNode(node as NodeIndex, content, parseKey));
}

/** Keys in our rows were points when they were written. */
function copyKey(bytes: Uint8Array): PublicKey {
  return Uint8Array.from(bytes) as PublicKey;
}

/** For a tree that copies what it takes in. */
function asKey(bytes: Uint8Array): PublicKey {
  return bytes as PublicKey;
}

function sound<T>(result: Result<T>): T {
  if (!result.ok) throw new DamagedGroupError();
  return result.value;
}

/** Rows that verified code wrote do not make a tree: the database is damaged. */
export class DamagedGroupError extends Error {
  override readonly name = 'DamagedGroupError';
  readonly code = 'CONCLAVE_DAMAGED_GROUP';

  /** Says no group id: it is logged, and logs name no groups. */
  constructor() {
    super('the stored tree of a group is damaged: check the database');
  }
}
