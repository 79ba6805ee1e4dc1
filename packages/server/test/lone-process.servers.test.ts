/** Two processes on one database whose buses are in memory, or whose attachments are on disks: only one is to be used, and says so. */
import { missingNats, missingPostgres, startNats, startPostgres } from '@conclave/testkit/servers';
import { requireServer } from '@conclave/testkit/servers/require-server';
import { createLog } from '@conclave/platform';
import { expect, it } from 'vitest';
import { startTestServer } from './test-server.ts';

requireServer(missingPostgres(), missingNats())('a process with attachments on a disk', () => {
  it('is not ready while another one has such, whatever bus connects them, unless it has no use for them', async () => {
    await using postgres = await startPostgres();
    await using nats = await startNats();
    const { url, passwordFile } = await postgres.createDatabase();
    const start = (roles: ('api' | 'relay' | 'gateway' | 'jobs')[]) =>
      startTestServer({
        roles,
        store: { engine: 'postgres', url, passwordFile },
        bus: { engine: 'nats', url: nats.url, passwordFile: nats.passwordFile },
      });
    const failed = async ({ adminUrl }: { readonly adminUrl: string }) => {
      const answer = (await (await fetch(`${adminUrl}/ready`)).json()) as { readonly failed?: string[] };
      return answer.failed ?? [];
    };
    const first = await start(['api', 'jobs']);
    await using sockets = await start(['relay', 'gateway']);
    await using second = await start(['api']);
    await expect.poll(() => failed(sockets), { timeout: 20_000 }).toEqual([]);
    expect(await failed(second)).toEqual(['attachments']);
    expect(await failed(first)).toEqual([]);
    await first[Symbol.asyncDispose]();
    await expect.poll(() => failed(second), { timeout: 20_000 }).toEqual([]);
  });
});

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
