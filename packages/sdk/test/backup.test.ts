import { afterEach, beforeEach, expect, test } from 'vitest';
import { foundGroup, gatherPeople, textOf, untilHistory, type People } from './test-people.ts';

let people: People;
beforeEach(async () => {
  people = await gatherPeople();
});
afterEach(() => people[Symbol.asyncDispose]());

test('a restored device shows the past, and is the same person again by a new invite', async () => {
  const clients = [await people.open('Ada'), await people.open('Bob')];
  const [adas, bobs] = await foundGroup(people, clients[0]!, 'Ada', clients.slice(1));
  await adas!.send('before the loss');
  await untilHistory(bobs!, ['before the loss']);
  const restored = await people.openAs('Bob', 'Bob-new', clients[1]!);
  expect(restored.id).toBe(clients[1]!.id);
  expect(await restored.groups()).toMatchObject([{ id: adas!.id, name: 'Friends', status: 'restored' }]);
  expect(restored.group(adas!.id)).toBeUndefined();
  expect((await restored.history(adas!.id)).map(textOf)).toEqual(['before the loss']);

  await clients[1]!.close();
  const again = await restored.join((await adas!.invite()).link);
  await adas!.sync();
  await adas!.send('welcome back');
  await untilHistory(again, ['before the loss', 'welcome back']);
  expect((await again.history()).map(textOf)).toEqual(['before the loss', 'welcome back']);
  const bob = adas!.members().members.find(({ id }) => id === restored.id)!;
  expect(bob.devices.map(({ name }) => name)).toEqual(['test', 'Bob-new']);
});
