/**
 * What one group takes on the server: octets on disk of its rows, more for each commit, and memory while its tree is cached.
 *
 *   node packages/server/bench/group-footprint.ts [members ...]        one JSON line for each
 */
import { leafNode, planCommit } from '@conclave/sealed-group';
import { CompiledQuery } from 'kysely';
import type { CommitEffect, LeafIndex, PublicTree } from '@conclave/sealed-group';
import { advanceRows } from '../src/sealed-groups/group-rows.ts';
import { decodeGroupState } from '../src/sealed-groups/group-state.ts';
import { loadTree } from '../src/sealed-groups/stored-tree.ts';
import { createTreeRows } from '../src/sealed-groups/tree-rows.ts';
import { fullTree, insertFullGroup, newKey, openBenchStore, usedMemory } from './full-group.ts';
import type { BenchStore } from './full-group.ts';

export interface GroupFootprint {
  readonly members: number;
  /** All rows of the group at one epoch, without frames. */
  readonly diskBytes: number;
  /** Rows that a commit which changes nothing but keys adds, without its frame; collected when the retention is over. */
  readonly diskBytesPerCommit: number;
  readonly cachedTreeBytes: number;
}

/** `commits`: how many to average over. */
export async function measureGroupFootprint(members: number, commits = 200): Promise<GroupFootprint> {
  await using opened = await openBenchStore();
  const empty = await diskBytes(opened);
  const tree = fullTree(members);
  const groupId = await insertFullGroup(opened.store, tree, 0);
  const atOneEpoch = await diskBytes(opened);
  const cachedTreeBytes = await measureTree(opened, groupId, members);
  for (let epoch = 1; epoch <= commits; epoch++) await rekey(opened, groupId, tree, epoch);
  const afterCommits = await diskBytes(opened);
  return {
    members,
    diskBytes: atOneEpoch - empty,
    diskBytesPerCommit: Math.round((afterCommits - atOneEpoch) / commits),
    cachedTreeBytes,
  };
}

/** Of the database with everything committed, whether it stands in the file or still in its log. */
async function diskBytes({ store }: BenchStore): Promise<number> {
  const { rows } = await store.db.executeQuery<{ bytes: number }>(
    CompiledQuery.raw('select page_count * page_size as bytes from pragma_page_count, pragma_page_size'),
  );
  return rows[0]!.bytes;
}

async function measureTree({ store }: BenchStore, groupId: string, members: number): Promise<number> {
  const rows = createTreeRows(store);
  const copies = Math.max(2, Math.min(50, Math.round(65_536 / members)));
  await loadTree(rows, groupId, 0);
  const before = await usedMemory();
  const trees: PublicTree[] = [];
  while (trees.length < copies) trees.push((await loadTree(rows, groupId, 0)).tree);
  const after = await usedMemory();
  if (trees.some((tree) => tree.leafCount !== members)) throw new Error('this is another tree');
  return Math.round((after.heapBytes - before.heapBytes) / copies);
}

/** The rows of a commit by which a member renews its path. */
async function rekey({ store }: BenchStore, groupId: string, tree: PublicTree, epoch: number): Promise<void> {
  const committer = (epoch * 7919) % tree.leafCount;
  const { state } = await store.db
    .selectFrom('sealed_groups')
    .select('state')
    .where('group_id', '=', groupId)
    .executeTakeFirstOrThrow();
  const group = decodeGroupState(state);
  const plan = planCommit(tree, {
    committer,
    operations: [],
    fills: [],
    newEpoch: epoch,
    nowMs: 0,
    mode: group.mode,
  });
  if (!plan.ok) throw new Error(plan.rule);
  const { draft, seals } = plan.value;
  for (const node of [leafNode(committer as LeafIndex), ...seals.map((seal) => seal.node)])
    draft.setKey(node, newKey());
  const changes = draft.changes();
  const effect = { epoch, treeHash: draft.treeHash(), changes, plan: { removed: [], committer } };
  const seq = await store.write((trx) =>
    advanceRows(trx, groupId, effect as unknown as CommitEffect, group, 0, {
      reservation: undefined,
      outstandingLeaves: [],
    }),
  );
  if (seq === undefined) throw new Error('the group is in another epoch');
  tree.apply(changes);
}

if (import.meta.main) {
  for (const members of process.argv.length > 2 ? process.argv.slice(2).map(Number) : [1_024]) {
    process.stdout.write(`${JSON.stringify(await measureGroupFootprint(members))}\n`);
  }
}
