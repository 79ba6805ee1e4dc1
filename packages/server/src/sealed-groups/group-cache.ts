/**
 * Groups in memory, put together from their rows: a bounded cache, never truth. An entry counts only for the epoch of the
 * row that the request has just read; another epoch, and it is built again. Outstanding leaves are not cached: they change
 * without an epoch.
 *
 * A group's tree is changed in place by the next commit. What looks at it does so at once, in the callback of `use`, and
 * keeps nothing of it; only who has the group to itself (group-gate.ts) may go on working with it.
 */
import { PublicTree, decodeNode } from '@conclave/sealed-group';
import type { NodeIndex, PublicGroup, PublicKey, TreeNode } from '@conclave/sealed-group';
import { decodeGroupState } from './group-state.ts';
import type { GroupRow, GroupRows } from './group-rows.ts';

export interface GroupCache {
  /**
   * Calls `look` with the group as `row` describes it, without leaves, and resolves with its result. Undefined, and nothing
   * is called, if the group's rows were deleted meanwhile.
   */
  use<T>(
    groupId: string,
    row: GroupRow,
    look: (cached: CachedGroup) => T | Promise<T>,
  ): Promise<T | undefined>;
  /** Whether this process knows of an epoch after this one. */
  isSuperseded(groupId: string, epoch: number): boolean;
  /** After a commit is durable: the group that it made. */
  put(groupId: string, cached: CachedGroup): void;
  drop(groupId: string): void;
  readonly size: number;
}

export interface CachedGroup {
  readonly group: PublicGroup;
  /** When the server accepted the frame that made the epoch: the grace of messages counts from here. */
  readonly epochMadeAtMs: number;
}

export function createGroupCache(deps: {
  readonly rows: GroupRows;
  readonly origin: string;
  /** Bound on the sum of the trees' non-blank nodes; about 400 bytes of memory each. */
  readonly maxNodes: number;
}): GroupCache {
  // A Map remembers the order of insertion: the first entry is the one not used for longest.
  const entries = new Map<string, CachedGroup & { readonly nodes: number }>();
  let nodes = 0;

  const drop = (groupId: string): void => {
    nodes -= entries.get(groupId)?.nodes ?? 0;
    entries.delete(groupId);
  };
  const put = (groupId: string, cached: CachedGroup): void => {
    drop(groupId);
    const entry = { ...cached, nodes: 2 * cached.group.tree.leafCount };
    entries.set(groupId, entry);
    nodes += entry.nodes;
    for (const oldest of entries.keys()) {
      if (nodes <= deps.maxNodes || oldest === groupId) break;
      drop(oldest);
    }
  };

  return {
    async use(groupId, row, look) {
      const known = entries.get(groupId);
      if (known?.group.epoch === row.epoch) {
        entries.delete(groupId);
        entries.set(groupId, known);
        return await look(known);
      }
      const built = await buildGroup(deps.rows, deps.origin, groupId, row);
      if (built === undefined) return undefined;
      // A commit may have come while this one was read.
      const current = entries.get(groupId);
      if (current === undefined || current.group.epoch < row.epoch) put(groupId, built);
      return await look(built);
    },
    isSuperseded: (groupId, epoch) => (entries.get(groupId)?.group.epoch ?? 0) > epoch,
    put,
    drop,
    get size() {
      return entries.size;
    },
  };
}

async function buildGroup(
  rows: GroupRows,
  origin: string,
  groupId: string,
  row: GroupRow,
): Promise<CachedGroup | undefined> {
  const tree = await buildTree(rows, groupId, row.epoch);
  if (tree === undefined) return undefined;
  return {
    epochMadeAtMs: tree.madeAtMs,
    group: {
      ...decodeGroupState(row.state),
      origin,
      groupId: Uint8Array.from(Buffer.from(groupId, 'base64url')),
      epoch: row.epoch,
      tree: tree.tree,
      outstandingLeaves: [],
    },
  };
}

/** The tree as it was in `epoch`. Undefined if the epoch is unknown; throws when rows are damaged, which is no caller's fault. */
export async function buildTree(
  rows: GroupRows,
  groupId: string,
  epoch: number,
): Promise<{ readonly tree: PublicTree; readonly madeAtMs: number } | undefined> {
  const made = await rows.findEpoch(groupId, epoch);
  if (made === undefined) return undefined;
  const nodes: [NodeIndex, TreeNode][] = [];
  for (const { node, content } of await rows.listNodes(groupId, epoch)) {
    const index = node as NodeIndex;
    const decoded = decodeNode(index, content, trustedKey);
    if (!decoded.ok || decoded.value === undefined) throw new DamagedGroupError();
    nodes.push([index, decoded.value]);
  }
  const tree = PublicTree.fromNodes(made.leafCount, nodes);
  if (!tree.ok) throw new DamagedGroupError();
  return { tree: tree.value, madeAtMs: made.madeAtMs };
}

/** Keys in our rows were points when they were written. */
function trustedKey(bytes: Uint8Array): PublicKey {
  return Uint8Array.from(bytes) as PublicKey;
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
