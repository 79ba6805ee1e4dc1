/** Every epoch of a random history reads from its rows as it was, before and after old ones were collected. */
import { setImmediate as turn } from 'node:timers/promises';
import { createManualClock } from '@conclave/platform/testing';
import type { Store } from '@conclave/platform';
import { decodeTree, encodeMerklePath, encodeTree, nodesOfPath } from '@conclave/sealed-group';
import type { LeafIndex, NodeIndex, PublicKey, PublicTree } from '@conclave/sealed-group';
import fc from 'fast-check';
import { CompiledQuery } from 'kysely';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ServerDatabase } from '../../src/schema/server-database.ts';
import { collectHistory } from '../../src/sealed-groups/collect-history.ts';
import {
  DamagedGroupError,
  loadTree,
  readPath,
  requireEpoch,
  streamTree,
} from '../../src/sealed-groups/stored-tree.ts';
import { newestOfRange } from '../../src/sealed-groups/newest-of-range.ts';
import { createTreeRows, insertSubtrees, newestOfNode } from '../../src/sealed-groups/tree-rows.ts';
import type { TreeRows } from '../../src/sealed-groups/tree-rows.ts';
import { dayMs, draws, openTreeStore, TreeHistory } from './tree-world.ts';
import type { Draw, TreeStore } from './tree-world.ts';

const retentionMs = 30 * dayMs;
const skewsMs = 10 * 60_000;
const plain: Draw = { committer: 0, adds: 0, removes: [], fills: true, waitMs: 0 };

let clock: ReturnType<typeof createManualClock>;
let opened: TreeStore;
let store: Store<ServerDatabase>;
let rows: TreeRows;
beforeEach(async () => {
  clock = createManualClock();
  opened = await openTreeStore(clock);
  ({ store } = opened);
  rows = createTreeRows(store);
});
afterEach(() => opened[Symbol.asyncDispose]());

let groups = 0;
async function play(drawn: readonly Draw[]): Promise<TreeHistory> {
  const history = new TreeHistory(`group ${groups++}`);
  await history.found(store, clock.nowMs());
  await history.play(store, clock, drawn);
  return history;
}

async function octetsOf(groupId: string, epoch: number): Promise<Uint8Array> {
  const made = await requireEpoch(rows, groupId, epoch);
  const pieces: Uint8Array[] = [];
  for await (const piece of streamTree(rows, groupId, epoch, made)) pieces.push(piece);
  return Uint8Array.from(Buffer.concat(pieces));
}

function treeOf(octets: Uint8Array): PublicTree {
  const tree = decodeTree(octets, (bytes) => Uint8Array.from(bytes) as PublicKey);
  if (!tree.ok) throw new Error(tree.rule);
  return tree.value;
}

/** Octets, loaded tree and every leaf's path of the epoch, against what the tree was then. */
async function expectEpoch(history: TreeHistory, epoch: number): Promise<void> {
  const { groupId } = history;
  const was = history.epochs[epoch]!;
  expect(await octetsOf(groupId, epoch)).toEqual(was.octets);
  const { tree } = await loadTree(rows, groupId, epoch);
  expect(encodeTree(tree)).toEqual(was.octets);
  expect(tree.treeHash()).toEqual(was.treeHash);
  const expected = treeOf(was.octets);
  for (let leaf = 0; leaf <= was.leafCount; leaf++) {
    const path = leaf < was.leafCount ? encodeMerklePath(expected, leaf as LeafIndex) : undefined;
    expect(await readPath(rows, groupId, epoch, leaf)).toEqual(path);
  }
}

const goneIs = async (history: TreeHistory, epoch: number): Promise<void> => {
  const gone = { code: 'CONCLAVE_HISTORY_GONE' };
  await expect(octetsOf(history.groupId, epoch)).rejects.toMatchObject(gone);
  await expect(loadTree(rows, history.groupId, epoch)).rejects.toMatchObject(gone);
  await expect(readPath(rows, history.groupId, epoch, 0)).rejects.toMatchObject(gone);
};

