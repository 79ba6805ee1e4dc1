/**
 * Several relay processes on PostgreSQL and NATS, while rows flow and something fails.
 *
 *   writers here ─▶ PostgreSQL ─▶ relay processes ─▶ stream EVENTS ─▶ live.> ─▶ a subscriber here
 *
 * Whatever fails: the outbox drains, nothing is parked, the stream has each message once and each key in order, and
 * the subscriber hears nothing twice and nothing out of order; what it misses, it is told of.
 */
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  enqueueOutbox,
  listParked,
  silentLog,
  StoreError,
  systemClock,
  type Store,
} from '@conclave/platform';
import { openNatsBus } from '@conclave/platform/nats';
import { openPostgresLeases } from '@conclave/platform/postgres';
import { contractMigrations, type ContractTables } from '@conclave/testkit/contracts';
import {
  missingNats,
  missingPostgres,
  startNats,
  startPostgres,
  type NatsServer,
  type PostgresAddress,
  type PostgresServer,
} from '@conclave/testkit/servers';
import { requireServer } from '@conclave/testkit/servers/require-server';
import { createPostgresDatabase } from './postgres-database.ts';
import type { RelayProcessOptions } from './relay-process.ts';

const relayScript = fileURLToPath(new URL('relay-process.ts', import.meta.url));
const shards = 4;
const leaseMs = 1_000;
const keys = Array.from({ length: 12 }, (_, index) => `key-${index}`);

