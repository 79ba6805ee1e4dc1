/** A database of the release before: its trees get the rows that they would have if they had been written today. */
import { silentLog } from '@conclave/platform';
import type { Store } from '@conclave/platform';
import { createManualClock } from '@conclave/platform/testing';
import type { ManualClock } from '@conclave/platform/testing';
import { encodeNode } from '@conclave/sealed-group';
import fc from 'fast-check';
import { sql } from 'kysely';
import { describe, expect, it } from 'vitest';
import type { ServerDatabase } from '../../src/schema/server-database.ts';
import { fillSubtrees } from '../../src/sealed-groups/fill-subtrees.ts';
import { DamagedGroupError } from '../../src/sealed-groups/stored-tree.ts';
import { createTreeRows } from '../../src/sealed-groups/tree-rows.ts';
import { draws, openTreeStore, TreeHistory } from './tree-world.ts';
import type { Draw } from './tree-world.ts';

const migrationsThen = 4;

/** Writes the history as the old release did: changed contents only. */
async function writeThen(store: Store<ServerDatabase>, clock: ManualClock, name: string, drawn: Draw[]) {
  const history = new TreeHistory(name);
  const { groupId } = history;
  const epochRow = (madeAtMs: number) => {
    const { treeHash, leafCount } = history.epochs.at(-1)!;
    return sql`insert into sealed_epochs values
      (${groupId}, ${history.epoch}, ${leafCount}, ${treeHash}, ${history.epoch + 1}, ${madeAtMs})`;
  };
  const nodeRow = (node: number, content: Uint8Array | null) =>
    sql`insert into sealed_nodes values (${groupId}, ${node}, ${history.epoch}, ${content})`;
  await store.write(async (trx) => {
    await sql`insert into sealed_groups values (${groupId}, 'ada', ${clock.nowMs()}, 0, 1, '{}', null, 0)`.execute(
      trx,
    );
    await epochRow(clock.nowMs()).execute(trx);
    for (const [index, node] of history.tree.nodes()) await nodeRow(index, encodeNode(node)).execute(trx);
  });
  for (const draw of drawn) {
    await clock.advance(draw.waitMs);
    const made = history.commit(draw, clock.nowMs());
    if (made === undefined) continue;
    await store.write(async (trx) => {
      await sql`update sealed_groups set epoch = ${history.epoch}, last_seq = last_seq + 1 where group_id = ${groupId}`.execute(
        trx,
      );
      await epochRow(clock.nowMs()).execute(trx);
      for (const [index, node] of made.changes.nodes) {
        await nodeRow(index, node === undefined ? null : encodeNode(node)).execute(trx);
      }
    });
  }
  return history;
}

async function rowsNow(store: Store<ServerDatabase>) {
  const subtrees = await store.db
    .selectFrom('sealed_subtrees')
    .selectAll()
    .orderBy('group_id')
    .orderBy('epoch')
    .orderBy('node')
    .execute();
  const groups = await store.db
    .selectFrom('sealed_groups')
    .select(['group_id', 'epoch', 'oldest_epoch', 'collected_epoch', 'oldest_superseded_at_ms'])
    .orderBy('group_id')
    .execute();
  const tables = await store.db.introspection.getTables();
  return { subtrees, groups, tables: tables.map(({ name }) => name).sort() };
}

/** What the same histories are when they are written today. */
async function rowsWrittenToday(names: readonly string[], drawn: Draw[]) {
  const clock = createManualClock();
  await using opened = await openTreeStore(clock);
  for (const name of names) {
    const history = new TreeHistory(name);
    await history.found(opened.store, clock.nowMs());
    await history.play(opened.store, clock, drawn);
  }
  return await rowsNow(opened.store);
}

describe('a database from before rows held hashes', () => {
  it('gets the rows that it would have today, however often the work is broken off', async () => {
    await fc.assert(
      fc.asyncProperty(
        draws.map((drawn) => drawn.slice(0, 12)),
        fc.array(fc.integer({ min: 0, max: 6 }), { maxLength: 3 }),
        async (drawn, breaks) => {
          const names = ['one', 'two'];
          const clock = createManualClock();
          await using opened = await openTreeStore(clock, migrationsThen);
          for (const name of names) await writeThen(opened.store, clock, name, drawn);
          const store = await opened.reopen();
          const trees = createTreeRows(store);
          for (const units of breaks) {
            let left = units;
            const breaking: Store<ServerDatabase> = {
              ...store,
              write: (unit) =>
                left-- > 0 ? store.write(unit) : Promise.reject(new Error('the power is gone')),
            };
            const broken = await fillSubtrees({ store: breaking, trees, log: silentLog }).then(
              () => 'done',
              (error: Error) => error.message,
            );
            expect(['done', 'the power is gone']).toContain(broken);
          }
          await fillSubtrees({ store, trees, log: silentLog });
          expect(await rowsNow(store)).toEqual(await rowsWrittenToday(names, drawn));
          expect(await fillSubtrees({ store, trees, log: silentLog })).toBe(0);
        },
      ),
      { numRuns: 4 },
    );
  });

  it('without groups needs nothing', async () => {
    await using opened = await openTreeStore(createManualClock(), migrationsThen);
    const store = await opened.reopen();
    expect(await fillSubtrees({ store, trees: createTreeRows(store), log: silentLog })).toBe(0);
    expect((await rowsNow(store)).tables).not.toContain('sealed_nodes');
  });

  it.each([
    ['lacks a node', 'delete from sealed_nodes where epoch = 1 and node = 4'],
    ['lacks an epoch', 'delete from sealed_epochs where epoch = 1'],
  ])('that %s is not served', async (_, damage) => {
    const clock = createManualClock();
    await using opened = await openTreeStore(clock, migrationsThen);
    const draw: Draw = { committer: 0, adds: 3, removes: [], fills: false, waitMs: 0 };
    await writeThen(opened.store, clock, 'one', [draw]);
    await opened.store.write((trx) => sql.raw(damage).execute(trx));
    const store = await opened.reopen();
    await expect(fillSubtrees({ store, trees: createTreeRows(store), log: silentLog })).rejects.toThrow(
      DamagedGroupError,
    );
  });
});
