/**
 * What an honest server must never be accused of. Messages name the last frame that their author had seen; these are the
 * cases in which that frame lies far back, or in which a device knows little. `gatherPeople` fails a test with an accusation, of any
 * device; so do all other tests of this folder.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ConclaveClient, GroupHandle } from '../src/index.ts';
import { foundGroup, gatherPeople, textOf, untilHistory, type People } from './test-people.ts';
import { startTestServer, type TestServer } from './test-server.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server[Symbol.asyncDispose]());

/** A network that can hold back what is posted, and nothing else. */
function holdingBack(): { fetch: typeof fetch; hold: () => void; release: () => void } {
  let gate = Promise.resolve();
  let open = (): void => undefined;
  return {
    async fetch(input, init) {
      if (init?.method === 'POST' && new Request(input).url.endsWith('/frames')) await gate;
      return await fetch(input, init);
    },
    hold() {
      gate = new Promise((resolve) => {
        open = resolve;
      });
    },
    release: () => open(),
  };
}

/** Bob founds the group; what Ada posts can be held back. */
async function adaHeldBack(people: People) {
  const network = holdingBack();
  const bob = await people.open('Bob');
  const ada = await people.open('Ada', { fetch: network.fetch });
  const [bobs, adas] = await foundGroup(people, bob, 'Bob', [ada]);
  return { network, bobs: bobs!, adas: adas!, bob, ada };
}

/** Encrypted now, posted when the network lets it. */
async function encryptNow(group: GroupHandle, text: string): Promise<void> {
  const pending = group.next('outgoing', { when: ({ state }) => state === 'pending' });
  // What comes of it is seen in the histories.
  group.send(text).catch(() => undefined);
  await pending;
  // The state with the moved ratchet is saved before the post begins.
  await new Promise((resolve) => setTimeout(resolve, 100));
}

const textsOf = async (group: GroupHandle): Promise<string[]> => (await group.history()).map(textOf);

