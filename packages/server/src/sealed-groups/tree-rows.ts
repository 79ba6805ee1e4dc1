/**
 * The rows of trees: epochs, and versions of subtrees. Every query goes by the primary key, whatever the number of members
 * and of epochs: `subtree` reads one row, `subtrees` one for each node of the range that has any.
 */
import { setImmediate as eventLoopTurn } from 'node:timers/promises';
import type { QueryCreator } from 'kysely';
import type { Store } from '@conclave/platform';
import { encodeNode } from '@conclave/sealed-group';
import type { NodeIndex, StoredSubtree, Subtree } from '@conclave/sealed-group';
import type { ServerDatabase } from '../schema/server-database.ts';
import type { GroupTransaction } from './group-rows.ts';
import { prepareNewestOfRange } from './newest-of-range.ts';
import { plainBytes } from './plain-bytes.ts';

export interface EpochRow {
  readonly leafCount: number;
  readonly treeHash: Uint8Array;
  readonly madeAtMs: number;
}

export interface NumberedSubtree extends StoredSubtree {
  readonly node: number;
}

interface NodeAt {
  readonly groupId: string;
  readonly node: number;
  readonly epoch: number;
}

interface VersionRow {
  readonly content: Uint8Array | null;
  readonly hash: Uint8Array | null;
}

export type TreeRows = ReturnType<typeof createTreeRows>;

export function createTreeRows(store: Store<ServerDatabase>) {
  const newestVersion = store.prepare(newestOfNode);
  const newestVersions = prepareNewestOfRange(store);

  return {
    /** Undefined: the group has not reached the epoch. `gone`: its tree is no longer kept. */
    async findEpoch(groupId: string, epoch: number): Promise<EpochRow | 'gone' | undefined> {
      const row = await store.db
        .selectFrom('sealed_epochs')
        .innerJoin('sealed_groups', 'sealed_groups.group_id', 'sealed_epochs.group_id')
        .select(['leaf_count', 'tree_hash', 'made_at_ms', 'oldest_epoch'])
        .where('sealed_epochs.group_id', '=', groupId)
        .where('sealed_epochs.epoch', '=', epoch)
        .executeTakeFirst();
      if (row === undefined) return undefined;
      if (epoch < row.oldest_epoch) return 'gone';
      return { leafCount: row.leaf_count, treeHash: plainBytes(row.tree_hash), madeAtMs: row.made_at_ms };
    },

    /** The node as it was in `epoch`. Undefined: it was blank and over nothing, or the group does not exist. */
    async subtree(groupId: string, epoch: number, node: number): Promise<StoredSubtree | undefined> {
      const [version] = await newestVersion.read({ groupId, node, epoch });
      return version && subtreeOf(version);
    },

    /** The same for each of `nodes`, in their order. */
    async subtreesAt(
      groupId: string,
      epoch: number,
      nodes: readonly number[],
    ): Promise<(StoredSubtree | undefined)[]> {
      const found = await newestVersion.readEach(nodes.map((node) => ({ groupId, node, epoch })));
      return found.map(([version]) => version && subtreeOf(version));
    },

    /**
     * The nodes from `first` to `last` as they were in `epoch`, ascending; some that are blank and over nothing are left out.
     * Octets are pooled `Buffer`s, for callers that copy: a large tree has millions.
     */
    async subtrees(groupId: string, epoch: number, first: number, last: number): Promise<NumberedSubtree[]> {
      const versions = await newestVersions({ groupId, first, last, epoch });
      return versions.sort((a, b) => a.node - b.node);
    },

    /** What the commit that made the epoch changed. */
    async changedIn(groupId: string, epoch: number): Promise<NumberedSubtree[]> {
      const versions = await store.db
        .selectFrom('sealed_subtrees')
        .select(['node', 'content', 'hash'])
        .where('group_id', '=', groupId)
        .where('epoch', '=', epoch)
        .execute();
      return versions.map(numbered);
    },
  };
}

/** One step down the primary key, however many versions there are of the node. */
export function newestOfNode(db: QueryCreator<ServerDatabase>, { groupId, node, epoch }: NodeAt) {
  return db
    .selectFrom('sealed_subtrees')
    .select(['content', 'hash'])
    .where('group_id', '=', groupId)
    .where('node', '=', node)
    .where('epoch', '<=', epoch)
    .orderBy('epoch', 'desc')
    .limit(1);
}

function numbered(version: VersionRow & { readonly node: number }): NumberedSubtree {
  return { node: version.node, ...subtreeOf(version) };
}

function subtreeOf({ content, hash }: VersionRow): StoredSubtree {
  return {
    content: content === null ? undefined : plainBytes(content),
    hash: hash === null ? undefined : plainBytes(hash),
  };
}

/** The rows of an epoch that is being made. */
export async function insertEpoch(
  trx: GroupTransaction,
  groupId: string,
  made: EpochRow & {
    readonly epoch: number;
    readonly seq: number;
    readonly subtrees: ReadonlyMap<NodeIndex, Subtree>;
  },
): Promise<void> {
  await trx
    .insertInto('sealed_epochs')
    .values({
      group_id: groupId,
      epoch: made.epoch,
      leaf_count: made.leafCount,
      tree_hash: made.treeHash,
      seq: made.seq,
      made_at_ms: made.madeAtMs,
    })
    .execute();
  await insertSubtrees(trx, groupId, made.epoch, made.subtrees);
}

/** Two or three milliseconds of the event loop on SQLite; parameters: five a row, of at most 32,766. */
const rowsPerStatement = 500;

/** The event loop turns between statements: a commit of a thousand members writes thousands of rows. */
export async function insertSubtrees(
  trx: GroupTransaction,
  groupId: string,
  epoch: number,
  subtrees: ReadonlyMap<NodeIndex, Subtree>,
): Promise<void> {
  const all = [...subtrees];
  for (let start = 0; start < all.length; start += rowsPerStatement) {
    if (start > 0) await eventLoopTurn();
    const rows = all.slice(start, start + rowsPerStatement).map(([node, subtree]) => ({
      group_id: groupId,
      node,
      epoch,
      content: subtree.node === undefined ? null : encodeNode(subtree.node),
      hash: subtree.hash ?? null,
    }));
    await trx.insertInto('sealed_subtrees').values(rows).execute();
  }
}
