/**
 * A server that lies about commits: it shows a device the group as it was before somebody was removed, or another future. What
 * comes after cannot be read, and the device must know why: the log holds what an honest server would have refused, or
 * lacks what the server itself speaks of.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { GroupHandle } from '../src/index.ts';
import { accusationsOf, gatherLiedToPeople, type LiedToPeople } from './lying-people.ts';
import { foundGroup, textOf, untilHistory, type Accusation } from './test-people.ts';
import { startTestServer, type TestServer } from './test-server.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server[Symbol.asyncDispose]());

const textsOf = async (group: GroupHandle): Promise<string[]> =>
  (await group.history()).filter(({ state }) => state === 'sent').map(textOf);

interface Scene {
  readonly world: LiedToPeople;
  readonly adas: GroupHandle;
  readonly bobs: GroupHandle;
  /** Of the newest frame. */
  readonly last: number;
  /** Of Bob’s client. */
  readonly accusations: Accusation[];
}

/** Ada, Bob and Cem talk through the liar, and all have everything. */
async function openScene(world: LiedToPeople): Promise<Scene> {
  const clients = [await world.open('Ada'), await world.open('Bob'), await world.open('Cem')];
  const groups = await foundGroup(world.people, clients[0]!, 'Ada', clients.slice(1));
  const [adas, bobs, cems] = groups as [GroupHandle, GroupHandle, GroupHandle];
  await adas.send('one');
  for (const group of [bobs, cems]) await untilHistory(group, ['one']);
  await Promise.all(groups.map((group) => group.sync()));
  const last = world.lying.truth(adas.id).length;
  return { world, adas, bobs, last, accusations: accusationsOf(bobs) };
}

const namesIn = (group: GroupHandle): string[] => group.members().members.map(({ name }) => name);

const cemOf = (group: GroupHandle): string => group.members().members.find(({ name }) => name === 'Cem')!.id;

function withheldFrom(seq: number): Accusation {
  return { kind: 'server-misbehaviour', evidence: 'withheld', seq, by: undefined };
}

async function untilAccused(accusations: readonly Accusation[]): Promise<void> {
  await expect.poll(() => accusations.length, { timeout: 10_000 }).toBeGreaterThan(0);
}

