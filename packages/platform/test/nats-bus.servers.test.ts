import { afterAll, beforeAll } from 'vitest';
import { silentLog, systemClock } from '@conclave/platform';
import { openNatsBus } from '@conclave/platform/nats';
import { busContract } from '@conclave/testkit/contracts';
import { missingNats, startNats, type NatsServer } from '@conclave/testkit/servers';
import { requireServer } from '@conclave/testkit/servers/require-server';

requireServer(missingNats())('NATS', () => {
  let nats: NatsServer;
  beforeAll(async () => {
    nats = await startNats();
  });
  afterAll(() => nats[Symbol.asyncDispose]());

  busContract('NATS JetStream', async () => {
    // Each test has a stream of its own: an id accepted in one would be a copy in the next.
    await nats.deleteData('after-kill');
    const bus = await openNatsBus({
      url: nats.url,
      password: nats.password,
      stream: 'EVENTS',
      replicas: 1,
      retentionMs: 3_600_000,
      clock: systemClock,
      log: silentLog,
    });
    return { bus, destroy: () => bus.close() };
  });
});
