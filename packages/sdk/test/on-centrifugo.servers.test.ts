/**
 * The tests of conversations, membership, attachments and of what a client that was away gets, once more with a real Centrifugo
 * as the gateway, fed by a real JetStream. The clients are told only where the server is.
 *
 * The servers of all tests share one NATS and one Centrifugo, and with them the secrets of tokens; each has accounts and groups
 * of its own.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemRandom } from '@conclave/platform';
import { parseConfig, readCentrifugoSecrets, renderCentrifugoConfig } from '@conclave/server';
import {
  findFreePort,
  missingCentrifugo,
  missingNats,
  startCentrifugo,
  startNats,
  type CentrifugoServer,
  type NatsServer,
} from '@conclave/testkit/servers';
import { requireServer } from '@conclave/testkit/servers/require-server';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { foundGroup, gatherPeople, textOf, untilHistory } from './test-people.ts';
import { startTestServer, useEngines } from './test-server.ts';

requireServer(missingNats(), missingCentrifugo())('on Centrifugo', async () => {
  const owned = new AsyncDisposableStack();
  let nats: NatsServer;
  let centrifugo: CentrifugoServer;

  beforeAll(async () => {
    const folder = await mkdtemp(join(tmpdir(), 'conclave-secrets-'));
    owned.defer(() => rm(folder, { recursive: true, force: true }));
    nats = owned.use(await startNats());
    const [port, internalPort] = [await findFreePort(), await findFreePort()];
    const engines = {
      secretsFile: join(folder, 'secrets.json'),
      bus: { engine: 'nats', url: nats.url, passwordFile: nats.passwordFile },
      gateway: {
        engine: 'centrifugo',
        publicUrl: `http://127.0.0.1:${port}`,
        apiUrl: `http://127.0.0.1:${internalPort}`,
      },
    } as const;
    const config = parseConfig(engines);
    const secrets = readCentrifugoSecrets(config, { random: systemRandom, withAdmin: false });
    useEngines(engines);
    // A server makes the stream, which has to exist when Centrifugo starts.
    await using _server = await startTestServer();
    centrifugo = owned.use(
      await startCentrifugo({
        port,
        internalPort,
        render: (place) => renderCentrifugoConfig(config, secrets, place),
      }),
    );
  });

  afterAll(async () => {
    useEngines(undefined);
    await owned.disposeAsync();
  });

  await import('./conversation.test.ts');
  await import('./membership.test.ts');
  await import('./attachments.test.ts');
  await import('./invites.test.ts');
  await import('./silent-channel.test.ts');
  await import('./withheld-roster.test.ts');

  test('who talks while Centrifugo is restarted and JetStream loses its data misses nothing', async () => {
    await using people = await gatherPeople();
    const [ada, bob] = [await people.open('Ada'), await people.open('Bob')];
    const [adas, bobs] = await foundGroup(people, ada, 'Ada', [bob]);
    const heard: string[] = [];
    bobs!.on('message', (message) => heard.push(textOf(message)));
    const said: string[] = [];
    const say = async (count: number): Promise<void> => {
      for (let index = 0; index < count; index += 1) {
        said.push(`message ${said.length}`);
        await adas!.send(said.at(-1)!);
      }
    };
    await say(5);
    await Promise.all([say(10), centrifugo.restart()]);
    await Promise.all([say(10), nats.deleteData('after-kill')]);
    await say(5);
    await untilHistory(bobs!, said);
    expect(heard).toEqual(said);
    const again = bobs!.next('message', { when: (message) => textOf(message) === 'still there?' });
    await adas!.send('still there?');
    await again;
  });

  test('it is Centrifugo that has told all this', async () => {
    const metrics = await (await fetch(`${centrifugo.apiUrl}/metrics`)).text();
    const counts = [...metrics.matchAll(/^centrifugo_consumers_messages_processed_total\{.*\} (\d+)/gm)];
    expect(counts.map(([, count]) => Number(count) > 0)).toEqual([true]);
  });
});
