/**
 * A living installation moves from SQLite to PostgreSQL: people talk all the time, the mover is killed in the middle and run
 * again, the server is stopped and started on the other database, and nobody has lost a message or got one twice.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { ConclaveClient, createAccountClient, type GroupHandle } from '@conclave/sdk';
import { openNodeStore } from '@conclave/sdk/node';
import { startServerProcess, testSuite } from '@conclave/testkit';
import { missingPostgres, startPostgres } from '@conclave/testkit/servers';
import { requireServer } from '@conclave/testkit/servers/require-server';
import { expect, test } from 'vitest';

const program = fileURLToPath(new URL('../../apps/server/src/main.ts', import.meta.url));
const people = ['Ada', 'Bo', 'Cy'] as const;

requireServer(missingPostgres())('conclave migrate-store', () => {
  test('moves a server that is talked through, and is killed on the way', async () => {
    await using stack = new AsyncDisposableStack();
    const folder = await mkdtemp(join(tmpdir(), 'conclave-e2e-move-'));
    stack.defer(() => rm(folder, { recursive: true, force: true }));
    const postgres = stack.use(await startPostgres());
    const dataDirectory = join(folder, 'data');
    const sqlite = stack.use(
      await startServerProcess({ dataDirectory, flags: { 'accounts.registration': 'open' } }),
    );

    const talk = stack.use(await startTalking(sqlite.url, folder));
    await talk.untilSent(60);

    const mover = (...more: string[]) => runMover(sqlite.adminUrl, dataDirectory, postgres, more);
    // Killed as soon as it has copied something; the server notices nothing.
    const killed = mover();
    await expect.poll(() => killed.err(), { timeout: 60_000 }).toContain('round 1');
    killed.child.kill('SIGKILL');
    await killed.exited;
    const sentBefore = talk.sent.length;
    await talk.untilSent(sentBefore + 20);

    const finished = mover('--json');
    expect([await finished.exited, finished.err()]).toEqual([0, expect.stringContaining('going on with')]);
    const report = JSON.parse(finished.out()) as {
      live: boolean;
      resumed: boolean;
      read_only_seconds: number;
      tables: { name: string; rows: number; digest: string }[];
    };
    expect(report).toMatchObject({ live: true, resumed: true });
    expect(report.tables.find(({ name }) => name === 'sealed_frames')?.rows).toBeGreaterThan(60);
    expect(report.tables.map(({ digest }) => digest)).toEqual(
      report.tables.map(() => expect.stringMatching(/^[0-9a-f]{64}$/)),
    );

    // The old one takes nothing more, and does not start again.
    const refused = await fetch(`${sqlite.url}/_conclave/transfer/v1`, {
      method: 'POST',
      headers: { 'content-type': 'application/octet-stream' },
      body: 'x',
    });
    expect([refused.status, ((await refused.json()) as { errcode: string }).errcode]).toEqual([
      503,
      'CONCLAVE_READ_ONLY',
    ]);
    expect(await sqlite.stop()).toBe(0);
    await expect(sqlite.restart()).rejects.toThrow('was moved to postgres://');

    const ports = { listen: Number(new URL(sqlite.url).port), admin: Number(new URL(sqlite.adminUrl).port) };
    stack.use(
      await startServerProcess({
        dataDirectory,
        ports,
        flags: {
          'accounts.registration': 'open',
          'store.engine': 'postgres',
          'store.url': postgres.url,
          'store.passwordFile': postgres.passwordFile,
        },
      }),
    );
    await talk.untilSent(talk.sent.length + 40);
    await talk.stop();
    await talk.expectAllHeard();
  });
});

/** People in one group, each of whom says one thing after another and goes on when it is refused. */
async function startTalking(server: string, folder: string) {
  const clients: ConclaveClient[] = [];
  for (const name of people) {
    clients.push(
      await ConclaveClient.open({
        server,
        store: await openNodeStore({
          path: join(folder, `${name}.db`),
          unlock: { keyFile: join(folder, `${name}.key`) },
        }),
        profile: { name, device: 'test' },
        suite: testSuite,
        housekeeping: { maxDelayMs: 100, intervalMs: 200 },
      }),
    );
  }
  const { accessToken } = await createAccountClient({ server }).register({
    username: 'ada',
    password: 'long enough',
  });
  const group = await clients[0]!.createGroup({ name: 'Moving', accessToken });
  const handles: GroupHandle[] = [group];
  for (const client of clients.slice(1)) {
    handles.push(await client.join((await group.invite()).link));
    for (const handle of handles) await handle.sync();
  }

  const sent: string[] = [];
  const stop = new AbortController();
  const talking = handles.map(async (handle, person) => {
    for (let count = 1; !stop.signal.aborted; count++) {
      const text = `${people[person]} ${count}`;
      // Resolves when the server has it; what the server refuses for a while waits in the outbox meanwhile.
      await handle.send(text);
      sent.push(text);
      await delay(20);
    }
  });
  const textsOf = async (handle: GroupHandle): Promise<string[]> => {
    await handle.sync();
    const history = await handle.history({ limit: 10_000 });
    return history.map(({ content }) => (content.kind === 'text' ? content.text : content.kind));
  };
  return {
    sent,
    async untilSent(count: number) {
      await expect.poll(() => sent.length, { timeout: 120_000 }).toBeGreaterThanOrEqual(count);
    },
    async stop() {
      stop.abort();
      await Promise.all(talking);
    },
    async expectAllHeard() {
      const [first, ...others] = await Promise.all(handles.map(textsOf));
      expect(first!.toSorted()).toEqual(sent.toSorted());
      for (const other of others) expect(other).toEqual(first);
    },
    async [Symbol.asyncDispose]() {
      stop.abort();
      await Promise.allSettled(clients.map((client) => client.close()));
    },
  };
}

function runMover(
  adminUrl: string,
  dataDirectory: string,
  { url, passwordFile }: { url: string; passwordFile: string },
  more: readonly string[],
) {
  const args = [
    'migrate-store',
    `--to=${url}`,
    `--password-file=${passwordFile}`,
    `--dataDirectory=${dataDirectory}`,
    `--admin.port=${new URL(adminUrl).port}`,
    ...more,
  ];
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', program, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 120_000,
  });
  let out = '';
  let err = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (err += text));
  const exited = once(child, 'close').then(([code]) => code as number | null);
  return { child, exited, out: () => out, err: () => err };
}
