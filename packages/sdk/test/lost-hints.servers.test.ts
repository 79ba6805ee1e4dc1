/**
 * The live feed is hints; the log is the truth. Here JetStream is killed and loses everything that it held, again and again,
 * while people talk: everybody ends up with every message once, in the order of the log, and hears new ones again.
 */
import { missingNats, startNats } from '@conclave/testkit/servers';
import { requireServer } from '@conclave/testkit/servers/require-server';
import { expect, it } from 'vitest';
import { foundGroup, gatherPeople, textOf, untilHistory } from './test-people.ts';
import { startTestServer } from './test-server.ts';

requireServer(missingNats())('over a JetStream that loses its data', () => {
  it('nobody misses a message, and none comes twice', async () => {
    await using nats = await startNats();
    await using server = await startTestServer({
      bus: { engine: 'nats', url: nats.url, passwordFile: nats.passwordFile },
    });
    await using people = await gatherPeople(undefined, { server });
    const [ada, bob] = [await people.open('Ada'), await people.open('Bob')];
    const [adas, bobs] = await foundGroup(people, ada, 'Ada', [bob]);
    const heard: string[] = [];
    bobs!.on('message', (message) => heard.push(textOf(message)));
    const said: string[] = [];
    const say = async (count: number): Promise<void> => {
      for (let index = 0; index < count; index += 1) {
        const text = `message ${said.length}`;
        said.push(text);
        await adas!.send(text);
      }
    };
    await say(5);
    await nats.deleteData('after-kill');
    await say(5);
    // Both at once, so that some are on their way when it dies.
    await Promise.all([say(20), nats.deleteData('after-kill')]);
    await say(5);
    await untilHistory(bobs!, said);
    expect(heard).toEqual(said);
    const again = bobs!.next('message', { when: (message) => textOf(message) === 'still there?' });
    await adas!.send('still there?');
    await again;
    expect((await bobs!.history({ limit: 100 })).map(textOf)).toEqual([...said, 'still there?']);
  });
});
