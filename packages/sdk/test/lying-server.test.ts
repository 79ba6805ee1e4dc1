import { expect, it } from 'vitest';
import { gatherLiedToPeople } from './lying-people.ts';
import { foundGroup, textOf, untilHistory } from './test-people.ts';

it('a proxy without lies is transparent: people talk through it, live', async () => {
  await using world = await gatherLiedToPeople();
  const [ada, bob] = [await world.open('Ada'), await world.open('Bob')];
  const [adas, bobs] = await foundGroup(world.people, ada, 'Ada', [bob]);
  const live = bobs!.next('message');
  await adas!.send('hello');
  expect(textOf(await live)).toBe('hello');
  await bobs!.send('hello yourself');
  await untilHistory(adas!, ['hello', 'hello yourself']);
  expect(world.lying.truth(adas!.id)).toHaveLength(5);
});

it('withheld from one, shown to the others; the rest moves up', async () => {
  await using world = await gatherLiedToPeople();
  const [ada, bob] = [await world.open('Ada'), await world.open('Bob')];
  const [adas, bobs] = await foundGroup(world.people, ada, 'Ada', [bob]);
  const { seq } = await adas!.send('one');
  world.lying.withhold([seq! + 1], { to: ['Bob'] });
  await adas!.send('two');
  const three = await adas!.send('three');
  await untilHistory(bobs!, ['one', 'three']);
  await bobs!.sync();
  const seen = await bobs!.history();
  expect(seen.map((message) => [textOf(message), message.seq])).toEqual([
    ['one', seq],
    ['three', three.seq! - 1],
  ]);
});
