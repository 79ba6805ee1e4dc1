/**
 * Brings a database from before node rows held hashes up to date: every version in `sealed_nodes` becomes one in
 * `sealed_subtrees`, with the versions of the nodes above it, which were not kept then. Runs at the start, before the server
 * serves, so that nothing else knows of such rows. Once all is moved the old table goes.
 *
 *   group ─▶ tree of the last epoch that was moved ─▶ its next epoch's changes ─▶ hashes ─▶ ONE unit: new rows, old ones away
 *
 * A group's history is followed from its first epoch, a unit for each, and taken up again where a crash left it. The root's
 * hash must be the epoch's, or the database is damaged and the start fails: better than to serve a tree that no client believes.
 */
import type { Log, Store } from '@conclave/platform';
import { decodeNode, nodeCount, parent, PublicTree, root } from '@conclave/sealed-group';
import type { NodeIndex, PublicKey, Subtree, TreeNode } from '@conclave/sealed-group';
import type { Kysely } from 'kysely';
import type { ServerDatabase } from '../schema/server-database.ts';
import { plainBytes } from './plain-bytes.ts';
import { DamagedGroupError, loadTree } from './stored-tree.ts';
import { insertSubtrees } from './tree-rows.ts';
import type { TreeRows } from './tree-rows.ts';

interface OldTables extends ServerDatabase {
  sealed_nodes: { group_id: string; node: number; epoch: number; content: Uint8Array | null };
}

interface Deps {
  readonly store: Store<ServerDatabase>;
  readonly trees: TreeRows;
  readonly log: Log;
}

/** Resolves with the number of groups that were brought up to date. */
export async function fillSubtrees(deps: Deps): Promise<number> {
  const { store, log } = deps;
  const tables = await store.db.introspection.getTables();
  if (!tables.some(({ name }) => name === 'sealed_nodes')) return 0;
  const db = store.db as unknown as Kysely<OldTables>;
  log.info({}, 'computing hashes of trees; this happens once');
  let groups = 0;
  for (;;) {
    const next = await db.selectFrom('sealed_nodes').select('group_id').limit(1).executeTakeFirst();
    if (next === undefined) break;
    await fillGroup(deps, db, next.group_id);
    groups += 1;
    if (groups % 1_000 === 0) log.info({ groups }, 'computing hashes of trees');
  }
  await store.write((trx) => trx.schema.dropTable('sealed_nodes').execute());
  log.info({ groups }, 'all trees have hashes');
  return groups;
}

async function fillGroup({ store, trees }: Deps, db: Kysely<OldTables>, groupId: string): Promise<void> {
  const moved = await db
    .selectFrom('sealed_subtrees')
    .select(({ fn }) => fn.max<number | null>('epoch').as('epoch'))
    .where('group_id', '=', groupId)
    .executeTakeFirstOrThrow();
  let tree = moved.epoch === null ? undefined : (await loadTree(trees, groupId, moved.epoch)).tree;
  const first = (moved.epoch ?? -1) + 1;
  for (let epoch = first; ; epoch++) {
    const made = await trees.findEpoch(groupId, epoch);
    if (made === undefined || made === 'gone') {
      // Rows of an epoch that is not known would be met again and again.
      if (epoch === first) throw new DamagedGroupError();
      return;
    }
    const changes = await readChanges(db, groupId, epoch);
    const before = tree?.leafCount ?? 1;
    tree = moveOn(tree, made.leafCount, changes);
    if (!Buffer.from(tree.treeHash()).equals(made.treeHash)) throw new DamagedGroupError();
    const subtrees = subtreesAbove(tree, changes.keys(), Math.max(before, tree.leafCount));
    await store.write(async (trx) => {
      await insertSubtrees(trx, groupId, epoch, subtrees);
      await trx
        .withTables<Pick<OldTables, 'sealed_nodes'>>()
        .deleteFrom('sealed_nodes')
        .where('group_id', '=', groupId)
        .where('epoch', '=', epoch)
        .execute();
    });
  }
}

type Changes = ReadonlyMap<NodeIndex, TreeNode | undefined>;

async function readChanges(db: Kysely<OldTables>, groupId: string, epoch: number): Promise<Changes> {
  const rows = await db
    .selectFrom('sealed_nodes')
    .select(['node', 'content'])
    .where('group_id', '=', groupId)
    .where('epoch', '=', epoch)
    .execute();
  return new Map(
    rows.map(({ node, content }) => [
      node as NodeIndex,
      content === null ? undefined : decode(node, content),
    ]),
  );
}

function moveOn(tree: PublicTree | undefined, leafCount: number, changes: Changes): PublicTree {
  if (tree !== undefined) {
    tree.apply({ leafCount, nodes: changes, subtrees: new Map() });
    return tree;
  }
  const first = PublicTree.fromNodes(
    leafCount,
    [...changes].flatMap(([index, node]) => (node === undefined ? [] : [[index, node] as const])),
  );
  if (!first.ok) throw new DamagedGroupError();
  return first.value;
}

/** The changed nodes and all above them, in the larger of the trees before and after, as they are now. */
function subtreesAbove(
  tree: PublicTree,
  changed: Iterable<NodeIndex>,
  largest: number,
): Map<NodeIndex, Subtree> {
  const subtrees = new Map<NodeIndex, Subtree>();
  const top = root(largest);
  for (const start of changed) {
    for (let at = start; !subtrees.has(at); at = parent(at)) {
      const isEmpty = at >= nodeCount(tree.leafCount) || tree.occupiedLeaves(at) === 0;
      subtrees.set(at, { node: tree.node(at), hash: isEmpty ? undefined : tree.hash(at) });
      if (at === top) break;
    }
  }
  return subtrees;
}

function decode(node: number, content: Uint8Array): TreeNode | undefined {
  const decoded = decodeNode(
    node as NodeIndex,
    plainBytes(content),
    (key) => Uint8Array.from(key) as PublicKey,
  );
  if (!decoded.ok) throw new DamagedGroupError();
  return decoded.value;
}