describe('rows of trees', () => {
  it('show every epoch as it was', async () => {
    expect.hasAssertions();
    await fc.assert(
      fc.asyncProperty(draws, async (drawn) => {
        const history = await play(drawn);
        for (let epoch = 0; epoch <= history.epoch; epoch++) await expectEpoch(history, epoch);
      }),
      { numRuns: 8 },
    );
  });

  it('are read by their key, as many as the path has nodes, whatever there is of epochs', async () => {
    const history = await play([
      { ...plain, adds: 700 },
      ...Array.from({ length: 40 }, () => ({ ...plain, committer: 0 })),
    ]);
    const { groupId, epoch } = history;
    const explain = async (query: { compile(): CompiledQuery }): Promise<string[]> => {
      const { sql, parameters } = query.compile();
      const plan = CompiledQuery.raw(`explain query plan ${sql}`, [...parameters]);
      const { rows: steps } = await store.db.executeQuery<{ detail: string }>(plan);
      return steps.map(({ detail }) => detail);
    };
    expect(await explain(newestOfNode(store.db, { groupId, node: 3, epoch }))).toEqual([
      'SEARCH sealed_subtrees USING PRIMARY KEY (group_id=? AND node=? AND epoch<?)',
    ]);
    const ofRange = await explain(newestOfRange(store.db, { groupId, first: 0, last: 9, epoch }));
    expect(ofRange.filter((step) => step.includes('version') || step.includes('newest'))).toEqual([
      'SEARCH version USING PRIMARY KEY (group_id=? AND node=? AND epoch=?)',
      'SEARCH newest USING PRIMARY KEY (group_id=? AND node=? AND epoch<?)',
    ]);

    let read = 0;
    const counting: TreeRows = {
      ...rows,
      async subtreesAt(...where) {
        const found = await rows.subtreesAt(...where);
        read += found.filter((subtree) => subtree !== undefined).length;
        return found;
      },
      subtrees: () => Promise.reject(new Error('a path reads no ranges')),
    };
    expect(await readPath(counting, groupId, epoch, 333)).toEqual(
      encodeMerklePath(history.tree, 333 as LeafIndex),
    );
    expect(nodesOfPath(1024, 333 as LeafIndex)).toHaveLength(1 + 2 * 10);
    expect(read).toBeLessThanOrEqual(1 + 2 * 10);
  });

  it('let the event loop turn while a tree is read', async () => {
    const history = await play([{ ...plain, adds: 1_000 }]);
    const loop = { turns: 0, over: false };
    const counted = (async () => {
      for (; !loop.over; loop.turns++) await turn();
    })();
    await loadTree(rows, history.groupId, history.epoch);
    loop.over = true;
    await counted;
    expect(loop.turns).toBeGreaterThanOrEqual(2_047 / 256);
  });

  it('that are damaged are noticed', async () => {
    const history = await play([{ ...plain, adds: 6 }, plain]);
    const { groupId, epoch } = history;
    const damage = async (node: number, values: { content?: Uint8Array; hash?: Uint8Array | null }) => {
      const where = await store.db
        .selectFrom('sealed_subtrees')
        .selectAll()
        .where('node', '=', node)
        .orderBy('epoch', 'desc')
        .limit(1)
        .executeTakeFirstOrThrow();
      const write = (row: object) =>
        store.write((trx) =>
          trx
            .updateTable('sealed_subtrees')
            .set(row)
            .where('node', '=', node)
            .where('epoch', '=', where.epoch)
            .execute(),
        );
      await write(values);
      await expect(loadTree(rows, groupId, epoch)).rejects.toThrow(DamagedGroupError);
      const streamed = await octetsOf(groupId, epoch).then(
        () => 'whole',
        (error: Error) => error.name,
      );
      expect(streamed).toBe(node === 7 ? 'DamagedGroupError' : 'whole');
      await write({ content: where.content, hash: where.hash });
      await expectEpoch(history, epoch);
    };
    await damage(7, { hash: new Uint8Array(32) });
    await damage(7, { hash: null });
    await damage(0, { hash: null });
    await damage(0, { content: Uint8Array.of(1, 2, 3) });
    await damage(0, { content: Uint8Array.of(0x40) });
  });
});

