/** A server that is asked to stop while its engines hold their connections open and say nothing: it ends all the same. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startServerProcess } from '@conclave/testkit';
import { missingNats, missingPostgres, startNats, startPostgres } from '@conclave/testkit/servers';
import { requireServer } from '@conclave/testkit/servers/require-server';
import { expect, test } from 'vitest';

requireServer(missingPostgres(), missingNats())('a server whose engines hang', () => {
  test('ends when it is asked to, says what did not close, and starts again when they are back', async () => {
    await using stack = new AsyncDisposableStack();
    const folder = await mkdtemp(join(tmpdir(), 'conclave-hanging-'));
    stack.defer(() => rm(folder, { recursive: true, force: true }));
    const postgres = stack.use(await startPostgres());
    const nats = stack.use(await startNats());
    const server = stack.use(
      await startServerProcess({
        dataDirectory: folder,
        flags: {
          'store.engine': 'postgres',
          'store.url': postgres.url,
          'store.passwordFile': postgres.passwordFile,
          'bus.engine': 'nats',
          'bus.url': nats.url,
          'bus.passwordFile': nats.passwordFile,
          'shutdown.drainMs': '0',
          'shutdown.graceMs': '1000',
        },
      }),
    );
    postgres.pause();
    nats.pause();
    // Its last resort, 2 × graceMs + 10 s, is far below the test's time.
    expect(await server.stop()).toBe(0);
    expect(server.output).toContain('something did not close');
    postgres.resume();
    nats.resume();
    await server.restart();
    expect((await fetch(`${server.url}/ready`)).status).toBe(200);
  });
});
