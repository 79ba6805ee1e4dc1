import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  createInProcessLeases,
  enqueueOutbox,
  readRelayStatus,
  silentLog,
  startRelay,
  systemClock,
  systemRandom,
} from '@conclave/platform';
import { contractMigrations, outboxRelayContract } from '@conclave/testkit/contracts';
import { missingPostgres, startPostgres, type PostgresServer } from '@conclave/testkit/servers';
import { requireServer } from '@conclave/testkit/servers/require-server';
import { createPostgresDatabase } from './postgres-database.ts';

requireServer(missingPostgres())('PostgreSQL', () => {
  let postgres: PostgresServer;
  beforeAll(async () => {
    postgres = await startPostgres({ settings: { fsync: 'off' } });
  });
  afterAll(() => postgres[Symbol.asyncDispose]());

  outboxRelayContract('PostgreSQL', () => createPostgresDatabase(postgres));

  describe('units that run at the same time', () => {
    const entry = (messageId: string) => ({
      subject: `events.test.${messageId}`,
      orderingKey: messageId,
      messageId,
      payload: new Uint8Array(),
    });

    test('a row whose unit is under way, and the only one, is not passed over', async () => {
      const database = await createPostgresDatabase(postgres);
      const store = await database.open({ migrations: [contractMigrations] });
      await store.write(async (trx) => {
        await enqueueOutbox(trx, entry('before'));
        const { id } = await trx.selectFrom('outbox').select('id').executeTakeFirstOrThrow();
        expect(await store.horizon('outbox')).toBeLessThan(id);
      });
      expect(await store.horizon('outbox')).toBe(1);
      await store.close();
    });

    test('the status counts what is pending, by shard, and tells its age by the clock of the database', async () => {
      const database = await createPostgresDatabase(postgres);
      const store = await database.open({ migrations: [contractMigrations] });
      const leases = createInProcessLeases();
      await leases.acquire('relay/1');
      for (let index = 0; index < 20; index += 1)
        await store.write((trx) => enqueueOutbox(trx, entry(`m${index}`)));
      const { shards, parkedRows } = await readRelayStatus({ store, leases }, 2);
      expect(parkedRows).toBe(0);
      expect(shards.map(({ holder }) => holder?.token)).toEqual([undefined, 1]);
      expect(shards.reduce((sum, { pendingRows }) => sum + pendingRows, 0)).toBe(20);
      for (const { pendingRows, oldestAgeMs } of shards) {
        expect(pendingRows).toBeGreaterThan(0);
        expect(oldestAgeMs).toBeGreaterThanOrEqual(0);
      }
      await store.close();
    });

    test('rows of units that end in another order than they began are all published', async () => {
      const database = await createPostgresDatabase(postgres);
      const store = await database.open({ migrations: [contractMigrations] });
      const published = new Set<string>();
      const relay = startRelay({
        store,
        leases: createInProcessLeases(),
        shards: 2,
        clock: systemClock,
        random: systemRandom,
        log: silentLog,
        bus: {
          publish: async (_subject, _payload, { messageId }) => void published.add(messageId),
          subscribe: () => Promise.reject(new Error('nobody subscribes')),
          onGap: () => ({ [Symbol.dispose]() {} }),
          onAvailable: () => ({ [Symbol.dispose]() {} }),
          close: async () => {},
        },
      });
      const expected: string[] = [];
      for (let round = 0; round < 20; round += 1) {
        const [inserted, release] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
        const late = store.write(
          async (trx) => {
            await enqueueOutbox(trx, entry(`late-${round}`));
            inserted.resolve();
            await release.promise;
          },
          { isolation: 'locked-rows' },
        );
        await inserted.promise;
        for (const name of ['a', 'b', 'c']) {
          await store.write((trx) => enqueueOutbox(trx, entry(`${name}-${round}`)));
          expected.push(`${name}-${round}`);
          await expect.poll(() => published.has(`${name}-${round}`)).toBe(true);
        }
        release.resolve();
        await late;
        expected.push(`late-${round}`);
      }
      await expect.poll(() => published.size).toBe(expected.length);
      expect([...published].toSorted()).toEqual(expected.toSorted());
      await relay.close();
      await store.close();
    });
  });
});
