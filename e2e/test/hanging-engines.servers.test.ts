/** A server that is asked to stop while its engines hold their connections open and say nothing: it ends all the same. */
import { startServerProcess } from '@conclave/testkit';
import { missingNats, missingPostgres, missingS3 } from '@conclave/testkit/servers';
import { requireServer } from '@conclave/testkit/servers/require-server';
import { expect, test } from 'vitest';
import { startSharedEngines } from '../src/shared-engines.ts';

requireServer(
  missingPostgres(),
  missingNats(),
  missingS3(),
)('a server whose engines hang', () => {
  test('ends when it is asked to, says what did not close, and starts again when they are back', async () => {
    await using stack = new AsyncDisposableStack();
    const engines = await startSharedEngines(stack);
    const server = stack.use(
      await startServerProcess({
        dataDirectory: engines.dataDirectory,
        flags: { ...engines.flags, 'shutdown.drainMs': '0', 'shutdown.graceMs': '1000' },
      }),
    );
    engines.pause();
    // Its last resort, 2 × graceMs + 10 s, is far below the test's time.
    expect(await server.stop()).toBe(0);
    expect(server.output).toContain('something did not close');
    engines.resume();
    await server.restart();
    expect((await fetch(`${server.url}/ready`)).status).toBe(200);
  });
});
