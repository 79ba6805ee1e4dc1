/**
 * Removing one administrator removes every pending leaf that it added, and theirs: more than a statement has parameters. Such
 * a commit takes minutes to build, so its effect is put together here and written by the same query as any other's.
 */
import { advanceRows } from '../../src/sealed-groups/group-rows.ts';
import type { CommitEffect, LeafIndex } from '@conclave/sealed-group';
import { expect, it } from 'vitest';
import { startSealedWorld } from './sealed-world.ts';

it('carries out a removal that cascades to forty thousand leaves', async () => {
  await using world = await startSealedWorld();
  const { group, groupId } = await world.forger();
  const { store } = world.running.server;
  const removed = Array.from({ length: 40_000 }, (_, index) => index + 1);
  const leaves = [1, 20_000, 40_000, 40_001];
  await store.write(async (trx) => {
    for (const leaf of leaves) {
      const place = { group_id: groupId, leaf, leaf_epoch: 0 };
      await trx
        .insertInto('sealed_leaves')
        .values({ ...place, signature: new Uint8Array(64) })
        .execute();
      await trx
        .insertInto('sealed_budgets')
        .values({ ...place, wait_until_ms: 0, next_wait_ms: 0, reserved_at_ms: null })
        .execute();
    }
  });
  const effect = {
    epoch: 1,
    treeHash: new Uint8Array(32),
    changes: {
      leafCount: 1,
      subtrees: new Map(removed.map((leaf) => [2 * leaf, { node: undefined, hash: undefined }])),
    },
    plan: { removed, committer: 0 },
  } as unknown as CommitEffect;
  const judgedBy = {
    reservation: undefined,
    outstandingLeaves: leaves.map((leaf) => ({
      leaf: leaf as LeafIndex,
      leafEpoch: 0,
      signature: new Uint8Array(64),
    })),
  };
  expect(await store.write((trx) => advanceRows(trx, groupId, effect, group, 0, judgedBy))).toBe(2);
  const kept = await store.db.selectFrom('sealed_leaves').select('leaf').execute();
  const charged = await store.db.selectFrom('sealed_budgets').select('leaf').execute();
  expect([kept, charged]).toEqual([[{ leaf: 40_001 }], [{ leaf: 40_001 }]]);
  const nodes = await store.db.selectFrom('sealed_subtrees').select('node').where('epoch', '=', 1).execute();
  expect(nodes).toHaveLength(40_000);
});
