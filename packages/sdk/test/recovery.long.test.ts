import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createSystemClock, type Clock } from '../src/index.ts';
import { foundGroup, gatherPeople, textOf, untilHistory, type People } from './test-people.ts';

describe('reconnection and recovery against a real server', () => {
  let people: People;
  beforeEach(async () => {
    people = await gatherPeople();
  });
  afterEach(() => people[Symbol.asyncDispose]());

  test('after a restart of the server everybody is back in real time, with nothing lost or doubled', async () => {
    const clients = [await people.open('Ada'), await people.open('Bob')];
    const [adas, bobs] = await foundGroup(people, clients[0]!, 'Ada', clients.slice(1));
    await adas!.send('before');
    await untilHistory(bobs!, ['before']);
    const offline = bobs!.next('connection', { when: ({ state }) => state === 'offline' });
    await people.server.stop();
    await offline;
    // Written while nobody listens: it waits on disk and goes out when the server is back.
    const during = adas!.send('during');
    expect((await adas!.history()).map(({ state }) => state)).toEqual(['sent', 'pending']);
    const online = bobs!.next('connection', { when: ({ state }) => state === 'online' });
    await people.server.start();
    expect(textOf(await during)).toBe('during');
    await online;
    await adas!.send('after');
    await untilHistory(bobs!, ['before', 'during', 'after']);
    expect((await bobs!.history()).map(textOf)).toEqual(['before', 'during', 'after']);
    expect((await adas!.history()).map(textOf)).toEqual(['before', 'during', 'after']);
  });

  test('a removal revokes everybody’s tokens, and those who stay notice nothing', async () => {
    const clients = [await people.open('Ada'), await people.open('Bob'), await people.open('Cem')];
    const [adas, bobs] = await foundGroup(people, clients[0]!, 'Ada', clients.slice(1));
    await bobs!.sync();
    await adas!.remove(clients[2]!.id);
    await bobs!.sync();
    const live = bobs!.next('message');
    await adas!.send('fresh channel');
    expect(textOf(await live)).toBe('fresh channel');
    await bobs!.send('and back');
    await untilHistory(adas!, ['fresh channel', 'and back']);
  });

  test('cancelling gives up waiting; the message is sent all the same', async () => {
    const clients = [await people.open('Ada'), await people.open('Bob')];
    const [adas, bobs] = await foundGroup(people, clients[0]!, 'Ada', clients.slice(1));
    await people.server.stop();
    const controller = new AbortController();
    const waiting = adas!.send('patience', { signal: controller.signal });
    await adas!.next('outgoing', { when: ({ state }) => state === 'pending' });
    controller.abort();
    await expect(waiting).rejects.toMatchObject({ code: 'ABORTED' });
    await people.server.start();
    await untilHistory(bobs!, ['patience']);
    await expect(adas!.refresh({ signal: controller.signal })).rejects.toMatchObject({ code: 'ABORTED' });
  });

  test('requests to groups carry no credentials beside the read token, and posts none at all', async () => {
    const seen: { method: string; url: string; headers: Headers; credentials: string }[] = [];
    const watched: typeof fetch = (input, init) => {
      seen.push({
        method: init?.method ?? 'GET',
        url: input instanceof Request ? input.url : input.toString(),
        headers: new Headers(init?.headers),
        credentials: init?.credentials ?? '',
      });
      return fetch(input, init);
    };
    const ada = await people.open('Ada', { fetch: watched });
    const bob = await people.open('Bob', { fetch: watched });
    const accessToken = await people.accessToken('Ada');
    const [adas, bobs] = await foundGroup(people, ada, 'Ada', [bob]);
    await adas!.send('hello');
    await untilHistory(bobs!, ['hello']);
    const withAccount = seen.filter(({ headers }) => headers.get('authorization')?.includes(accessToken));
    expect(withAccount.map(({ method, url }) => [method, new URL(url).pathname])).toEqual([
      ['POST', '/_conclave/sealed/v1/groups'],
    ]);
    const posts = seen.filter(({ method, url }) => method === 'POST' && url.endsWith('/frames'));
    expect(posts.length).toBeGreaterThan(2);
    for (const { headers } of posts) expect(headers.get('authorization')).toBeNull();
    for (const { credentials } of seen) expect(credentials).toBe('omit');
  });

  test('the store holds no text and no name in the clear', async () => {
    const clients = [await people.open('Adalbertine'), await people.open('Bob')];
    const [adas] = await foundGroup(people, clients[0]!, 'Adalbertine', clients.slice(1));
    await adas!.send('the treasure lies under the oak');
    const raw = await people.rawStore('Bob');
    expect(raw).toContain('SQLite format 3');
    for (const text of ['Adalbertine', 'treasure', 'Friends']) expect(raw).not.toContain(text);
  });

  test('a device whose clock is an hour wrong joins and talks all the same', async () => {
    const wrongBy = (offsetMs: number): Clock => {
      const clock = createSystemClock();
      return {
        nowMs: () => clock.nowMs() + offsetMs,
        schedule: (delayMs, task) => clock.schedule(delayMs, task),
      };
    };
    const ada = await people.open('Ada', { clock: wrongBy(-3_600_000) });
    const bob = await people.open('Bob', { clock: wrongBy(3_600_000) });
    const group = await ada.createGroup({ name: 'Times', accessToken: await people.accessToken('Ada') });
    const bobs = await bob.join((await group.invite({ ttlMs: 600_000 })).link);
    await bobs.send('what time is it?');
    await untilHistory(group, ['what time is it?']);
    const [message] = await group.history();
    expect(Math.abs(message!.sentAtMs - Date.now())).toBeLessThan(300_000);
  });
});
