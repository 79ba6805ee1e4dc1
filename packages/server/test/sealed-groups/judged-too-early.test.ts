/**
 * A commit is judged by the group's leaves and by the reservation of the next epoch, which change without an epoch, and with several
 * processes between the judging and the writing. What is written is what was judged, or nothing.
 */
import { sql } from 'kysely';
import type { CommitEffect, EpochReservation, LeafIndex, OutstandingLeave } from '@conclave/sealed-group';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { advanceRows, storeReservation, takeSeq, upsertLeave } from '../../src/sealed-groups/group-rows.ts';
import { writeOnce } from '../../src/sealed-groups/write-once.ts';
import { startSealedWorld } from './sealed-world.ts';

const effect = {
  epoch: 1,
  treeHash: new Uint8Array(32),
  changes: { leafCount: 1, subtrees: new Map() },
  plan: { removed: [], committer: 0 },
} as unknown as CommitEffect;
const leave: OutstandingLeave = { leaf: 1 as LeafIndex, leafEpoch: 0, signature: new Uint8Array(64) };
const nothing = { reservation: undefined, outstandingLeaves: [] };

describe('a commit that was judged before', () => {
  let world: Awaited<ReturnType<typeof startSealedWorld>>;
  let founded: Awaited<ReturnType<typeof world.forger>>;

  beforeEach(async () => {
    world = await startSealedWorld();
    founded = await world.forger();
  });

  afterEach(async () => {
    await world[Symbol.asyncDispose]();
  });

  const storeOf = () => world.running.server.store;
  const commit = (judgedBy: Parameters<typeof advanceRows>[5]) =>
    writeOnce(storeOf(), (trx) => advanceRows(trx, founded.groupId, effect, founded.group, 0, judgedBy));

  const rowsOfGroup = async () => ({
    group: await storeOf()
      .db.selectFrom('sealed_groups')
      .select(['epoch', 'last_seq'])
      .executeTakeFirstOrThrow(),
    epochs: (await storeOf().db.selectFrom('sealed_epochs').select('epoch').execute()).length,
  });
  const untouched = { group: { epoch: 0, last_seq: 1 }, epochs: 1 };

  it('a leave came is not written', async () => {
    await storeOf().write((trx) => upsertLeave(trx, founded.groupId, leave));
    expect(await commit(nothing)).toBeUndefined();
    expect(await rowsOfGroup()).toEqual(untouched);
    expect(await commit({ ...nothing, outstandingLeaves: [{ ...leave, leafEpoch: 7 }] })).toBeUndefined();
    expect(await rowsOfGroup()).toEqual(untouched);
    expect(await commit({ ...nothing, outstandingLeaves: [leave] })).toBe(2);
  });

  it('the epoch was reserved is not written, nor is a second reservation', async () => {
    const { groupId } = founded;
    const reservation = { epoch: 0, leaf: 1 } as unknown as EpochReservation;
    const reserve = (wanted: EpochReservation) =>
      storeOf().write((trx) => storeReservation(trx, groupId, wanted, nothing));
    expect(await reserve(reservation)).toBe(true);
    expect(await reserve({ ...reservation, leaf: 2 } as EpochReservation)).toBe(false);
    expect(await commit(nothing)).toBeUndefined();
    expect(await rowsOfGroup()).toEqual(untouched);
    expect(await commit({ ...nothing, reservation })).toBe(2);
  });

  it('a leave that another process was writing is not written', async ({ skip }) => {
    skip(storeOf().engine === 'sqlite', 'one process writes one unit after the other');
    const hasRow = Promise.withResolvers<void>();
    const leaving = writeOnce(storeOf(), async (trx) => {
      const seq = await takeSeq(trx, founded.groupId, 0);
      hasRow.resolve();
      await sql`select pg_sleep(0.3)`.execute(trx);
      await upsertLeave(trx, founded.groupId, leave);
      return seq;
    });
    await hasRow.promise;
    expect(await commit(nothing)).toBeUndefined();
    expect(await leaving).toBe(2);
    expect(await rowsOfGroup()).toEqual({ group: { epoch: 0, last_seq: 2 }, epochs: 1 });
  });
});
