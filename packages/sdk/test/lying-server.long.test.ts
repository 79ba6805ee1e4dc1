/** A server that lies about its log, and what clients say of it: the anchor, the feed, and what members tell each other. */
import { cp, rm } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { GroupHandle } from '../src/index.ts';
import { accusationsOf, gatherLiedToPeople, type LiedToPeople } from './lying-people.ts';
import { foundGroup, gatherPeople, textOf, until, untilHistory } from './test-people.ts';
import { startTestServer, type TestServer } from './test-server.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server[Symbol.asyncDispose]());

const textsOf = async (group: GroupHandle): Promise<string[]> =>
  (await group.history()).filter(({ state }) => state === 'sent').map(textOf);

/** Ada and Bob talk through the liar; both have everything. */
async function adaAndBob(world: LiedToPeople, ...texts: string[]): Promise<[GroupHandle, GroupHandle]> {
  const [ada, bob] = [await world.open('Ada'), await world.open('Bob')];
  const [adas, bobs] = await foundGroup(world.people, ada, 'Ada', [bob]);
  for (const text of texts) await adas!.send(text);
  await untilHistory(bobs!, texts);
  await Promise.all([adas!.sync(), bobs!.sync()]);
  return [adas!, bobs!];
}

const lastSeqOf = async (group: GroupHandle): Promise<number> => (await group.history()).at(-1)!.seq!;

it('a proxy without lies is transparent: people talk through it, live, and nobody is accused', async () => {
  await using world = await gatherLiedToPeople(server);
  const [adas, bobs] = await adaAndBob(world);
  const accusations = [accusationsOf(adas), accusationsOf(bobs)];
  const live = bobs.next('message');
  await adas.send('hello');
  expect(textOf(await live)).toBe('hello');
  await bobs.send('hello yourself');
  await untilHistory(adas, ['hello', 'hello yourself']);
  await Promise.all([adas.sync(), bobs.sync()]);
  expect(world.lying.truth(adas.id)).toHaveLength(5);
  expect(accusations.flat()).toEqual([]);
});