describe('an honest server is not accused', () => {
  it('when a message was built long before it was posted', async () => {
    await using people = await gatherPeople({}, { server });
    const { network, bobs, adas } = await adaHeldBack(people);
    await bobs.send('first');
    await untilHistory(adas, ['first']);
    network.hold();
    await encryptNow(adas, 'late');
    const between = Array.from({ length: 20 }, (_, n) => `between ${n}`);
    for (const text of between) await bobs.send(text);
    network.release();
    await untilHistory(bobs, ['first', ...between, 'late']);
    await untilHistory(adas, ['first', ...between, 'late']);
    expect((await textsOf(bobs)).at(-1)).toBe('late');
    expect(people.accusations).toEqual([]);
  });

  it('when a message of the epoch before comes within its grace, and when it is encrypted anew', async () => {
    await using people = await gatherPeople({}, { server });
    const { network, bobs, adas } = await adaHeldBack(people);
    await bobs.send('first');
    await untilHistory(adas, ['first']);
    network.hold();
    await encryptNow(adas, 'of the epoch before');
    await bobs.refresh();
    network.release();
    await untilHistory(bobs, ['first', 'of the epoch before']);

    network.hold();
    await encryptNow(adas, 'of an epoch that is over');
    await bobs.refresh();
    await bobs.refresh();
    network.release();
    await untilHistory(bobs, ['first', 'of the epoch before', 'of an epoch that is over']);
    await untilHistory(adas, ['first', 'of the epoch before', 'of an epoch that is over']);
    expect(people.accusations).toEqual([]);
  });

  it('by newcomers, of whom others have not heard yet, nor by others of newcomers', async () => {
    await using people = await gatherPeople({}, { server });
    const { network, bobs, adas } = await adaHeldBack(people);
    for (const text of ['one', 'two', 'three']) await bobs.send(text);
    await untilHistory(adas, ['one', 'two', 'three']);
    const { link } = await bobs.invite();
    await adas.sync();
    network.hold();
    // Built in the epoch that stays closed to the newcomer, posted after its first commit.
    await encryptNow(adas, 'before Cem');
    const cem = await people.open('Cem');
    const cems = await cem.join(link);
    network.release();
    await cems.send('hello');
    await untilHistory(adas, ['one', 'two', 'three', 'before Cem', 'hello']);
    await adas.send('welcome');
    await untilHistory(cems, ['hello', 'welcome']);
    await Promise.all([cems, adas, bobs].map((group) => group.sync()));
    expect(people.accusations).toEqual([]);
  });

  it('after restarts, by further devices, and by who comes back from a backup', async () => {
    await using people = await gatherPeople({}, { server });
    const [ada, bob] = [await people.open('Ada'), await people.open('Bob')];
    const [adas, bobs] = await foundGroup(people, ada, 'Ada', [bob]);
    await adas!.send('one');
    await untilHistory(bobs!, ['one']);
    await bob.close();
    await adas!.send('two');
    const reopened = groupOf(await people.open('Bob'), bobs!.id);
    await untilHistory(reopened, ['one', 'two']);
    const phone = await people.openAs('Ada', 'Ada-phone', ada);
    const phones = await phone.join((await adas!.invite()).link);
    await Promise.all([adas!.sync(), reopened.sync()]);
    await phones.send('from the phone');
    await adas!.send('from the desk');
    await untilHistory(reopened, ['one', 'two', 'from the phone', 'from the desk']);
    await reopened.send('heard both');
    await untilHistory(phones, ['one', 'from the phone', 'from the desk', 'heard both']);
    expect(people.accusations).toEqual([]);
  });

  it('when members commit and write at the same time, and some of them are refused', async () => {
    await using people = await gatherPeople({}, { server });
    const clients = [await people.open('Ada'), await people.open('Bob'), await people.open('Cem')];
    const groups = await foundGroup(people, clients[0]!, 'Ada', clients.slice(1));
    const cem = groups[0]!.members().members.find(({ name }) => name === 'Cem')!;
    for (let round = 0; round < 3; round++) {
      await Promise.all(
        groups.flatMap((group, index) => [group.refresh(), group.send(`of ${index}, round ${round}`)]),
      );
    }
    // Those who are refused because somebody is removed under their hands are not lied to either.
    const [adas, bobs, cems] = groups as [GroupHandle, GroupHandle, GroupHandle];
    const last = cems.send('perhaps too late').catch(() => undefined);
    await Promise.all([adas.remove(cem.id), bobs.send('meanwhile'), bobs.refresh(), last]);
    await Promise.all([adas, bobs].map((group) => group.sync()));
    expect(bobs.epoch).toBe(adas.epoch);
    expect(people.accusations).toEqual([]);
  });

  it('by a device whose store is of a time when nothing of this was remembered', async () => {
    await using people = await gatherPeople({}, { server });
    const { network, bobs, adas, bob } = await adaHeldBack(people);
    await bobs.send('one');
    await bobs.send('two');
    await untilHistory(adas, ['one', 'two']);
    network.hold();
    await encryptNow(adas, 'names what Bob forgot');
    await bobs.send('three');
    await bobs.sync();
    await bob.close();
    const forgetful = await people.open('Bob', {
      wrap: (vault) => ({
        ...vault,
        get: (path) =>
          path[0] === 'witness' || path[0] === 'seen' ? Promise.resolve(undefined) : vault.get(path),
      }),
    });
    const again = groupOf(forgetful, bobs.id);
    network.release();
    await untilHistory(again, ['one', 'two', 'three', 'names what Bob forgot']);
    await again.sync();
    expect(people.accusations).toEqual([]);
  });
});

function groupOf(client: ConclaveClient, id: string): GroupHandle {
  const group = client.group(id);
  if (group === undefined) throw new Error('the group is not open');
  return group;
}
