/**
 * SIGKILL at random moments, in rounds on one database: nothing acknowledged is lost, nothing took effect in part,
 * and every committed outbox row is published at least once, in the order of its key.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { sql } from 'kysely';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { contractMigrations, type ContractTables } from '@conclave/testkit/contracts';
import {
  createInProcessLeases,
  openSqliteStore,
  silentLog,
  startRelay,
  systemClock,
  systemRandom,
  type Store,
} from '@conclave/platform';

const ROUNDS = 25;
const WRITERS = 40;
const WRITER_SCRIPT = fileURLToPath(new URL('crash-writer.ts', import.meta.url));

describe('a process that is killed', () => {
  let folder: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'conclave-crash-'));
  });

  afterEach(() => rm(folder, { recursive: true }));

  /** Runs the writer until `lifeMs` after its first acknowledgement, or until it ends by itself if it is limited. */
  const runAndKill = async (round: number, lifeMs: number, limitKiB?: number) => {
    const node = [process.execPath, WRITER_SCRIPT, file(), accepted(), String(round), String(WRITERS)];
    const child =
      limitKiB === undefined
        ? spawn(node[0]!, node.slice(1), { stdio: ['ignore', 'pipe', 'pipe'] })
        : spawn('bash', ['-c', `ulimit -f ${limitKiB}; exec "$@"`, 'bash', ...node], {
            stdio: ['ignore', 'pipe', 'pipe'],
          });
    let output = '';
    let errors = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text));
    child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
    const ended = once(child, 'close');
    await Promise.race([once(child.stdout, 'data'), ended]);
    if (limitKiB === undefined) {
      await delay(lifeMs);
      child.kill('SIGKILL');
    }
    await ended;
    // The last line may have been cut off by the kill.
    return { acknowledged: output.split('\n').slice(0, -1), errors };
  };

  const file = () => join(folder, 'test.db');
  const accepted = () => join(folder, 'accepted');

  const open = () =>
    openSqliteStore<ContractTables>({
      file: file(),
      migrations: [contractMigrations],
      clock: systemClock,
      log: silentLog,
    });

  const storedIds = async (store: Store<ContractTables>): Promise<Set<string>> => {
    const rows = await store.db.selectFrom('account').select('id').where('id', '!=', 'total').execute();
    return new Set(rows.map(({ id }) => id));
  };

  const expectWhole = async (store: Store<ContractTables>, acknowledged: readonly string[]) => {
    const stored = await storedIds(store);
    expect(acknowledged.filter((id) => !stored.has(id))).toEqual([]);
    const total = await store.db
      .selectFrom('account')
      .select('balance')
      .where('id', '=', 'total')
      .executeTakeFirst();
    expect(total?.balance ?? 0).toBe(stored.size);
    const check = await sql<{ integrity_check: string }>`pragma integrity_check`.execute(store.db);
    expect(check.rows).toEqual([{ integrity_check: 'ok' }]);
  };

  test(`keeps what it acknowledged, ${ROUNDS} times over`, async () => {
    const acknowledged: string[] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      const run = await runAndKill(round, Math.random() * 250);
      expect(run.errors).toBe('');
      acknowledged.push(...run.acknowledged);
      const store = await open();
      await expectWhole(store, acknowledged);
      await store.close();
    }
    expect(acknowledged.length).toBeGreaterThan(ROUNDS * WRITERS);

    // What was not yet published is published by the next relay.
    const published = (await readFile(accepted(), 'utf8')).trim().split('\n');
    const store = await open();
    const relay = startRelay({
      leases: createInProcessLeases(),
      shards: 8,
      store,
      clock: systemClock,
      random: systemRandom,
      log: silentLog,
      bus: {
        async publish(subject, _payload, { messageId }) {
          published.push(`${subject} ${messageId}`);
        },
        async subscribe() {
          throw new Error('nobody subscribes');
        },
        onGap: () => ({ [Symbol.dispose]() {} }),
        onAvailable: () => ({ [Symbol.dispose]() {} }),
        async close() {},
      },
    });
    while ((await store.db.selectFrom('outbox').select('id').limit(1).execute()).length > 0) await delay(20);
    await relay.close();

    const stored = await storedIds(store);
    await store.close();
    const firstPublications = [...new Set(published)];
    expect(new Set(firstPublications.map((line) => line.split(' ')[1]!))).toEqual(stored);
    for (let writer = 0; writer < WRITERS; writer += 1) {
      const order = firstPublications
        .filter((line) => line.startsWith(`events.writer.${writer} `))
        .map((line) => line.split(' ')[1]!.split(':').map(Number));
      const sorted = order.toSorted((a, b) => a[0]! - b[0]! || a[2]! - b[2]!);
      expect(order).toEqual(sorted);
    }
  });

  test.runIf(process.platform === 'linux')(
    'keeps what it acknowledged when the system stops giving it room',
    async () => {
      // The kernel refuses to let any file grow beyond the limit, so a write to the log fails in mid-commit; the
      // first refused unit ends the process.
      await writeFile(accepted(), '');
      const { acknowledged, errors } = await runAndKill(0, 0, 2_000);
      expect(errors).toMatch(/STORE_(FULL|UNAVAILABLE)/);
      expect(acknowledged.length).toBeGreaterThan(0);
      const store = await open();
      await expectWhole(store, acknowledged);
      await store.close();
    },
  );
});
