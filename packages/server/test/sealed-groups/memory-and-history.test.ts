/** What a running server keeps of groups: heads while they are in use, trees only for commits, and trees of old epochs for a month. */
import { base64url } from '@conclave/testkit';
import type { TestMember } from '@conclave/testkit';
import { encodeMerklePath } from '@conclave/sealed-group';
import { expect, it } from 'vitest';
import { startSealedWorld } from './sealed-world.ts';
import type { SealedWorld } from './sealed-world.ts';

const dayMs = 24 * 60 * 60 * 1000;

async function cached({ running }: SealedWorld): Promise<{ heads: number; trees: number }> {
  const text = await running.server.metrics.exposition();
  const read = (name: string): number => Number(new RegExp(`^conclave_${name} (\\d+)$`, 'm').exec(text)?.[1]);
  return { heads: read('sealed_groups_cached'), trees: read('sealed_trees_cached') };
}

/** Makes all epochs older instead of the clock later: every second of a month is too much even for a clock of tests. */
async function age({ running, clock }: SealedWorld, byMs: number): Promise<void> {
  await running.server.store.write(async (trx) => {
    await trx
      .updateTable('sealed_epochs')
      .set((eb) => ({ made_at_ms: eb('made_at_ms', '-', byMs) }))
      .execute();
    await trx
      .updateTable('sealed_groups')
      .set((eb) => ({ oldest_superseded_at_ms: eb('oldest_superseded_at_ms', '-', byMs) }))
      .execute();
  });
  await clock.advance(60_000);
}

it('keeps a tree for commits alone, and nothing of a group that rests', async () => {
  await using world = await startSealedWorld();
  const alice = await world.createGroup();
  const bob = await alice.welcome('bob');
  expect(await cached(world)).toEqual({ heads: 1, trees: 1 });
  await world.clock.advance(11 * 60_000);
  expect(await cached(world)).toEqual({ heads: 0, trees: 0 });

  for (const member of [alice, bob]) {
    member.forgetReadToken();
    await member.sync();
    expect((await member.say('no tree is needed')).status).toBe(200);
    for (const path of ['/tree', '/tree?epoch=1', '/tree/path?leaf=1', '/leaves']) {
      expect((await member.ask('GET', path)).status).toBe(200);
    }
  }
  expect(await cached(world)).toEqual({ heads: 1, trees: 0 });
  expect((await alice.commit([])).status).toBe(200);
  expect(await cached(world)).toEqual({ heads: 1, trees: 1 });
});

it('reads one leaf of a group that says who writes', async () => {
  await using world = await startSealedWorld();
  const mode = { leafProof: true, minWriter: 'member', ownDevices: false } as const;
  const alice = await world.createGroup('alice', mode);
  const bob = await alice.welcome('bob');
  await world.clock.advance(11 * 60_000);
  await bob.sync();
  expect((await bob.say('I am leaf 1')).status).toBe(200);
  expect(await cached(world)).toEqual({ heads: 1, trees: 0 });
});

it('shows trees and paths of epochs for a month after they were superseded, then says that they are gone', async () => {
  await using world = await startSealedWorld();
  const alice = await world.createGroup();
  const bob = await alice.welcome('bob');
  const epoch = alice.group.epoch;
  const read = async (member: TestMember, path: string): Promise<string> => {
    member.forgetReadToken();
    const answer = await member.ask('GET', path);
    expect(answer.status).toBe(200);
    return base64url(answer.octets);
  };
  const tree = await read(alice, `/tree?epoch=${epoch}`);
  const path = await read(bob, `/tree/path?leaf=1&epoch=${epoch}`);
  expect(path).toBe(await read(bob, '/tree/path?leaf=1'));
  await alice.sync();
  expect(path).toBe(base64url(encodeMerklePath(alice.group.tree, bob.group.me.leaf)!));

  expect((await alice.commit([])).status).toBe(200);
  await age(world, 30 * dayMs);
  expect(await read(alice, `/tree?epoch=${epoch}`)).toBe(tree);
  await age(world, 20 * 60_000);
  await expect
    .poll(async () => {
      alice.forgetReadToken();
      return (await alice.ask('GET', `/tree?epoch=${epoch}`)).status;
    })
    .toBe(410);
  for (const gone of [`/tree?epoch=${epoch}`, '/tree?epoch=0', `/tree/path?leaf=1&epoch=${epoch}`]) {
    await world.refused(() => alice.ask('GET', gone), 410, 'CONCLAVE_HISTORY_GONE');
  }
  // The log is whole, and the group goes on.
  const { frames } = await alice.readLog(0, 500);
  expect(frames.map(({ seq }) => seq)).toEqual(frames.map((_, index) => index + 1));
  await bob.sync();
  expect((await bob.say('still here')).status).toBe(200);
});
