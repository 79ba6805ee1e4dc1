import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { GroupHandle } from '../src/index.ts';
import { foundGroup, gatherPeople, textOf, until, untilHistory, type People } from './test-people.ts';

describe('membership and roles against a real server', () => {
  let people: People;
  beforeEach(async () => {
    people = await gatherPeople();
  });
  afterEach(() => people[Symbol.asyncDispose]());

  test('broadcast: members read, only admins write, in leaf-proof mode', async () => {
    const clients = [await people.open('Ada'), await people.open('Bob')];
    const [adas, bobs] = await foundGroup(people, clients[0]!, 'Ada', clients.slice(1));
    await adas!.setBroadcast(true);
    expect(adas!.mode).toMatchObject({ minWriter: 'admin', leafProof: true });
    await adas!.send('news');
    await untilHistory(bobs!, ['news']);
    await expect(bobs!.send('me too')).rejects.toMatchObject({
      code: expect.stringMatching(/NOT_ALLOWED|CONCLAVE_/),
    });
    await adas!.setRole(clients[1]!.id, 'admin');
    await until(bobs!, 'members', () => bobs!.role === 'admin');
    await bobs!.send('now me too');
    await untilHistory(adas!, ['news', 'now me too']);
    await adas!.setBroadcast(false);
    expect(adas!.mode.minWriter).toBe('member');
    expect((await adas!.history()).map(textOf)).toEqual(['news', 'now me too']);
  });

  test('a member may not remove, rename or give roles, and is told so', async () => {
    const clients = [await people.open('Ada'), await people.open('Bob')];
    const [, bobs] = await foundGroup(people, clients[0]!, 'Ada', clients.slice(1));
    const notAllowed = { code: 'NOT_ALLOWED' };
    await expect(bobs!.remove(clients[0]!.id)).rejects.toMatchObject(notAllowed);
    await expect(bobs!.rename('Mine')).rejects.toMatchObject(notAllowed);
    await expect(bobs!.setRole(clients[1]!.id, 'owner')).rejects.toMatchObject(notAllowed);
    await expect(bobs!.invite()).rejects.toMatchObject(notAllowed);
    await expect(bobs!.remove('nobody')).rejects.toMatchObject({ code: 'NOT_A_MEMBER' });
    await bobs!.send('still fine');
  });

  test('a reader reads and cannot write; inviting one switches leaf proofs on', async () => {
    const ada = await people.open('Ada');
    const [adas] = await foundGroup(people, ada, 'Ada', []);
    const rita = await people.open('Rita');
    const ritas = await rita.join((await adas!.invite({ role: 'reader' })).link);
    expect(adas!.mode.leafProof).toBe(true);
    await adas!.sync();
    await adas!.send('for readers');
    await untilHistory(ritas, ['for readers']);
    await expect(ritas.send('no')).rejects.toMatchObject({
      code: expect.stringMatching(/NOT_ALLOWED|CONCLAVE_/),
    });
  });

  test('who leaves is removed by whoever is online; the only owner hands over first', async () => {
    const clients = [await people.open('Ada'), await people.open('Bob'), await people.open('Cem')];
    const [adas, bobs, cems] = await foundGroup(people, clients[0]!, 'Ada', clients.slice(1));
    await expect(adas!.leave()).rejects.toMatchObject({ code: 'NOT_ALLOWED' });
    await hearsLive(bobs!, adas!, 'Bob follows');
    const bobOut = bobs!.next('removed');
    await bobs!.leave();
    expect(await bobOut).toEqual({ verified: true });
    await until(cems!, 'members', () => cems!.members().members.length === 2);
    await adas!.handOver(clients[2]!.id);
    await until(cems!, 'members', () => cems!.role === 'owner');
    expect(adas!.role).toBe('admin');
    await hearsLive(adas!, cems!, 'Ada follows');
    const adaOut = adas!.next('removed');
    await adas!.leave();
    expect(await adaOut).toEqual({ verified: true });
    await until(cems!, 'members', () => cems!.members().members.length === 1);
    await cems!.send('alone now');
  });

  test('removing an inviter takes its unused invites along and offers those who came through it', async () => {
    const clients = [await people.open('Ada'), await people.open('Bob'), await people.open('Cem')];
    const [adas, bobs] = await foundGroup(people, clients[0]!, 'Ada', [clients[1]!]);
    await adas!.setRole(clients[1]!.id, 'admin');
    await until(bobs!, 'members', () => bobs!.role === 'admin');
    await clients[2]!.join((await bobs!.invite()).link);
    const unused = await bobs!.invite();
    const { descendants } = await adas!.remove(clients[1]!.id);
    expect(descendants.map(({ name }) => name)).toEqual(['Cem']);
    expect(adas!.members().pending).toEqual([]);
    const dan = await people.open('Dan');
    await expect(dan.join(unused.link)).rejects.toMatchObject({ code: 'INVITE_REVOKED' });
  });

  test('who was removed, online or away, can be invited again and keeps the history', async () => {
    const clients = [await people.open('Ada'), await people.open('Bob'), await people.open('Cem')];
    const [adas, bobs] = await foundGroup(people, clients[0]!, 'Ada', clients.slice(1));
    await adas!.send('first life');
    await untilHistory(bobs!, ['first life']);
    await clients[2]!.close();
    const out = bobs!.next('removed');
    await adas!.remove(clients[1]!.id);
    await adas!.remove(clients[2]!.id);
    await out;
    const again = await clients[1]!.join((await adas!.invite()).link);
    const cem = await people.open('Cem');
    const cems = await cem.join((await adas!.invite()).link);
    await Promise.all([adas!.sync(), again.sync()]);
    await adas!.send('second life');
    await untilHistory(cems, ['second life']);
    await untilHistory(again, ['first life', 'second life']);
    expect((await again.history()).map(textOf)).toEqual(['first life', 'second life']);
    expect((await cem.groups()).map(({ status }) => status)).toEqual(['joined']);
  });
});

/** Only who follows the group's channel sees the commit that removes it: here `listener` is seen to follow it. */
async function hearsLive(listener: GroupHandle, speaker: GroupHandle, text: string): Promise<void> {
  const heard = listener.next('message', { when: (message) => textOf(message) === text });
  await speaker.send(text);
  await heard;
}
