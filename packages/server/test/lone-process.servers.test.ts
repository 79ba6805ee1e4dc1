/** Two processes on one database whose buses are in memory: only one of them is to be used, and both say which. */
import { missingPostgres, startPostgres } from '@conclave/testkit/servers';
import { requireServer } from '@conclave/testkit/servers/require-server';
import { createLog } from '@conclave/platform';
import { expect, it } from 'vitest';
import { startTestServer } from './test-server.ts';

requireServer(missingPostgres())('a process with a bus in memory', () => {
  it('is not ready while another one uses its database, and takes over when that one ends', async () => {
    await using postgres = await startPostgres();
    const { url, passwordFile } = await postgres.createDatabase();
    const logged: string[] = [];
    const log = createLog({ level: 'info', destination: { write: (line) => void logged.push(line) } });
    const start = () => startTestServer({ store: { engine: 'postgres', url, passwordFile } }, { log });
    const ready = async ({ adminUrl }: { readonly adminUrl: string }) => {
      const answer = await fetch(`${adminUrl}/ready`);
      return [answer.status, await answer.json()];
    };

    const first = await start();
    expect(await ready(first)).toEqual([200, { status: 'ready' }]);
    await using second = await start();
    expect(await ready(second)).toEqual([503, { status: 'not ready', failed: ['bus'] }]);
    expect(await ready(first)).toEqual([200, { status: 'ready' }]);
    expect(logged.filter((line) => line.includes('set bus.engine'))).not.toEqual([]);

    await first[Symbol.asyncDispose]();
    await expect.poll(() => ready(second), { timeout: 20_000 }).toEqual([200, { status: 'ready' }]);
  });
});
