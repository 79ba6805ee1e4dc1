import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { foundGroup, gatherPeople, textOf, untilHistory, type People } from './test-people.ts';

describe('a conversation against a real server', () => {
  let people: People;
  beforeEach(async () => {
    people = await gatherPeople();
  });
  afterEach(() => people[Symbol.asyncDispose]());

  test('two people talk, in real time, in one order, with names', async () => {
    const [ada, bob] = [await people.open('Ada'), await people.open('Bob')];
    const group = await ada.createGroup({ name: 'Tea', accessToken: await people.accessToken('Ada') });
    const joined = group.next('joined');
    const { link, expiresAtMs } = await group.invite();
    expect(expiresAtMs).toBeGreaterThan(0);
    const bobs = await bob.join(link);
    expect((await joined).member.name).toBe('Bob');
    expect(bobs.name).toBe('Tea');
    const sent = await group.send('hello Bob');
    await untilHistory(bobs, ['hello Bob']);
    const reply = bobs.next('message', { when: ({ mine }) => mine });
    await bobs.send('hello Ada');
    expect(textOf(await reply)).toBe('hello Ada');
    await untilHistory(group, ['hello Bob', 'hello Ada']);
    for (const side of [group, bobs]) {
      const history = await side.history();
      expect(history.map(textOf)).toEqual(['hello Bob', 'hello Ada']);
      expect(history.map(({ sender }) => sender.name)).toEqual(['Ada', 'Bob']);
      expect(history.map(({ mine }) => mine)).toEqual(side === group ? [true, false] : [false, true]);
      expect(history[0]!.id).toBe(sent.id);
    }
    expect(group.fingerprint()).toBe(bobs.fingerprint());
    const list = group.members();
    expect(list.members.map(({ name, role, isMe }) => [name, role, isMe])).toEqual([
      ['Ada', 'owner', true],
      ['Bob', 'member', false],
    ]);
    expect(list.pending).toEqual([]);
  });

  test('a removed member is told, reads nothing more, and the others go on', async () => {
    const clients = [await people.open('Ada'), await people.open('Bob'), await people.open('Eve')];
    const [adas, bobs, eves] = await foundGroup(people, clients[0]!, 'Ada', clients.slice(1));
    await adas!.send('before');
    await untilHistory(eves!, ['before']);
    const removed = eves!.next('removed');
    await adas!.remove(clients[2]!.id);
    expect(await removed).toEqual({ verified: true });
    await adas!.send('after');
    await untilHistory(bobs!, ['before', 'after']);
    expect((await bobs!.history()).map(textOf)).toEqual(['before', 'after']);
    expect((await eves!.history()).map(textOf)).toEqual(['before']);
    expect(eves!.status).toBe('removed');
    await expect(eves!.send('still here?')).rejects.toMatchObject({ code: 'REMOVED' });
    await expect(eves!.sync()).rejects.toMatchObject({ code: 'REMOVED' });
    expect(bobs!.members().members.map(({ name }) => name)).toEqual(['Ada', 'Bob']);
  });

  test('who was offline returns and has everything once', async () => {
    const clients = [await people.open('Ada'), await people.open('Bob')];
    const [adas] = await foundGroup(people, clients[0]!, 'Ada', clients.slice(1));
    const id = adas!.id;
    await clients[1]!.close();
    const texts = ['one', 'two', 'three'];
    for (const text of texts) await adas!.send(text);
    await adas!.refresh();
    await adas!.send('four');
    const bob = await people.open('Bob');
    const bobs = bob.group(id)!;
    await untilHistory(bobs, [...texts, 'four']);
    expect((await bobs.history()).map(textOf)).toEqual([...texts, 'four']);
  });
});