describe('collecting history', () => {
  const collect = (limits: { rowsPerUnit?: number; unitsPerRun?: number } = {}) =>
    collectHistory({ store, clock, retentionMs, ...limits });

  /** What the retention says, from the times of epochs alone. */
  async function expectedHorizon(groupId: string): Promise<number> {
    const epochs = await store.db
      .selectFrom('sealed_epochs')
      .select(['epoch', 'made_at_ms'])
      .where('group_id', '=', groupId)
      .orderBy('epoch')
      .execute();
    const old = epochs.filter((row) => row.made_at_ms <= clock.nowMs() - retentionMs - skewsMs);
    return old.at(-1)?.epoch ?? 0;
  }

  /** Versions that some epoch from `horizon` on is made of: node by node, the newest up to it and all after it. */
  async function expectedVersions(groupId: string, horizon: number): Promise<string[]> {
    const all = await store.db
      .selectFrom('sealed_subtrees')
      .select(['node', 'epoch', 'hash'])
      .where('group_id', '=', groupId)
      .orderBy('epoch')
      .execute();
    const newest = new Map(all.filter(({ epoch }) => epoch <= horizon).map((row) => [row.node, row]));
    return [
      ...[...newest.values()].filter(({ hash }) => hash !== null),
      ...all.filter(({ epoch }) => epoch > horizon),
    ]
      .map(({ node, epoch }) => `${node}@${epoch}`)
      .sort();
  }

  async function versions(groupId: string): Promise<string[]> {
    const all = await store.db
      .selectFrom('sealed_subtrees')
      .select(['node', 'epoch'])
      .where('group_id', '=', groupId)
      .execute();
    return all.map(({ node, epoch }) => `${node}@${epoch}`).sort();
  }

  it('keeps every epoch within the retention as it was, gives up the others, and leaves nothing behind', async () => {
    let gaveUp = 0;
    await fc.assert(
      fc.asyncProperty(draws, draws, fc.integer({ min: 1, max: 40 }), async (first, second, rowsPerUnit) => {
        const history = await play(first);
        const { groupId } = history;
        for (const more of [[], second]) {
          await history.play(store, clock, more);
          const horizon = await expectedHorizon(groupId);
          const kept = await expectedVersions(groupId, horizon);
          await collect({ rowsPerUnit, unitsPerRun: 10_000 });
          expect(await versions(groupId)).toEqual(kept);
          for (let epoch = 0; epoch < horizon; epoch++) await goneIs(history, epoch);
          for (let epoch = horizon; epoch <= history.epoch; epoch++) await expectEpoch(history, epoch);
          expect(await collect()).toBe(0);
          gaveUp += horizon;
        }
      }),
      { numRuns: 8 },
    );
    expect(gaveUp).toBeGreaterThan(0);
  });

  it('goes on where it was broken off, and what it has given up stays given up meanwhile', async () => {
    const history = await play([
      { ...plain, adds: 20 },
      ...Array.from({ length: 6 }, (_, index) => ({ ...plain, committer: 1 + index })),
      { ...plain, removes: [3, 4, 5] },
    ]);
    const { groupId, epoch: horizon } = history;
    await clock.advance(retentionMs + skewsMs);
    const kept = await expectedVersions(groupId, horizon);
    const before = (await versions(groupId)).length;
    let runs = 0;
    let deleted = 0;
    for (; deleted < before - kept.length; runs++) {
      deleted += await collect({ rowsPerUnit: 5, unitsPerRun: 3 });
      for (let epoch = 0; epoch < horizon; epoch++) await goneIs(history, epoch);
      await expectEpoch(history, horizon);
      expect(runs).toBeLessThan(100);
    }
    await collect();
    expect(runs).toBeGreaterThan(1);
    expect(await versions(groupId)).toEqual(kept);
    expect(deleted).toBe(before - kept.length);
  });

  it('waits until an invite has expired by every clock that the server accepts', async () => {
    const history = await play([{ ...plain, adds: 1 }]);
    await clock.advance(1_000);
    await history.play(store, clock, [plain]);
    await clock.advance(retentionMs + skewsMs - 1);
    await collect();
    await goneIs(history, 0);
    await expectEpoch(history, 1);
    await clock.advance(1);
    expect(await collect()).toBeGreaterThan(0);
    await goneIs(history, 1);
    await expectEpoch(history, 2);
  });

  it('breaks no reading that was under way: it ends with the same answer', async () => {
    const history = await play([{ ...plain, adds: 400 }, plain, plain]);
    const made = await requireEpoch(rows, history.groupId, 1);
    const reading = streamTree(rows, history.groupId, 1, made);
    await reading.next();
    await clock.advance(retentionMs + skewsMs);
    await collect();
    const rest = async (): Promise<void> => {
      for await (const piece of reading) expect(piece.length).toBeGreaterThan(0);
    };
    await expect(rest()).rejects.toMatchObject({ code: 'CONCLAVE_HISTORY_GONE' });
  });

  it('looks at a group by its date and at its rows by their epoch, not at all of them', async () => {
    const { groupId } = await play([{ ...plain, adds: 100 }, plain]);
    const explain = async (text: string, values: readonly unknown[]): Promise<string[]> => {
      const { rows: steps } = await store.db.executeQuery<{ detail: string }>(
        CompiledQuery.raw(`explain query plan ${text}`, [...values]),
      );
      return steps.map(({ detail }) => detail);
    };
    const due =
      'select group_id from sealed_groups where oldest_superseded_at_ms <= ? order by oldest_superseded_at_ms limit 1';
    expect(await explain(due, [1])).toEqual([
      'SEARCH sealed_groups USING INDEX sealed_groups_by_oldest (oldest_superseded_at_ms<?)',
    ]);
    const superseding = `select epoch, node from sealed_subtrees where group_id = ? and (epoch, node) > (?, ?)
      and epoch <= ? order by epoch, node limit 5`;
    expect(await explain(superseding, [groupId, 0, 0, 9])).toEqual([
      expect.stringMatching(
        /^SEARCH sealed_subtrees USING COVERING INDEX sealed_subtrees_by_epoch \(group_id=\? AND .*epoch/,
      ),
    ]);
  });
});

it('the rows of a large commit are written while the event loop turns, all or none', async () => {
  const count = 2_100;
  const subtrees = new Map(
    Array.from({ length: count }, (_, index) => [
      index as NodeIndex,
      { node: undefined, hash: new Uint8Array(32).fill(index % 251) },
    ]),
  );
  let turns = 0;
  let isOver = false;
  const countTurn = (): void => {
    turns += 1;
    if (!isOver) setImmediate(countTurn);
  };
  const stored = () => rows.subtrees('large', 7, 0, count);
  const written = store.write(async (trx) => {
    setImmediate(countTurn);
    await insertSubtrees(trx, 'large', 7, subtrees);
    expect(await stored()).toEqual([]);
  });
  await written;
  isOver = true;
  expect(turns).toBeGreaterThanOrEqual(4);
  expect((await stored()).map(({ node }) => node)).toEqual([...subtrees.keys()]);

  const refused = store.write(async (trx) => {
    await insertSubtrees(
      trx,
      'other',
      7,
      new Map([...subtrees, [count as NodeIndex, { node: undefined, hash: new Uint8Array(32) }]]),
    );
    throw new Error('changed its mind');
  });
  await expect(refused).rejects.toThrow('changed its mind');
  expect(await rows.subtrees('other', 7, 0, count)).toEqual([]);
});
