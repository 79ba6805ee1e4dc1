import { parseInviteLink } from '@conclave/sealed-group';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Clock } from '../src/index.ts';
import { foundGroup, gatherPeople, until, type People } from './test-people.ts';

/** The machine's clock, set ahead. */
function aheadBy(offset: { ms: number }): Clock {
  return {
    nowMs: () => Date.now() + offset.ms,
    schedule(delayMs, task) {
      const timer = setTimeout(task, delayMs);
      return { [Symbol.dispose]: () => clearTimeout(timer) };
    },
  };
}

describe('invites against a real server', () => {
  let people: People;
  beforeEach(async () => {
    people = await gatherPeople();
  });
  afterEach(() => people[Symbol.asyncDispose]());

  test('an invite that a link scanner read first gives a clear error, and nothing is joined', async () => {
    const ada = await people.open('Ada');
    const [adas] = await foundGroup(people, ada, 'Ada', []);
    const { link } = await adas!.invite();
    const parsed = parseInviteLink(link);
    if (!parsed.ok) throw new Error('the link must parse');
    // A preview fetches by GET, which reads nothing; only a scanner that runs the page's script destroys it.
    await fetch(`${people.server.url}/_conclave/transfer/v1/${parsed.value.transferId}/read`);
    const scanned = await fetch(
      `${people.server.url}/_conclave/transfer/v1/${parsed.value.transferId}/read`,
      { method: 'POST' },
    );
    expect(scanned.status).toBe(200);
    const bob = await people.open('Bob');
    await expect(bob.join(link)).rejects.toMatchObject({ code: 'INVITE_ALREADY_READ' });
    expect(await bob.groups()).toEqual([]);
  });

  test('an invite works once, and only unharmed', async () => {
    const ada = await people.open('Ada');
    const [adas] = await foundGroup(people, ada, 'Ada', []);
    const { link, qrText } = await adas!.invite();
    const bob = await people.open('Bob');
    const harmed = link.slice(0, -1) + (link.endsWith('0') ? '1' : '0');
    for (const text of [harmed, 'hello', 'https://example.org/', link.split('#')[0]!]) {
      await expect(bob.join(text)).rejects.toMatchObject({ code: 'INVITE_INVALID' });
    }
    await bob.join(qrText);
    const cem = await people.open('Cem');
    await expect(cem.join(link)).rejects.toMatchObject({ code: 'INVITE_ALREADY_READ' });
    await expect(bob.join((await adas!.invite()).link)).rejects.toMatchObject({ code: 'GROUP_EXISTS' });
  });

  test('an invite that nobody used in time is removed by a client that is online', async () => {
    const offset = { ms: 0 };
    const ada = await people.open('Ada', { clock: aheadBy(offset) });
    const [adas] = await foundGroup(people, ada, 'Ada', []);
    const { link } = await adas!.invite({ ttlMs: 60_000 });
    expect(adas!.members().pending.length).toBe(1);
    // Within the five minutes by which the server lets clocks differ.
    offset.ms = 90_000;
    await until(adas!, 'members', () => adas!.members().pending.length === 0);
    const bob = await people.open('Bob');
    await expect(bob.join(link)).rejects.toMatchObject({
      code: expect.stringMatching(/^INVITE_(REVOKED|EXPIRED)$/),
    });
  });

  test('a newcomer to a long log reads from its own epoch on, and nothing before', async () => {
    const ada = await people.open('Ada');
    const [adas] = await foundGroup(people, ada, 'Ada', []);
    for (let count = 0; count < 30; count++) {
      await adas!.send(`old ${count}`);
      if (count % 7 === 0) await adas!.refresh();
    }
    const { link } = await adas!.invite();
    await adas!.send('between invite and join');
    await adas!.refresh();
    await adas!.send('after a commit');
    const bob = await people.open('Bob');
    const bobs = await bob.join(link);
    await adas!.sync();
    await adas!.send('welcome');
    await until(bobs, 'message', async () => (await bobs.history()).length > 1);
    const texts = (await bobs.history()).map(({ content }) => (content.kind === 'text' ? content.text : ''));
    expect(texts).toEqual(['after a commit', 'welcome']);
  });
});
