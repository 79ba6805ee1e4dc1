/**
 * What groups cost in memory while they are used, and after nobody asked for them: heads and whole trees of many groups are
 * taken into the cache, and the idle time goes by.
 *
 *   node packages/server/bench/idle-groups.ts [groups] [members]        one JSON line
 */
import { createManualClock } from '@conclave/platform/testing';
import { createGroupCache } from '../src/sealed-groups/group-cache.ts';
import { createGroupRows } from '../src/sealed-groups/group-rows.ts';
import { createTreeRows } from '../src/sealed-groups/tree-rows.ts';
import { fullTree, insertFullGroup, openBenchStore, usedMemory } from './full-group.ts';

const idleMs = 600_000;

export interface IdleGroups {
  readonly groups: number;
  readonly members: number;
  /** Per group: its head alone, head and tree, and what is left when it was idle. */
  readonly headBytes: number;
  readonly withTreeBytes: number;
  readonly idleBytes: number;
  /** Growth of the whole process by all of the groups, idle: the allocator gives little back to the system. */
  readonly idleRssKiB: number;
}

export async function measureIdleGroups(groups: number, members: number): Promise<IdleGroups> {
  const clock = createManualClock();
  await using opened = await openBenchStore(clock);
  const { store } = opened;
  const rows = createGroupRows(store);
  const cache = createGroupCache({
    trees: createTreeRows(store),
    clock,
    origin: 'bench.example',
    maxNodes: Number.MAX_SAFE_INTEGER,
    maxHeads: Number.MAX_SAFE_INTEGER,
    idleMs,
  });
  const groupIds: string[] = [];
  for (let count = 0; count < groups; count++) {
    groupIds.push(await insertFullGroup(store, fullTree(members), clock.nowMs()));
  }
  const ask = async (groupId: string, what: 'head' | 'tree'): Promise<void> => {
    const row = await rows.findGroup(groupId);
    if (row === undefined) throw new Error('the group has no row');
    if (what === 'head') cache.head(groupId, row);
    else await cache.use(groupId, row, ({ group }) => group.tree.treeHash());
  };
  // Everything that grows with the first use of the code has grown before it is measured.
  for (const groupId of groupIds) await ask(groupId, 'tree');
  await clock.advance(idleMs);
  cache.dropIdle();

  const before = await usedMemory();
  for (const groupId of groupIds) await ask(groupId, 'head');
  const heads = await usedMemory();
  for (const groupId of groupIds) await ask(groupId, 'tree');
  const trees = await usedMemory();
  await clock.advance(idleMs);
  cache.dropIdle();
  const idle = await usedMemory();
  const perGroup = (bytes: number): number => Math.round((bytes - before.heapBytes) / groups);
  return {
    groups,
    members,
    headBytes: perGroup(heads.heapBytes),
    withTreeBytes: perGroup(trees.heapBytes),
    idleBytes: perGroup(idle.heapBytes),
    idleRssKiB: Math.round((idle.rssBytes - before.rssBytes) / 1024),
  };
}

if (import.meta.main) {
  const [groups = 1_000, members = 16] = process.argv.slice(2).map(Number);
  process.stdout.write(`${JSON.stringify(await measureIdleGroups(groups, members))}\n`);
}