requireServer(missingPostgres(), missingNats())('relays in several processes', () => {
  let postgres: PostgresServer;
  let nats: NatsServer;
  let database: { address: PostgresAddress };
  let store: Store<ContractTables>;
  let relays: ChildProcess[];
  let closers: (() => Promise<unknown>)[];
  let started: number;
  /** What the subscriber heard, and how often it was told of gaps. */
  let heard: { key: string; seq: number }[];
  let gaps: number;

  beforeAll(async () => {
    postgres = await startPostgres();
  });
  afterAll(() => postgres[Symbol.asyncDispose]());

  beforeEach(async () => {
    [relays, closers, started, heard, gaps] = [[], [], 0, [], 0];
    nats = await startNats();
    closers.push(async () => await nats[Symbol.asyncDispose]());
    const created = await createPostgresDatabase(postgres);
    database = created;
    store = await created.open({ migrations: [contractMigrations] });
    closers.push(() => store.close());
    await store.write(async (trx) => {
      for (const id of keys)
        await trx.insertInto('account').values({ id, balance: 0, photo: null }).execute();
    });
    const bus = await openNatsBus({
      url: nats.url,
      password: nats.password,
      stream: 'EVENTS',
      replicas: 1,
      retentionMs: 3_600_000,
      clock: systemClock,
      log: silentLog,
    });
    closers.push(() => bus.close());
    bus.onGap(() => void (gaps += 1));
    await bus.subscribe('events.>', async ({ messageId }) => void heard.push(parse(messageId)));
    for (let index = 0; index < 3; index += 1) await startRelayProcess();
  });

  afterEach(async () => {
    for (const relay of relays) relay.kill('SIGKILL');
    nats.resume();
    for (const close of closers.reverse()) await close();
  });

  const startRelayProcess = async (): Promise<void> => {
    started += 1;
    const options: RelayProcessOptions = {
      holder: `relay ${started}`,
      leaseMs,
      shards,
      database: database.address,
      nats,
    };
    const child = fork(relayScript, [JSON.stringify(options)], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    relays.push(child);
    const [message] = (await Promise.race([once(child, 'message'), once(child, 'exit')])) as [unknown];
    expect(message).toBe('ready');
  };

  const parse = (messageId: string) => {
    const [key, seq] = messageId.split('/') as [string, string];
    return { key, seq: Number(seq) };
  };

  /** The next message of a key; the account's row is the lock of its order. */
  const enqueueNext = (key: string) =>
    store.write(
      async (trx) => {
        const { balance } = await trx
          .updateTable('account')
          .set((row) => ({ balance: row('balance', '+', 1) }))
          .where('id', '=', key)
          .returning('balance')
          .executeTakeFirstOrThrow();
        await enqueueOutbox(trx, {
          subject: `events.test.${key}`,
          orderingKey: key,
          messageId: `${key}/${balance}`,
          payload: new Uint8Array(100),
        });
      },
      { isolation: 'locked-rows' },
    );

  /** Writes on all keys while `fault` runs. */
  const writeDuring = async (fault: () => Promise<void>): Promise<void> => {
    const over = new AbortController();
    const writing = keys.map(async (key) => {
      while (!over.signal.aborted) {
        try {
          await enqueueNext(key);
        } catch (error) {
          if (!(error instanceof StoreError)) throw error;
          await delay(50);
        }
        await delay(5);
      }
    });
    try {
      await delay(300);
      await fault();
      await delay(300);
    } finally {
      over.abort();
      await Promise.all(writing);
    }
  };

  const drained = async () => {
    const pending = async () =>
      Number(
        (
          await store.db
            .selectFrom('outbox')
            .select((q) => q.fn.countAll().as('n'))
            .executeTakeFirstOrThrow()
        ).n,
      );
    await expect.poll(pending, { timeout: 60_000, interval: 50 }).toBe(0);
    expect(await listParked(store, { limit: 10 })).toEqual([]);
  };

  const written = async () =>
    new Map(
      (await store.db.selectFrom('account').select(['id', 'balance']).execute()).map((a) => [
        a.id,
        a.balance,
      ]),
    );

  const inStream = async () => {
    const connection = await connect({
      servers: `127.0.0.1:${nats.port}`,
      user: 'conclave',
      pass: nats.password,
    });
    try {
      const { state } = await (await jetstreamManager(connection)).streams.info('EVENTS');
      const consumer = await jetstream(connection).consumers.get('EVENTS');
      const found: { key: string; seq: number }[] = [];
      const messages = await consumer.consume();
      for await (const message of messages) {
        found.push(parse(message.headers!.get('Nats-Msg-Id')));
        if (message.seq === state.last_seq) break;
      }
      return found;
    } finally {
      await connection.close();
    }
  };

  const expectOnceInOrder = (
    messages: readonly { key: string; seq: number }[],
    counts: Map<string, number>,
  ) => {
    for (const [key, count] of counts) {
      const seqs = messages.filter((message) => message.key === key).map(({ seq }) => seq);
      expect(seqs).toEqual(Array.from({ length: count }, (_, index) => index + 1));
    }
  };

  /** Nothing twice, nothing out of order; and if anything is missing, it was told. */
  const expectHeard = (counts: Map<string, number>) => {
    for (const key of counts.keys()) {
      const seqs = heard.filter((message) => message.key === key).map(({ seq }) => seq);
      expect(seqs).toEqual([...new Set(seqs)].toSorted((a, b) => a - b));
    }
    const total = [...counts.values()].reduce((sum, count) => sum + count, 0);
    if (heard.length < total) expect(gaps).toBeGreaterThan(0);
  };

  /** Returns how many messages were checked of the key that had the fewest. */
  const checkEverything = async (): Promise<number> => {
    await drained();
    const counts = await written();
    expectOnceInOrder(await inStream(), counts);
    expectHeard(counts);
    return Math.min(...counts.values());
  };

  const victims = () => relays.filter(({ exitCode, signalCode }) => exitCode === null && signalCode === null);
  const holdersOf = async () => {
    const { url, password } = database.address;
    const leases = await openPostgresLeases({
      url,
      password,
      leaseMs,
      holder: 'test',
      clock: systemClock,
      log: silentLog,
    });
    const held = await leases.list();
    await leases.close();
    return held.filter(({ name }) => name.startsWith('relay/'));
  };

  test('each shard has one holder, every relay some, and nothing is told twice', async () => {
    await writeDuring(async () => {
      // The first to start has all of them at first.
      await expect
        .poll(async () => new Set((await holdersOf()).map(({ holder }) => holder)).size, { timeout: 60_000 })
        .toBe(3);
    });
    expect(await checkEverything()).toBeGreaterThan(3);
    expect((await holdersOf()).map(({ name }) => name)).toEqual(['relay/0', 'relay/1', 'relay/2', 'relay/3']);
  });

  test('relays that are killed, with rows published and not deleted', async () => {
    await writeDuring(async () => {
      for (let round = 0; round < 3; round += 1) {
        for (const victim of victims().slice(0, 2)) victim.kill('SIGKILL');
        await startRelayProcess();
        await startRelayProcess();
        await delay(Math.random() * 300);
      }
    });
    expect(await checkEverything()).toBeGreaterThan(3);
  });

  test('relays that end in order hand their shards over at once', async () => {
    await writeDuring(async () => {
      for (let round = 0; round < 3; round += 1) {
        const [victim] = victims();
        const ended = once(victim!, 'exit');
        victim!.kill('SIGTERM');
        expect((await ended)[0]).toBe(0);
        await startRelayProcess();
      }
    });
    expect(await checkEverything()).toBeGreaterThan(3);
    const tokens = (await holdersOf()).map(({ token }) => token);
    expect(Math.max(...tokens)).toBeGreaterThan(1);
  });

  test('relays that are stopped in the middle of things, longer than their lease, and go on', async () => {
    await writeDuring(async () => {
      for (let round = 0; round < 6; round += 1) {
        const victim = victims()[round % 3]!;
        victim.kill('SIGSTOP');
        await delay(leaseMs * (0.7 + Math.random()));
        victim.kill('SIGCONT');
        await delay(Math.random() * 200);
      }
    });
    expect(await checkEverything()).toBeGreaterThan(3);
  });

  test('NATS that is killed, and NATS that is stopped', async () => {
    await writeDuring(async () => {
      for (let round = 0; round < 2; round += 1) {
        await nats.kill();
        await delay(Math.random() * 500);
        await nats.restart();
        await delay(500);
        nats.pause();
        await delay(1_500);
        nats.resume();
        await delay(500);
      }
    });
    expect(await checkEverything()).toBeGreaterThan(3);
  });

  test.each(['after-kill', 'while-running'] as const)('JetStream that loses its data, %s', async (how) => {
    await writeDuring(async () => {
      await delay(500);
      await nats.deleteData(how);
      await delay(1_000);
    });
    await drained();
    // What comes after is told as ever, by a stream that nobody had to repair.
    await writeDuring(() => delay(200));
    await drained();
    const counts = await written();
    await expect
      .poll(() => Math.min(...keys.map((key) => heard.findLast((m) => m.key === key)?.seq ?? 0)))
      .toBeGreaterThan(3);
    await expect
      .poll(() => keys.map((key) => heard.findLast((message) => message.key === key)?.seq))
      .toEqual(keys.map((key) => counts.get(key)));
    expectHeard(counts);
  });

  test('PostgreSQL that is killed', async () => {
    await writeDuring(async () => {
      for (let round = 0; round < 2; round += 1) {
        await postgres.restart();
        await delay(800);
      }
    });
    expect(await checkEverything()).toBeGreaterThan(3);
  });

  describe('everything at once', () => {
    test('relays killed and stopped while NATS comes and goes', async () => {
      await writeDuring(async () => {
        for (let round = 0; round < 3; round += 1) {
          const [first, second] = victims();
          second!.kill('SIGSTOP');
          await nats.kill();
          first!.kill('SIGKILL');
          await delay(Math.random() * leaseMs);
          await nats.restart();
          await startRelayProcess();
          await delay(leaseMs);
          second!.kill('SIGCONT');
        }
      });
      expect(await checkEverything()).toBeGreaterThan(3);
    });
  });
});