describe('a commit that is withheld', () => {
  it.each([
    ['that re-keys', (adas: GroupHandle) => adas.refresh()],
    ['that removes a member', (adas: GroupHandle) => adas.remove(cemOf(adas))],
  ])('%s: shows by the first message after it; nothing is lost when it is shown', async (_what, commit) => {
    await using world = await gatherLiedToPeople(server);
    const { adas, bobs, last, accusations } = await openScene(world);
    const takeBack = world.lying.withhold([last + 1], { to: ['Bob'] });
    await commit(adas);
    await adas.send('two');
    await untilAccused(accusations);
    await expect(bobs.sync()).rejects.toMatchObject({
      code: 'OUT_OF_SYNC',
      details: { rule: 'commit/epoch' },
    });
    // Whoever was removed must not hear what Bob would say now.
    const waiting = bobs.send('three');
    await bobs.next('outgoing', { when: ({ state }) => state === 'pending' });
    await expect(bobs.sync()).rejects.toMatchObject({ code: 'OUT_OF_SYNC' });
    expect(world.lying.truth(adas.id)).toHaveLength(last + 2);
    // Said once, however often it is seen.
    expect(accusations).toEqual([withheldFrom(last + 1)]);
    takeBack();
    await bobs.sync();
    expect(textOf(await waiting)).toBe('three');
    await untilHistory(bobs, ['one', 'two', 'three']);
    expect(await textsOf(bobs)).toEqual(['one', 'two', 'three']);
    expect(namesIn(bobs)).toEqual(namesIn(adas));
    expect(accusations).toHaveLength(1);
  });

  it.each([
    // The epoch before is still known to the server: it answers with the epoch that it has.
    ['that re-keys, twice', (adas: GroupHandle) => adas.refresh().then(() => adas.refresh())],
    // It is not any more: who writes in it is nobody.
    ['that removes a member', (adas: GroupHandle) => adas.remove(cemOf(adas))],
  ])('%s, with all that follows: shows by what the server says of an own message', async (_what, commit) => {
    await using world = await gatherLiedToPeople(server);
    const { adas, bobs, last, accusations } = await openScene(world);
    const takeBack = world.lying.rollBack(last, { to: ['Bob'] });
    await commit(adas);
    const waiting = bobs.send('two');
    await untilAccused(accusations);
    expect(accusations).toEqual([withheldFrom(last + 1)]);
    await expect(bobs.sync()).rejects.toMatchObject({ code: 'HISTORY_CHANGED' });
    takeBack();
    await bobs.sync();
    expect(textOf(await waiting)).toBe('two');
    expect(accusations).toHaveLength(1);
  });

  it('shows by what the server says of an own commit', async () => {
    await using world = await gatherLiedToPeople(server);
    const { adas, bobs, last, accusations } = await openScene(world);
    world.lying.rollBack(last, { to: ['Bob'] });
    await adas.remove(cemOf(adas));
    await expect(bobs.refresh()).rejects.toMatchObject({ code: 'HISTORY_CHANGED' });
    expect(accusations).toEqual([withheldFrom(last + 1)]);
  });

  it('shows by an own message that the server accepted and does not show', async () => {
    await using world = await gatherLiedToPeople(server);
    const { bobs, last, accusations } = await openScene(world);
    world.lying.muteFeed();
    world.lying.withhold([last + 1], { to: ['Bob'], leaveHole: true });
    world.lying.rollBack(last, { to: ['Cem'] });
    bobs.send('two').catch(() => undefined);
    await untilAccused(accusations);
    expect(accusations).toMatchObject([{ evidence: 'withheld', seq: last + 1, by: undefined }]);
  });

  it('shows after a restart of the device, whose state is on disk', async () => {
    await using world = await gatherLiedToPeople(server);
    const { adas, bobs, last } = await openScene(world);
    await world.close('Bob');
    world.lying.withhold([last + 1], { to: ['Bob'] });
    await adas.remove(cemOf(adas));
    await adas.send('two');
    const again = (await world.open('Bob')).group(bobs.id)!;
    const accusations = accusationsOf(again);
    await untilAccused(accusations);
    expect(accusations).toEqual([withheldFrom(last + 1)]);
  });
});

describe('a log that goes back to before a commit', () => {
  it.each(['while it is connected', 'while it is closed'])('is noticed by a device, %s', async (when) => {
    await using world = await gatherLiedToPeople(server);
    const { adas, bobs, last } = await openScene(world);
    await adas.remove(cemOf(adas));
    await bobs.sync();
    if (when === 'while it is closed') await world.close('Bob');
    world.lying.rollBack(last, { to: ['Bob'] });
    const group = when === 'while it is closed' ? (await world.open('Bob')).group(bobs.id)! : bobs;
    const accusations = accusationsOf(group);
    world.lying.cutFeed({ to: ['Bob'] });
    await untilAccused(accusations);
    expect(accusations).toMatchObject([{ evidence: 'rolled-back', seq: last + 1, by: undefined }]);
    await expect(group.sync()).rejects.toMatchObject({ code: 'HISTORY_CHANGED' });
  });
});

describe('a frame that has no place in the log', () => {
  it('of the epoch before last', async () => {
    await using world = await gatherLiedToPeople(server);
    const { adas, bobs, last, accusations } = await openScene(world);
    const old = world.lying.truth(adas.id)[last - 1]!.octets!;
    await adas.remove(cemOf(adas));
    await bobs.sync();
    world.lying.replace(last + 2, old, { to: ['Bob'] });
    await adas.send('two');
    await untilAccused(accusations);
    expect(accusations).toEqual([withheldFrom(last + 2)]);
  });

  it('that is no frame', async () => {
    await using world = await gatherLiedToPeople(server);
    const { adas, last, accusations } = await openScene(world);
    world.lying.replace(last + 1, Uint8Array.of(1, 2, 3), { to: ['Bob'] });
    await adas.send('two');
    await untilAccused(accusations);
    expect(accusations).toEqual([withheldFrom(last + 1)]);
  });
});
