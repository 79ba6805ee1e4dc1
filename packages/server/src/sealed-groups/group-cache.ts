/**
 * Groups in memory: a bounded cache, never truth. An entry counts only for the epoch of the row that the request has just
 * read; another epoch, and it is made again.
 *
 * What most requests need of a group is its *head*, which is its row, decoded; single nodes are read by their key. Only
 * commits need a whole tree. Outstanding leaves are not cached: they change without an epoch.
 *
 * A group's tree is changed in place by the next commit. What looks at it does so at once, in the callback of `use`, and
 * keeps nothing of it; only who has the group to itself (group-gate.ts) may go on working with it.
 */
import type { Clock } from '@conclave/platform';
import { leafNode, maxLeafCount, toLeafIndex, toNodeIndex } from '@conclave/sealed-group';
import type { GroupHead, LeafNode, PublicGroup, TreeNode } from '@conclave/sealed-group';
import type { GroupRow } from './group-rows.ts';
import { decodeGroupState } from './group-state.ts';
import { IdleLru } from './idle-lru.ts';
import { loadTree, readNode } from './stored-tree.ts';
import type { TreeRows } from './tree-rows.ts';

export interface GroupCache {
  /** The group as `row` describes it, but for its tree. */
  head(groupId: string, row: GroupRow): CachedHead;
  /** The leaf as it stood in `epoch`, an index from outside allowed; undefined if none did, or there is no such group. */
  leaf(groupId: string, epoch: number, index: number): Promise<LeafNode | undefined>;
  /** The same for any node. */
  node(groupId: string, epoch: number, index: number): Promise<TreeNode | undefined>;
  /**
   * Calls `look` with the group as `row` describes it, with its whole tree and without leaves, and resolves with its result.
   */
  use<T>(groupId: string, row: GroupRow, look: (cached: CachedGroup) => T | Promise<T>): Promise<T>;
  /** Whether this process knows of an epoch after this one. */
  isSuperseded(groupId: string, epoch: number): boolean;
  /** After a commit is durable: the group that it made. */
  put(groupId: string, cached: CachedGroup): void;
  drop(groupId: string): void;
  /** Forgets groups that nobody asked for in the idle time; returns how many entries left. */
  dropIdle(): number;
  readonly heads: number;
  readonly trees: number;
}

export interface CachedHead {
  readonly head: GroupHead;
  /** When the server accepted the frame that made the epoch: the grace of messages counts from here. */
  readonly epochMadeAtMs: number;
}

export interface CachedGroup {
  readonly group: PublicGroup;
  readonly epochMadeAtMs: number;
}

export interface GroupCacheDeps {
  readonly trees: TreeRows;
  readonly clock: Clock;
  readonly origin: string;
  /** Bound on the sum of the places of all trees' nodes; 100 to 300 bytes of memory each. */
  readonly maxNodes: number;
  /** Bound on the number of heads; about 6 KiB of memory each. */
  readonly maxHeads: number;
  readonly idleMs: number;
}

/** Single nodes kept with a head: those of the leaves that write now, in groups that say which leaf writes. */
const nodesPerHead = 64;

interface HeadEntry extends CachedHead {
  readonly nodes: Map<number, TreeNode | undefined>;
}

export function createGroupCache(deps: GroupCacheDeps): GroupCache {
  const { clock, origin, idleMs, trees: rows } = deps;
  const heads = new IdleLru<HeadEntry>({ clock, idleMs, maxWeight: deps.maxHeads });
  const trees = new IdleLru<CachedGroup>({ clock, idleMs, maxWeight: deps.maxNodes });
  /** Trees that are being read, so that all who wait for one share it. */
  const loading = new Map<string, { readonly epoch: number; readonly group: Promise<CachedGroup> }>();

  const put = (groupId: string, cached: CachedGroup): void =>
    trees.put(groupId, cached, 2 * cached.group.tree.leafCount);

  const headOf = (groupId: string, row: GroupRow): HeadEntry => {
    const known = heads.get(groupId);
    if (known?.head.epoch === row.epoch) return known;
    const { epochMadeAtMs, ...state } = decodeGroupState(row.state);
    const id = Uint8Array.from(Buffer.from(groupId, 'base64url'));
    const head = { ...state, origin, groupId: id, epoch: row.epoch };
    const made = { head, epochMadeAtMs, nodes: new Map() };
    if (known === undefined || known.head.epoch < row.epoch) heads.put(groupId, made, 1);
    return made;
  };

  const node = async (groupId: string, epoch: number, index: number): Promise<TreeNode | undefined> => {
    const place = toNodeIndex(index, maxLeafCount);
    if (place === undefined) return undefined;
    // No use of the tree: reading and messages do not keep one in memory that no commit needs.
    const whole = trees.peek(groupId)?.group;
    if (whole?.epoch === epoch) return whole.tree.node(place);
    const entry = heads.peek(groupId);
    const nodes = entry?.head.epoch === epoch ? entry.nodes : undefined;
    if (nodes?.has(index) === true) return nodes.get(index);
    const read = await readNode(rows, groupId, epoch, index);
    if (nodes !== undefined) {
      if (nodes.size >= nodesPerHead) nodes.delete(nodes.keys().next().value!);
      nodes.set(index, read);
    }
    return read;
  };

  const load = async (groupId: string, row: GroupRow): Promise<CachedGroup> => {
    const { tree } = await loadTree(rows, groupId, row.epoch);
    const { head, epochMadeAtMs } = headOf(groupId, row);
    const built = { epochMadeAtMs, group: { ...head, tree, outstandingLeaves: [] } };
    // A commit may have come while this one was read.
    const current = trees.peek(groupId);
    if (current === undefined || current.group.epoch < row.epoch) put(groupId, built);
    return built;
  };

  const shareLoad = async (groupId: string, row: GroupRow): Promise<CachedGroup> => {
    const under = loading.get(groupId);
    if (under?.epoch === row.epoch) return await under.group;
    const started = { epoch: row.epoch, group: load(groupId, row) };
    loading.set(groupId, started);
    try {
      return await started.group;
    } finally {
      if (loading.get(groupId) === started) loading.delete(groupId);
    }
  };

  return {
    head: headOf,
    node,
    async leaf(groupId, epoch, index) {
      const leaf = toLeafIndex(index, maxLeafCount);
      const found = leaf === undefined ? undefined : await node(groupId, epoch, leafNode(leaf));
      return found?.kind === 'leaf' ? found : undefined;
    },
    async use(groupId, row, look) {
      const known = trees.get(groupId);
      return await look(known?.group.epoch === row.epoch ? known : await shareLoad(groupId, row));
    },
    isSuperseded: (groupId, epoch) =>
      Math.max(trees.peek(groupId)?.group.epoch ?? 0, heads.peek(groupId)?.head.epoch ?? 0) > epoch,
    put,
    drop(groupId) {
      trees.delete(groupId);
      heads.delete(groupId);
    },
    dropIdle: () => heads.dropIdle() + trees.dropIdle(),
    get heads() {
      return heads.size;
    },
    get trees() {
      return trees.size;
    },
  };
}
