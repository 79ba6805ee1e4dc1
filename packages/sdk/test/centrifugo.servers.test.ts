/** The SDK against a server whose gateway is a real Centrifugo, fed by a real JetStream. It is told only where the server is. */
import { systemRandom } from '@conclave/platform';
import { parseConfig, readCentrifugoSecrets, renderCentrifugoConfig } from '@conclave/server';
import {
  findFreePort,
  missingCentrifugo,
  missingNats,
  startCentrifugo,
  startNats,
} from '@conclave/testkit/servers';
import { requireServer } from '@conclave/testkit/servers/require-server';
import { expect, it } from 'vitest';
import { foundGroup, gatherPeople, textOf } from './test-people.ts';
import { startTestServer } from './test-server.ts';

requireServer(missingNats(), missingCentrifugo())('with Centrifugo', () => {
  it('people talk, and who is removed hears nothing more', async () => {
    await using nats = await startNats();
    const [port, internalPort] = [await findFreePort(), await findFreePort()];
    const engines = {
      bus: { engine: 'nats', url: nats.url, passwordFile: nats.passwordFile },
      gateway: {
        engine: 'centrifugo',
        publicUrl: `http://127.0.0.1:${port}`,
        apiUrl: `http://127.0.0.1:${internalPort}`,
      },
    } as const;
    // The server makes the stream, which has to exist when Centrifugo starts.
    await using server = await startTestServer(engines);
    const config = parseConfig({ ...engines, dataDirectory: server.dataDirectory });
    const secrets = readCentrifugoSecrets(config, { random: systemRandom, withAdmin: false });
    await using centrifugo = await startCentrifugo({
      port,
      internalPort,
      render: (place) => renderCentrifugoConfig(config, secrets, place),
    });
    await using people = await gatherPeople(undefined, { server });
    const [ada, bob, eve] = [await people.open('Ada'), await people.open('Bob'), await people.open('Eve')];
    const [adas, bobs, eves] = await foundGroup(people, ada, 'Ada', [bob, eve]);
    const heard = bobs!.next('message', { when: (message) => textOf(message) === 'over Centrifugo' });
    await adas!.send('over Centrifugo');
    expect((await heard).sender.name).toBe('Ada');
    expect(await server.server.metrics.exposition()).toContain('conclave_gateway_up 1');

    const lost = eves!.next('removed');
    await adas!.remove(eve.id);
    await lost;
    const after = bobs!.next('message', { when: (message) => textOf(message) === 'among us' });
    await adas!.send('among us');
    await after;
    expect((await eves!.history()).map(textOf)).not.toContain('among us');
    expect(centrifugo.output).not.toContain(secrets.tokenSecret);
  });
});