describe('the anchor', () => {
  it('notices a log that was rolled back, keeps everything, and goes on when the log is back', async () => {
    await using world = await gatherLiedToPeople(server);
    const [, bobs] = await adaAndBob(world, 'one', 'two', 'three');
    const last = await lastSeqOf(bobs);
    const accusations = accusationsOf(bobs);
    const told = bobs.next('warning');
    const takeBack = world.lying.rollBack(last - 2);
    world.lying.cutFeed({ to: ['Bob'] });
    expect(await told).toEqual({
      kind: 'server-misbehaviour',
      evidence: 'rolled-back',
      seq: last - 1,
      by: undefined,
    });
    await expect(bobs.sync()).rejects.toMatchObject({
      code: 'HISTORY_CHANGED',
      details: { evidence: 'rolled-back', seq: last - 1 },
    });
    await expect(bobs.refresh()).rejects.toMatchObject({ code: 'HISTORY_CHANGED' });
    expect(await textsOf(bobs)).toEqual(['one', 'two', 'three']);
    // Said once, however often it is seen.
    expect(accusations).toHaveLength(1);

    const waiting = bobs.send('four');
    await bobs.next('outgoing', { when: ({ state }) => state === 'pending' });
    takeBack();
    await bobs.sync();
    expect(textOf(await waiting)).toBe('four');
    expect(accusations).toHaveLength(1);
  });

  it('notices a log that was rolled back by the number that an own message is given', async () => {
    await using world = await gatherLiedToPeople(server);
    const [, bobs] = await adaAndBob(world, 'one', 'two', 'three');
    const last = await lastSeqOf(bobs);
    const told = bobs.next('warning');
    world.lying.muteFeed();
    world.lying.rollBack(last - 2);
    // The connection stands, and nothing asks for the log but this.
    await bobs.send('four');
    expect(await told).toMatchObject({ evidence: 'rolled-back', seq: last - 1 });
  });

  it('notices another frame in the place of the last one, at the next start too', async () => {
    await using world = await gatherLiedToPeople(server);
    const [adas, bobs] = await adaAndBob(world, 'one', 'two');
    const last = await lastSeqOf(bobs);
    const one = world.lying.truth(adas.id)[last - 2]!.octets!;
    await world.close('Bob');
    world.lying.replace(last, one, { to: ['Bob'] });
    const bob = await world.open('Bob');
    const again = bob.group(bobs.id)!;
    await expect(again.sync()).rejects.toMatchObject({
      code: 'HISTORY_CHANGED',
      details: { evidence: 'rewritten', seq: last },
    });
    expect(await textsOf(again)).toEqual(['one', 'two']);
  });

  it('notices a changed trailer under the same body', async () => {
    await using world = await gatherLiedToPeople(server);
    const [adas, bobs] = await adaAndBob(world, 'one');
    const last = await lastSeqOf(bobs);
    const octets = Uint8Array.from(world.lying.truth(adas.id)[last - 1]!.octets!);
    // The proof at its end is for the server only: no client looks at it.
    octets[octets.length - 1]! ^= 1;
    world.lying.replace(last, octets);
    world.lying.cutFeed();
    await until(bobs, 'connection', () =>
      bobs.sync().then(
        () => false,
        () => true,
      ),
    );
    await expect(bobs.sync()).rejects.toMatchObject({ details: { evidence: 'rewritten', seq: last } });
  });

  it('notices a hole in the log', async () => {
    await using world = await gatherLiedToPeople(server);
    const [adas, bobs] = await adaAndBob(world, 'one');
    const last = await lastSeqOf(bobs);
    world.lying.withhold([last + 1], { to: ['Bob'], leaveHole: true });
    await adas.send('two');
    await adas.send('three');
    await expect(bobs.sync()).rejects.toMatchObject({
      code: 'HISTORY_CHANGED',
      details: { evidence: 'withheld', seq: last + 1 },
    });
  });

  it('takes a server that was restored from an old backup for what it may be', async () => {
    await using people = await gatherPeople({}, { mayAccuse: true });
    const [ada, bob] = [await people.open('Ada'), await people.open('Bob')];
    const [adas, bobs] = await foundGroup(people, ada, 'Ada', [bob]);
    await adas!.send('before');
    await untilHistory(bobs!, ['before']);
    await people.server.stop();
    await cp(people.server.dataDirectory, `${people.server.dataDirectory}.backup`, { recursive: true });
    await people.server.start();
    await adas!.send('after');
    await untilHistory(bobs!, ['before', 'after']);
    await people.server.stop();
    await rm(people.server.dataDirectory, { recursive: true });
    await cp(`${people.server.dataDirectory}.backup`, people.server.dataDirectory, { recursive: true });
    await rm(`${people.server.dataDirectory}.backup`, { recursive: true });
    const told = bobs!.next('warning', { when: ({ kind }) => kind === 'server-misbehaviour' });
    await people.server.start();
    expect(await told).toMatchObject({ evidence: 'rolled-back', seq: await lastSeqOf(bobs!) });
    await expect(bobs!.sync()).rejects.toThrow('restored from an old backup');
    expect(await textsOf(bobs!)).toEqual(['before', 'after']);
  });
});

describe('the live feed', () => {
  it('what it brought is compared with the log: a frame in another place is noticed', async () => {
    await using world = await gatherLiedToPeople(server);
    const [adas, bobs] = await adaAndBob(world, 'one');
    const last = await lastSeqOf(bobs);
    world.lying.muteFeed({ to: ['Bob'] });
    await adas.send('two');
    await adas.send('three');
    const three = world.lying.truth(adas.id)[last + 1]!.octets!;
    const heard = bobs.next('message');
    const told = bobs.next('warning', {
      when: (warning) => warning.kind === 'server-misbehaviour' && warning.by === undefined,
    });
    world.lying.forgeFeed({ seq: last + 1, octets: three }, { to: ['Bob'] });
    expect(textOf(await heard)).toBe('three');
    // Without being asked: housekeeping compares.
    expect(await told).toMatchObject({ evidence: 'rewritten', seq: last + 1 });
    await expect(bobs.sync()).rejects.toMatchObject({ code: 'HISTORY_CHANGED' });
  });

  it('cannot push a client past a frame with what nobody vouches for', async () => {
    await using world = await gatherLiedToPeople(server);
    const [adas, bobs] = await adaAndBob(world, 'one');
    const accusations = accusationsOf(bobs);
    const last = await lastSeqOf(bobs);
    const truth = world.lying.truth(adas.id);
    const noise = Uint8Array.from(truth[last - 1]!.octets!);
    noise[noise.length - 100]! ^= 1;
    const forgeries = [truth[last - 1]!.octets!, truth[1]!.octets!, noise, Uint8Array.of(1, 2, 3)];
    for (const octets of forgeries) world.lying.forgeFeed({ seq: last + 1, octets }, { to: ['Bob'] });
    await bobs.sync();
    expect(await lastSeqOf(bobs)).toBe(last);
    await adas.send('two');
    await untilHistory(bobs, ['one', 'two']);
    await bobs.sync();
    expect(accusations).toEqual([]);
  });
});

