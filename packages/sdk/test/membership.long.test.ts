import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { foundGroup, gatherPeople, until, untilHistory, type People } from './test-people.ts';

describe('membership, where commits have to wait for their turn', () => {
  let people: People;
  beforeEach(async () => {
    people = await gatherPeople();
  });
  afterEach(() => people[Symbol.asyncDispose]());

  test('a person’s further device joins by its own invite and leaves with the person', async () => {
    const clients = [await people.open('Ada'), await people.open('Bob')];
    const [adas, bobs] = await foundGroup(people, clients[0]!, 'Ada', clients.slice(1));
    const { link } = await bobs!.invite({ ownDevice: true });
    const phone = await people.openAs('Bob', 'Bob-phone', clients[1]!);
    const onPhone = await phone.join(link);
    await until(
      adas!,
      'members',
      () => adas!.members().members.find(({ name }) => name === 'Bob')?.devices.length === 2,
    );
    await onPhone.send('from my phone');
    await untilHistory(adas!, ['from my phone']);
    expect((await bobs!.history())[0]?.mine ?? true).toBe(true);
    const out = Promise.all([bobs!.next('removed'), onPhone.next('removed')]);
    await adas!.remove(clients[1]!.id);
    await out;
    expect(adas!.members().members.map(({ name }) => name)).toEqual(['Ada']);
  });

  test('several members commit at the same moment and all changes happen', async () => {
    const names = ['Ada', 'Bob', 'Cem', 'Dan'];
    const clients = await Promise.all(names.map((name) => people.open(name)));
    const groups = await foundGroup(people, clients[0]!, 'Ada', clients.slice(1));
    for (const client of clients.slice(1)) await groups[0]!.setRole(client.id, 'admin');
    await Promise.all(groups.map((group) => group.sync()));
    const before = groups[0]!.epoch;
    await Promise.all([
      ...groups.map((group) => group.refresh()),
      ...groups.map((group, index) => group.send(`from ${index}`)),
    ]);
    await Promise.all(groups.map((group) => group.sync()));
    expect(groups.map(({ epoch }) => epoch)).toEqual(groups.map(() => before + 4));
    expect(new Set(groups.map((group) => group.fingerprint())).size).toBe(1);
    const histories = await Promise.all(
      groups.map(async (group) => (await group.history()).map(({ id, content }) => [id, content])),
    );
    for (const history of histories) expect(history).toEqual(histories[0]);
    expect(histories[0]!.length).toBe(4);
  });

  test('renaming reaches everybody, and the newcomer knows the name', async () => {
    const clients = [await people.open('Ada'), await people.open('Bob')];
    const [adas, bobs] = await foundGroup(people, clients[0]!, 'Ada', clients.slice(1));
    const renamed = bobs!.next('renamed');
    await adas!.rename('Old friends');
    expect(await renamed).toEqual({ name: 'Old friends' });
    const cem = await people.open('Cem');
    expect((await cem.join((await adas!.invite()).link)).name).toBe('Old friends');
  });
});
