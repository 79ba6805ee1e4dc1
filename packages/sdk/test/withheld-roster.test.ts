/** A server that withholds the roster, or changes it, costs names, and nothing else: who is unknown is not thrown out. */
import { expect, it } from 'vitest';
import type { Warning } from '../src/index.ts';
import { foundGroup, gatherPeople, quickHousekeeping, untilHistory } from './test-people.ts';

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

it('a new owner whose roster was withheld removes nobody', async () => {
  await using people = await gatherPeople();
  const [ada, bob] = [await people.open('Ada'), await people.open('Bob')];
  const [adas] = await foundGroup(people, ada, 'Ada', [bob]);
  const dan = await people.open('Dan', {
    fetch: (input, init) => {
      const isBlob = new Request(input).url.includes('/blobs/') && (init?.method ?? 'GET') === 'GET';
      const gone = { errcode: 'CONCLAVE_BLOB_GONE', error: 'There is no such blob' };
      return isBlob ? Promise.resolve(Response.json(gone, { status: 404 })) : fetch(input, init);
    },
  });
  const dans = await dan.join((await adas!.invite({ role: 'owner' })).link);
  expect(dans.members().members.map(({ name }) => name)).toEqual(['Dan']);
  expect(dans.members().unknownLeaves).toHaveLength(2);
  // Longer than administrators take to look after the group.
  await pause(5 * quickHousekeeping.intervalMs);
  await adas!.sync();
  expect(adas!.members().members.map(({ name }) => name)).toEqual(['Ada', 'Bob', 'Dan']);

  // Names come with the next commits, and then messages do too.
  await adas!.refresh();
  await dans.sync();
  expect(dans.members().members.map(({ name }) => name)).toEqual(['Ada', 'Dan']);
  await adas!.send('hello Dan');
  await untilHistory(dans, ['hello Dan']);
});

it('a roster that is not the one of the invite is said, and joined without', async () => {
  await using people = await gatherPeople();
  const ada = await people.open('Ada');
  const [adas] = await foundGroup(people, ada, 'Ada', []);
  const warningsOf = async (name: string, corrupts: boolean): Promise<Warning[]> => {
    const warnings: Warning[] = [];
    const person = await people.open(name, {
      fetch: async (input, init) => {
        const answer = await fetch(input, init);
        const isBlob = new Request(input).url.includes('/blobs/') && (init?.method ?? 'GET') === 'GET';
        if (!isBlob || !corrupts) return answer;
        const octets = new Uint8Array(await answer.arrayBuffer());
        return new Response(
          octets.map((octet, at) => (at === 40 ? octet ^ 1 : octet)),
          answer,
        );
      },
    });
    person.on('group', ({ type, event }) => {
      if (type === 'warning') warnings.push(event);
    });
    const theirs = await person.join((await adas!.invite({ role: 'member' })).link);
    const names = theirs.members().members.map((member) => member.name);
    expect(names.includes('Ada')).toBe(!corrupts);
    return warnings;
  };
  expect(await warningsOf('Bob', false)).toEqual([]);
  expect(await warningsOf('Dan', true)).toEqual([
    { kind: 'misbehaviour', rule: 'identity/snapshot-hash', by: undefined },
  ]);
});