describe('what members tell each other', () => {
  it('withheld: a message whose author had seen what this device was not shown', async () => {
    await using world = await gatherLiedToPeople(server);
    const [adas, bobs] = await adaAndBob(world, 'one');
    const accusations = accusationsOf(bobs);
    const last = await lastSeqOf(bobs);
    world.lying.withhold([last + 1], { to: ['Bob'] });
    await adas.send('two');
    await adas.sync();
    await adas.send('three');
    await untilHistory(bobs, ['one', 'three']);
    const ada = bobs.members().members.find(({ name }) => name === 'Ada')!;
    expect(accusations).toEqual([
      { kind: 'server-misbehaviour', evidence: 'withheld', seq: last + 1, by: ada.id },
    ]);
    // It goes on: nothing shown is false.
    await adas.sync();
    await adas.send('four');
    await untilHistory(bobs, ['one', 'three', 'four']);
    expect(accusations).toHaveLength(1);
  });

  it('withheld, noticed after a restart of the device that was lied to', async () => {
    await using world = await gatherLiedToPeople(server);
    const [adas, bobs] = await adaAndBob(world, 'one');
    const last = await lastSeqOf(bobs);
    await world.close('Bob');
    world.lying.withhold([last + 1], { to: ['Bob'] });
    await adas.send('two');
    await adas.sync();
    await adas.send('three');
    const again = (await world.open('Bob')).group(bobs.id)!;
    const accusations = accusationsOf(again);
    await untilHistory(again, ['one', 'three']);
    expect(accusations).toMatchObject([{ evidence: 'withheld', seq: last + 1 }]);
  });

  it('reordered: an answer shown before what it answers', async () => {
    await using world = await gatherLiedToPeople(server);
    const [adas, bobs] = await adaAndBob(world, 'one');
    const accusations = accusationsOf(bobs);
    const last = await lastSeqOf(bobs);
    world.lying.swap(last + 1, last + 2, { to: ['Bob'] });
    await adas.send('question');
    await adas.sync();
    await adas.send('answer');
    await untilHistory(bobs, ['one', 'answer', 'question']);
    const said = accusations.map(({ evidence, seq }) => `${evidence} ${seq}`);
    // Whether both came at once decides whether the gap was seen before it was filled.
    expect(said.at(-1)).toBe(`reordered ${last + 1}`);
    expect(new Set(said.slice(0, -1))).toEqual(new Set(said.length === 1 ? [] : [`withheld ${last + 1}`]));
  });

  it('forked: two halves of a group notice when a message crosses', async () => {
    await using world = await gatherLiedToPeople(server);
    const clients = [await world.open('Ada'), await world.open('Bob')];
    const [adas, bobs] = await foundGroup(world.people, clients[0]!, 'Ada', clients.slice(1));
    await adas!.send('one');
    await untilHistory(bobs!, ['one']);
    const last = await lastSeqOf(bobs!);
    const accusations = [accusationsOf(adas!), accusationsOf(bobs!)];
    const unite = world.lying.fork(last, [['Ada'], ['Bob']]);
    await Promise.all([adas!.send('only Ada'), bobs!.send('only Bob')]);
    await Promise.all([adas!.sync(), bobs!.sync()]);
    expect(await textsOf(adas!)).toEqual(['one', 'only Ada']);
    expect(await textsOf(bobs!)).toEqual(['one', 'only Bob']);
    expect(accusations.flat()).toEqual([]);
    // The halves stay apart; what comes from now on crosses.
    unite();
    const frames = world.lying.truth(adas!.id).slice(last);
    for (const { seq, postedBy } of frames)
      world.lying.withhold([seq], { to: [postedBy === 'Ada' ? 'Bob' : 'Ada'] });
    await adas!.send('crossing');
    await untilHistory(bobs!, ['one', 'only Bob', 'crossing']);
    expect(accusations[1]).toMatchObject([{ evidence: 'withheld', seq: last + 2 }]);
  });
});
