/** Heads are the row decoded; single nodes come by their key; whole trees are read once for all who wait. */
import type { Store } from '@conclave/platform';
import { createManualClock } from '@conclave/platform/testing';
import { leafNode } from '@conclave/sealed-group';
import type { LeafIndex, NodeIndex } from '@conclave/sealed-group';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { ServerDatabase } from '../../src/schema/server-database.ts';
import { createGroupCache } from '../../src/sealed-groups/group-cache.ts';
import type { GroupCacheDeps } from '../../src/sealed-groups/group-cache.ts';
import { createGroupRows } from '../../src/sealed-groups/group-rows.ts';
import type { GroupRow } from '../../src/sealed-groups/group-rows.ts';
import { createTreeRows } from '../../src/sealed-groups/tree-rows.ts';
import type { TreeRows } from '../../src/sealed-groups/tree-rows.ts';
import { groupState, openTreeStore, TreeHistory } from './tree-world.ts';
import type { Draw, TreeStore } from './tree-world.ts';

const add: Draw = { committer: 0, adds: 12, removes: [], fills: true, waitMs: 0 };
const rekey: Draw = { ...add, adds: 0 };

let clock: ReturnType<typeof createManualClock>;
let opened: TreeStore;
let store: Store<ServerDatabase>;
let history: TreeHistory;
/** How many rows were read singly, and how many ranges. */
let read: { nodes: number; ranges: number };

beforeEach(async () => {
  clock = createManualClock();
  opened = await openTreeStore(clock);
  ({ store } = opened);
  history = await found('group');
  read = { nodes: 0, ranges: 0 };
});
afterEach(() => opened[Symbol.asyncDispose]());

async function found(name: string): Promise<TreeHistory> {
  const made = new TreeHistory(name);
  await made.found(store, clock.nowMs());
  await made.play(store, clock, [add, rekey]);
  return made;
}

function newCache(settings: Partial<GroupCacheDeps> = {}) {
  const rows = createTreeRows(store);
  const trees: TreeRows = {
    ...rows,
    subtree: (...where) => {
      read.nodes += 1;
      return rows.subtree(...where);
    },
    subtrees: (...where) => {
      read.ranges += 1;
      return rows.subtrees(...where);
    },
  };
  return createGroupCache({
    trees,
    clock,
    origin: 'example.org',
    maxNodes: 1_000,
    maxHeads: 10,
    idleMs: 600_000,
    ...settings,
  });
}

async function rowOf({ groupId }: TreeHistory): Promise<GroupRow> {
  const row = await createGroupRows(store).findGroup(groupId);
  if (row === undefined) throw new Error('the group has no row');
  return row;
}

it('decodes the row into a head once an epoch, and reads nothing for it', async () => {
  const cache = newCache();
  const row = await rowOf(history);
  const madeAtMs = clock.nowMs();
  const { head, epochMadeAtMs } = cache.head(history.groupId, row);
  expect(head).toEqual({
    ...groupState,
    origin: 'example.org',
    groupId: Uint8Array.from(Buffer.from(history.groupId, 'base64url')),
    epoch: 2,
  });
  expect(epochMadeAtMs).toBe(madeAtMs);
  expect(cache.head(history.groupId, row).head).toBe(head);
  await clock.advance(5_000);
  await history.play(store, clock, [rekey]);
  const next = cache.head(history.groupId, await rowOf(history));
  expect([next.head.epoch, next.epochMadeAtMs - madeAtMs]).toEqual([3, 5_000]);
  // Who still holds the old row is answered by it, and does not take the cache back.
  expect(cache.head(history.groupId, row).head.epoch).toBe(2);
  expect(cache.isSuperseded(history.groupId, 2)).toBe(true);
  expect(cache.isSuperseded(history.groupId, 3)).toBe(false);
  expect([cache.heads, cache.trees, read]).toEqual([1, 0, { nodes: 0, ranges: 0 }]);
});

it('reads a node by its key, the same one once while its head is kept', async () => {
  const cache = newCache();
  const { groupId, tree } = history;
  cache.head(groupId, await rowOf(history));
  for (let times = 0; times < 3; times++) {
    expect(await cache.leaf(groupId, 2, 5)).toEqual(tree.leaf(5 as LeafIndex));
    expect(await cache.node(groupId, 2, 3)).toEqual(tree.node(3 as NodeIndex));
    expect(await cache.leaf(groupId, 2, 15)).toBeUndefined();
  }
  expect(read).toEqual({ nodes: 3, ranges: 0 });
  for (const index of [-1, 2 ** 20, 0.5, Number.NaN, 2 ** 40]) {
    expect(await cache.leaf(groupId, 2, index)).toBeUndefined();
  }
  expect(await cache.node(groupId, 2, 2 ** 21)).toBeUndefined();
  expect(await cache.leaf(groupId, 0, 5)).toBeUndefined();
  expect(await cache.leaf('AAAAAAAAAAAAAAAAAAAAAA', 2, 5)).toBeUndefined();
});

it('reads a tree once for all who wait for it, and nodes from it while it is kept', async () => {
  const cache = newCache();
  const { groupId, tree } = history;
  const row = await rowOf(history);
  const looks = await Promise.all(
    [1, 2, 3].map(() => cache.use(groupId, row, ({ group }) => group.tree.treeHash())),
  );
  expect(looks).toEqual([tree.treeHash(), tree.treeHash(), tree.treeHash()]);
  expect([cache.trees, read.ranges]).toEqual([1, 1]);
  await cache.use(groupId, row, ({ group }) => expect(group.epoch).toBe(2));
  expect(await cache.leaf(groupId, 2, 5)).toEqual(tree.leaf(5 as LeafIndex));
  expect(read).toEqual({ nodes: 0, ranges: 1 });
});

it('keeps the tree of a commit that came while an older one was read', async () => {
  const cache = newCache();
  const { groupId } = history;
  const row = await rowOf(history);
  const old = history.tree.treeHash();
  const reading = cache.use(groupId, row, ({ group }) => group.tree.treeHash());
  await history.play(store, clock, [rekey]);
  const { head, epochMadeAtMs } = newCache().head(groupId, await rowOf(history));
  cache.put(groupId, { group: { ...head, tree: history.tree, outstandingLeaves: [] }, epochMadeAtMs });
  expect(await reading).toEqual(old);
  await cache.use(groupId, await rowOf(history), ({ group }) => expect(group.tree).toBe(history.tree));
});

it('is bounded by nodes and by heads, and lets idle groups go', async () => {
  const other = await found('other');
  const cache = newCache({ maxNodes: 40, maxHeads: 1 });
  for (const each of [history, other]) {
    const row = await rowOf(each);
    await cache.use(each.groupId, row, ({ group }) => expect(group.epoch).toBe(2));
    expect([cache.heads, cache.trees]).toEqual([1, 1]);
  }
  await clock.advance(300_000);
  // Reading keeps the head, and no tree.
  cache.head(other.groupId, await rowOf(other));
  await cache.node(other.groupId, 2, 0);
  await clock.advance(300_000);
  expect(cache.dropIdle()).toBe(1);
  expect([cache.heads, cache.trees]).toEqual([1, 0]);
  await clock.advance(300_000);
  expect(cache.dropIdle()).toBe(1);
  expect([cache.heads, cache.trees]).toEqual([0, 0]);
  expect(await cache.node(other.groupId, 2, leafNode(0 as LeafIndex))).toEqual(
    other.tree.node(0 as NodeIndex),
  );
});
