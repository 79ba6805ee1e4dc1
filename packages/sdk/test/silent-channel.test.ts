/** A removal between asking for a subscription and being subscribed must not leave a client on a channel that is silent for ever. */
import { expect, it } from 'vitest';
import { foundGroup, gatherPeople, textOf } from './test-people.ts';

it('who subscribes while somebody is removed hears what is said afterwards', async () => {
  await using people = await gatherPeople();
  const [ada, bob, eve] = [await people.open('Ada'), await people.open('Bob'), await people.open('Eve')];
  const [adas] = await foundGroup(people, ada, 'Ada', [bob, eve]);
  await bob.close();

  // Bob returns; the server's answer to his request for a subscription reaches him only after Eve was removed.
  const asked = Promise.withResolvers<void>();
  const removed = Promise.withResolvers<void>();
  let isFirst = true;
  const returned = await people.open('Bob', {
    fetch: async (input, init) => {
      const answer = await fetch(input, init);
      if (isFirst && new Request(input).url.endsWith('/subscription')) {
        isFirst = false;
        asked.resolve();
        await removed.promise;
      }
      return answer;
    },
  });
  await asked.promise;
  await adas!.remove(eve.id);
  const bobs = returned.group(adas!.id)!;
  const online = bobs.next('connection', { when: ({ state }) => state === 'online' });
  removed.resolve();
  await online;
  await bobs.sync();
  const heard = bobs.next('message', { when: (message) => textOf(message) === 'can you hear me?' });
  await adas!.send('can you hear me?');
  expect((await heard).sender.name).toBe('Ada');
});
