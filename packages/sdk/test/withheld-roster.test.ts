/** A server that withholds the roster costs names, and nothing else: who is unknown is not thrown out. */
import { expect, it } from 'vitest';
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
