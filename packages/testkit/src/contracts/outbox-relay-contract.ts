/**
 * What the outbox and its relay keep on every pair of store and bus (packages/platform/src/relay/relay.ts). The
 * store is the adapter's; the bus is a recorder that refuses when told to, because what is tested is how the relay
 * behaves when a bus fails.
 */
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, onTestFailed, test } from 'vitest';
import {
  BusError,
  createInProcessLeases,
  createMetrics,
  discardParked,
  enqueueOutbox,
  listParked,
  serializeError,
  startRelay,
  systemRandom,
  unpark,
  type Bus,
  type Log,
  type Relay,
  type RelayLimits,
  type Store,
} from '@conclave/platform';
import { createManualClock, type ManualClock } from '@conclave/platform/testing';
import { createRecordingBus } from './recording-bus.ts';
import { contractMigrations, type ContractDatabase, type ContractTables } from './store-contract.ts';
import { trackStore, type TrackedStore } from './track-store.ts';

export function outboxRelayContract(adapter: string, createDatabase: () => Promise<ContractDatabase>): void {
  describe(`${adapter}: outbox and relay contract`, () => {
    let database: ContractDatabase;
    let store: Store<ContractTables>;
    let quiet: TrackedStore<ContractTables>['quiet'];
    let clock: ManualClock;
    let recorder: ReturnType<typeof createRecordingBus>;
    let relays: Relay[];
    /** What was logged: shown when the test fails. */
    let lines: string[];
    const note = (level: string) => (fields: object, message: string) => {
      const error = 'err' in fields ? serializeError(fields.err) : undefined;
      lines.push(`${level} ${message} ${JSON.stringify({ ...fields, err: error })}\n`);
    };
    const log: Log = { debug: () => {}, info: note('info'), warn: note('warn'), error: note('error') };

    beforeEach(async () => {
      database = await createDatabase();
      ({ store, quiet } = trackStore(await database.open({ migrations: [contractMigrations] })));
      clock = createManualClock();
      recorder = createRecordingBus();
      relays = [];
      lines = [];
      onTestFailed(() => {
        process.stderr.write(lines.join(''));
      });
    });

    afterEach(async () => {
      for (const relay of relays) await relay.close();
      await store.close();
      await database.destroy();
    });

    /** The leases of a relay that nobody competes with. */
    const alone = () => ({ leases: createInProcessLeases(), shards: 4 });

    const start = (limits: Partial<RelayLimits> = {}, bus: Bus = recorder.bus) => {
      const metrics = createMetrics();
      const relay = startRelay({
        ...alone(),
        store,
        bus,
        clock,
        random: systemRandom,
        log,
        metrics,
        limits,
      });
      relays.push(relay);
      return { relay, metrics };
    };

    /** The store, with some of its methods failing. */
    const storeWith = (methods: Partial<Store<ContractTables>>): Store<ContractTables> => ({
      engine: store.engine,
      db: store.db,
      prepare: (define) => store.prepare(define),
      horizon: (table) => store.horizon(table),
      onOutbox: (listener) => store.onOutbox(listener),
      write: (unit, options) => store.write(unit, options),
      close: () => Promise.resolve(),
      ...methods,
    });

    const enqueue = (key: string, ...messageIds: string[]) =>
      store.write(async (trx) => {
        for (const messageId of messageIds) {
          await enqueueOutbox(trx, {
            subject: `events.test.${key}`,
            orderingKey: key,
            messageId,
            payload: new TextEncoder().encode(`text of ${messageId}`),
          });
        }
      });

    /** What happened next to account `key`, in the unit that makes it happen; the account's row is the lock of the order. */
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
            messageId: `${key}-${balance}`,
            payload: new TextEncoder().encode(`text of ${balance}`),
          });
        },
        { isolation: 'locked-rows' },
      );

    const pending = async () =>
      (await store.db.selectFrom('outbox').select('message_id').orderBy('id').execute()).map(
        (row) => row.message_id,
      );

    /** Lets the event loop turn, and time pass if asked, until `condition` holds. */
    const until = async (condition: () => boolean | Promise<boolean>, stepMs = 0) => {
      for (;;) {
        await quiet();
        if (await condition()) return;
        await clock.advance(stepMs);
      }
    };

    /** Lets this much time pass, in steps, and everything happen that is due in it. */
    const pass = async (totalMs: number, stepMs = 50) => {
      for (let passedMs = 0; passedMs < totalMs; passedMs += stepMs) {
        await quiet();
        await clock.advance(stepMs);
      }
      await quiet();
    };

    const drained = (stepMs = 0) => until(async () => (await pending()).length === 0, stepMs);
    const acceptedIds = () => recorder.accepted.map(({ messageId }) => messageId);

    test('publishes what was enqueued and deletes it after the acknowledgement', async () => {
      start();
      await enqueue('a', 'm1');
      await drained();
      expect(recorder.accepted).toEqual([{ subject: 'events.test.a', messageId: 'm1', text: 'text of m1' }]);
    });

    test('publishes what it finds at its start', async () => {
      await enqueue('a', 'm1', 'm2');
      await enqueue('b', 'm3');
      start();
      await drained();
      expect(acceptedIds().toSorted()).toEqual(['m1', 'm2', 'm3']);
    });

    test('publishes nothing of a unit that failed', async () => {
      start();
      const failed = store.write(async (trx) => {
        await enqueueOutbox(trx, {
          subject: 'events.test.a',
          orderingKey: 'a',
          messageId: 'never',
          payload: new Uint8Array(),
        });
        throw new Error('undone');
      });
      await expect(failed).rejects.toThrow('undone');
      await enqueue('a', 'm1');
      await drained();
      expect(recorder.attempts).toEqual(['m1']);
    });

    test('keeps the row until the acknowledgement', async () => {
      const acknowledge = Promise.withResolvers<void>();
      recorder.setBehaviour(() => acknowledge.promise);
      start();
      await enqueue('a', 'm1');
      await until(() => recorder.attempts.length === 1);
      await pass(10_000);
      expect(await pending()).toEqual(['m1']);
      acknowledge.resolve();
      await drained();
      expect(recorder.attempts).toEqual(['m1']);
    });

    test('keeps the order of each key under concurrent writers, with one publication in flight per key', async () => {
      recorder.setBehaviour(async ({ text }) => {
        for (let turn = 0; turn < text.length % 3; turn += 1) await clock.advance(0);
      });
      start({ batchSize: 16, maxBufferedPerKey: 3, maxBufferedRows: 20, maxKeys: 4, maxInFlight: 3 });
      const keys = Array.from({ length: 9 }, (_, index) => `k${index}`);
      await store.write(async (trx) => {
        for (const id of keys)
          await trx.insertInto('account').values({ id, balance: 0, photo: null }).execute();
      });
      await Promise.all(keys.flatMap((key) => Array.from({ length: 25 }, () => enqueueNext(key))));
      await drained();
      for (const key of keys) {
        const published = recorder.accepted.filter(({ subject }) => subject === `events.test.${key}`);
        expect(published.map(({ messageId }) => messageId)).toEqual(
          Array.from({ length: 25 }, (_, index) => `${key}-${index + 1}`),
        );
      }
      expect(recorder.mostInFlightPerSubject).toBe(1);
      expect(recorder.attempts).toHaveLength(225);
    });

    test('has many keys in flight at once, within its bound', async () => {
      const acknowledge = Promise.withResolvers<void>();
      recorder.setBehaviour(() => acknowledge.promise);
      start({ maxInFlight: 7 });
      for (let key = 0; key < 20; key += 1) await enqueue(`k${key}`, `m${key}`);
      await until(() => recorder.attempts.length === 7);
      await clock.advance(1);
      expect(recorder.attempts).toHaveLength(7);
      acknowledge.resolve();
      await drained();
      expect(recorder.attempts).toHaveLength(20);
    });

    test('reads on by itself when there was no room for what it found', async () => {
      for (let key = 0; key < 10; key += 1) await enqueue(`k${key}`, `m${key}`);
      start({ maxKeys: 2, batchSize: 50 });
      await drained();
      expect(recorder.attempts).toHaveLength(10);
    });

    test('holds no more octets and rows than it may, give or take one read', async () => {
      const keys = Array.from({ length: 8 }, (_, index) => `k${index}`);
      const payload = new Uint8Array(10_000);
      const enqueueAll = (ids: string, byKey: boolean) =>
        store.write(async (trx) => {
          for (let index = 0; index < 320; index += 1) {
            const key = keys[byKey ? Math.floor(index / 40) : index % 8]!;
            const seq = byKey ? index % 40 : Math.floor(index / 8);
            const messageId = `${ids}-${key}-${seq}`;
            await enqueueOutbox(trx, { subject: `events.test.${key}`, orderingKey: key, messageId, payload });
          }
        });
      const buffered: number[] = [];
      const look = async ({ metrics }: ReturnType<typeof start>) => {
        const [, rows] = /relay_buffered_rows (\d+)/.exec(await metrics.exposition()) ?? [];
        buffered.push(Number(rows));
      };
      const limits = { maxInFlight: 2, batchSize: 40, maxBufferedPerKey: 40 };
      await enqueueAll('octets', true);
      const bytes = start({ ...limits, maxBufferedBytes: 50_000 });
      recorder.setBehaviour(() => look(bytes));
      await drained();
      await bytes.relay.close();
      // Five rows of it, and as many more as one read has; the first one does not know yet how large they are.
      expect(Math.max(...buffered)).toBeLessThanOrEqual(5 + 5);
      buffered.length = 0;
      await enqueueAll('rows', false);
      const rows = start({ ...limits, maxBufferedRows: 10 });
      recorder.setBehaviour(() => look(rows));
      await drained();
      expect(Math.max(...buffered)).toBeLessThanOrEqual(10 + 40);
      for (const key of keys) {
        const ids = acceptedIds().filter((id) => id.includes(`-${key}-`));
        expect(ids).toEqual(
          ['octets', 'rows'].flatMap((of) => Array.from({ length: 40 }, (_, seq) => `${of}-${key}-${seq}`)),
        );
      }
    });

    test('lets every key have its turn, however long another queue is', async () => {
      await enqueue('long', ...Array.from({ length: 500 }, (_, index) => `long-${index}`));
      await enqueue('short', 'short-1');
      start({ maxInFlight: 1, batchSize: 50, maxBufferedPerKey: 10, maxBufferedRows: 100 });
      await until(() => acceptedIds().includes('short-1'));
      expect(acceptedIds().indexOf('short-1')).toBeLessThan(400);
      await drained();
      expect(recorder.attempts).toHaveLength(501);
    });

    test('a key that fails waits, longer each time, and others go on', async () => {
      const attemptsMs: number[] = [];
      recorder.setBehaviour(async ({ subject }) => {
        if (subject !== 'events.test.bad') return;
        attemptsMs.push(clock.nowMs());
        throw new BusError('BUS_UNAVAILABLE', 'away');
      });
      start({ minBackoffMs: 100, maxBackoffMs: 1_000 });
      await enqueue('bad', 'bad-1', 'bad-2');
      await enqueue('good', 'good-1', 'good-2');
      await until(async () => (await pending()).length === 2);
      expect(acceptedIds()).toEqual(['good-1', 'good-2']);
      await until(() => attemptsMs.length >= 8, 50);
      const delaysMs = attemptsMs.slice(1).map((atMs, index) => atMs - attemptsMs[index]!);
      for (const [index, delayMs] of delaysMs.entries()) {
        const ceilingMs = Math.min(1_000, 100 * 2 ** index);
        expect(delayMs).toBeGreaterThanOrEqual(ceilingMs / 2);
        expect(delayMs).toBeLessThanOrEqual(ceilingMs + 50);
      }
      expect(recorder.attempts).not.toContain('bad-2');
    });

    test('a bus that is away parks nothing, and everything follows in order when it is back', async () => {
      let away = true;
      recorder.setBehaviour(async () => {
        if (away) throw new BusError('BUS_UNAVAILABLE', 'away');
      });
      const { metrics } = start({ maxAttempts: 3, maxBackoffMs: 1_000, maxKeys: 5 });
      const keys = Array.from({ length: 12 }, (_, index) => `k${index}`);
      for (const key of keys) await enqueue(key, `${key}-1`, `${key}-2`, `${key}-3`);
      await until(() => recorder.attempts.length > 60, 100);
      expect(await pending()).toHaveLength(36);
      // One row of each of `maxKeys` keys.
      expect(new Set(recorder.attempts).size).toBe(5);
      expect(await metrics.exposition()).toMatch(/conclave_relay_blocked_keys [1-5]\n/);
      away = false;
      await drained(100);
      expect(await metrics.exposition()).toContain('conclave_relay_blocked_keys 0');
      expect(await listParked(store, { limit: 100 })).toEqual([]);
      for (const key of keys) {
        expect(acceptedIds().filter((id) => id.startsWith(`${key}-`))).toEqual([
          `${key}-1`,
          `${key}-2`,
          `${key}-3`,
        ]);
      }
    });

    test('a key that backs off goes on at once when the bus is back, and as if it had not failed', async () => {
      const { metrics } = start({ minBackoffMs: 100, maxBackoffMs: 3_600_000 });
      recorder.setBehaviour(async () => {
        throw new BusError('BUS_UNAVAILABLE', 'no connection');
      });
      await enqueue('a', 'a1', 'a2');
      await enqueue('b', 'b1');
      // Long enough for waits of minutes.
      await until(() => recorder.attempts.length >= 24, 20_000);
      await until(async () => (await metrics.exposition()).includes('conclave_relay_blocked_keys 2'));
      // It is back, and fails once more: the next wait is a short one again.
      recorder.tellAvailable();
      await until(async () => {
        const blocked = (await metrics.exposition()).includes('conclave_relay_blocked_keys 2');
        return blocked && recorder.attempts.length >= 26;
      });
      const tried = recorder.attempts.length;
      await pass(100);
      expect(recorder.attempts.length).toBe(tried + 2);
      recorder.setBehaviour(async () => {});
      recorder.tellAvailable();
      await drained();
      expect(acceptedIds().filter((id) => id !== 'b1')).toEqual(['a1', 'a2']);
      expect(acceptedIds()).toContain('b1');
    });

    test('a row that the bus keeps refusing is parked, counted, listed, and its key goes on', async () => {
      recorder.setBehaviour(async ({ messageId }) => {
        if (messageId === 'poison') throw new BusError('BUS_TOO_LARGE', 'too large');
      });
      const { metrics } = start({ maxAttempts: 4, maxBackoffMs: 100 });
      await enqueue('a', 'before', 'poison', 'after');
      await drained(50);
      expect(acceptedIds()).toEqual(['before', 'after']);
      expect(recorder.attempts.filter((id) => id === 'poison')).toHaveLength(4);
      const parked = await listParked(store, { limit: 10 });
      expect(parked).toMatchObject([
        { message_id: 'poison', ordering_key: 'a', attempts: 4, error_code: 'BUS_TOO_LARGE' },
      ]);
      const exposition = await metrics.exposition();
      expect(exposition).toContain('conclave_relay_parked_total 1');
      expect(exposition).toContain('conclave_outbox_parked 1');
      expect(exposition).toContain('conclave_outbox_pending 0');
      expect(exposition).toContain('conclave_relay_published_total 2');
    });

    test('a row starts afresh, whatever happened to the one before it', async () => {
      const attemptsMs = new Map<string, number[]>();
      recorder.setBehaviour(async ({ messageId }) => {
        if (messageId === 'fine') return;
        attemptsMs.set(messageId, [...(attemptsMs.get(messageId) ?? []), clock.nowMs()]);
        const { length } = attemptsMs.get(messageId)!;
        if (messageId === 'late' && length === 4) return;
        throw new Error('refused');
      });
      start({ maxAttempts: 5, minBackoffMs: 100, maxBackoffMs: 100_000 });
      await enqueue('a', 'poison-1', 'late', 'fine', 'poison-2');
      await drained(50);
      expect((await listParked(store, { limit: 10 })).map((row) => [row.message_id, row.attempts])).toEqual([
        ['poison-1', 5],
        ['poison-2', 5],
      ]);
      expect(acceptedIds()).toEqual(['late', 'fine']);
      for (const [first, second] of attemptsMs.values()) expect(second! - first!).toBeLessThanOrEqual(150);
    });

    test('a row whose id becomes visible late is published, and what is settled is not repeated', async () => {
      let failing = true;
      let horizon = 14;
      const flaky = storeWith({
        write: (unit) => (failing ? Promise.reject(new Error('no space')) : store.write(unit)),
        horizon: () => Promise.resolve(horizon),
      });
      const limits = { maxBufferedPerKey: 1, maxBackoffMs: 1_000 };
      relays.push(
        startRelay({
          ...alone(),
          store: flaky,
          bus: recorder.bus,
          clock,
          random: systemRandom,
          log,
          limits,
        }),
      );
      const insertAs = (...ids: number[]) =>
        store.write(async (trx) => {
          for (const id of ids) {
            await trx
              .insertInto('outbox')
              .values({
                id,
                subject: 'events.test.a',
                ordering_key: 'a',
                message_id: `m${id}`,
                payload: new Uint8Array(),
              })
              .execute();
          }
        });
      await insertAs(20);
      await until(() => recorder.accepted.length === 1, 100);
      await insertAs(15, 16, 17);
      await until(() => recorder.accepted.length === 4, 100);
      horizon = 20;
      failing = false;
      await drained(1_000);
      expect(recorder.attempts).toEqual(['m20', 'm15', 'm16', 'm17']);
    });

    test('a parked row that is unparked is published under its own id; one that is discarded is gone', async () => {
      let refuse = true;
      recorder.setBehaviour(async ({ messageId }) => {
        if (refuse && messageId.startsWith('poison')) throw new Error('refused');
      });
      start({ maxAttempts: 1 });
      await enqueue('a', 'poison-1');
      await enqueue('a', 'poison-2');
      await drained(50);
      const [first, second] = await listParked(store, { limit: 10 });
      expect(await listParked(store, { limit: 10, afterId: first!.id })).toEqual([second]);
      refuse = false;
      expect(await unpark(store, first!.id)).toBe(true);
      expect(await unpark(store, first!.id)).toBe(false);
      expect(await discardParked(store, second!.id)).toBe(true);
      expect(await discardParked(store, second!.id)).toBe(false);
      await until(() => acceptedIds().includes('poison-1'));
      await drained();
      expect(recorder.accepted).toEqual([
        { subject: 'events.test.a', messageId: 'poison-1', text: 'text of poison-1' },
      ]);
      expect(await listParked(store, { limit: 10 })).toEqual([]);
    });

    test('what was acknowledged but not deleted is published again, in order, under the same id', async () => {
      await enqueue('a', 'm1', 'm2', 'm3');
      // A process that dies between acknowledgement and deletion: its store refuses the deletion.
      const dying = storeWith({ write: () => Promise.reject(new Error('the process is gone')) });
      const first = startRelay({
        ...alone(),
        store: dying,
        bus: recorder.bus,
        clock,
        random: systemRandom,
        log,
      });
      await until(() => recorder.accepted.length === 3);
      await first.close();
      expect(await pending()).toEqual(['m1', 'm2', 'm3']);
      expect(acceptedIds()).toEqual(['m1', 'm2', 'm3']);
      start();
      await drained();
      expect(acceptedIds()).toEqual(['m1', 'm2', 'm3', 'm1', 'm2', 'm3']);
    });

    test('an error of the store is survived, and nothing is published twice for it', async () => {
      let failing = true;
      let failures = 0;
      const flaky = storeWith({
        write: (unit) => {
          if (!failing) return store.write(unit);
          failures += 1;
          return Promise.reject(new Error('no space'));
        },
      });
      const relay = startRelay({
        ...alone(),
        store: flaky,
        bus: recorder.bus,
        clock,
        random: systemRandom,
        log,
      });
      relays.push(relay);
      await enqueue('a', 'm1', 'm2');
      await until(() => failures >= 3, 100);
      expect(await pending()).toEqual(['m1', 'm2']);
      failing = false;
      await drained(1_000);
      await enqueue('a', 'm3');
      await drained(1_000);
      expect(recorder.attempts).toEqual(['m1', 'm2', 'm3']);
    });

    test('stops publishing when the store takes no deletions', async () => {
      const full = storeWith({ write: () => Promise.reject(new Error('no space')) });
      await enqueue('a', ...Array.from({ length: 100 }, (_, index) => `m${index}`));
      const limits = { maxBufferedRows: 10, batchSize: 5, maxBackoffMs: 100 };
      relays.push(
        startRelay({
          ...alone(),
          store: full,
          bus: recorder.bus,
          clock,
          random: systemRandom,
          log,
          limits,
        }),
      );
      await pass(10_000);
      expect(recorder.attempts.length).toBeGreaterThan(10);
      expect(recorder.attempts.length).toBeLessThan(30);
    });

    test('whatever fails and whenever: every row once, each key in order, within any bounds', async () => {
      const small = fc.integer({ min: 1, max: 6 });
      const scenario = fc.record({
        rows: fc.array(fc.nat(4), { minLength: 1, maxLength: 60 }),
        failures: fc.array(fc.constantFrom('accept', 'accept', 'slow', 'away', 'refuse'), { maxLength: 80 }),
        limits: fc.record({
          batchSize: small,
          maxInFlight: small,
          maxBufferedRows: small,
          maxBufferedBytes: fc.integer({ min: 1, max: 100 }),
          maxBufferedPerKey: small,
          maxKeys: small,
        }),
      });
      let runs = 0;
      await fc.assert(
        fc.asyncProperty(scenario, async ({ rows, failures, limits }) => {
          runs += 1;
          const run = runs;
          const recorder = createRecordingBus();
          const script = [...failures];
          recorder.setBehaviour(async () => {
            const next = script.shift();
            if (next === 'slow') await clock.advance(0);
            if (next === 'away') throw new BusError('BUS_UNAVAILABLE', 'away');
            if (next === 'refuse') throw new Error('refused');
          });
          const { relay } = start({ ...limits, maxAttempts: 1_000, maxBackoffMs: 200 }, recorder.bus);
          const half = Math.ceil(rows.length / 2);
          const enqueueAll = async (from: number, to: number) => {
            for (let index = from; index < to; index += 1) {
              await enqueue(`k${rows[index]}`, `run-${run}-${rows[index]}-${index}`);
            }
          };
          await Promise.all([enqueueAll(0, half), until(() => recorder.attempts.length > 0, 10)]);
          await enqueueAll(half, rows.length);
          await drained(50);
          await relay.close();
          const published = recorder.accepted.map(({ messageId }) => messageId);
          for (const key of new Set(rows)) {
            expect(published.filter((id) => id.startsWith(`run-${run}-${key}-`))).toEqual(
              rows.flatMap((of, index) => (of === key ? [`run-${run}-${key}-${index}`] : [])),
            );
          }
          expect(published).toHaveLength(rows.length);
          expect(recorder.mostInFlightPerSubject).toBe(1);
        }),
        { numRuns: 25 },
      );
    });

    test('finds rows that nobody woke it for', async () => {
      const deaf = storeWith({ onOutbox: () => ({ [Symbol.dispose]() {} }) });
      relays.push(
        startRelay({
          ...alone(),
          store: deaf,
          bus: recorder.bus,
          clock,
          random: systemRandom,
          log,
        }),
      );
      await clock.advance(0);
      for (const messageId of ['m1', 'm2', 'm3']) {
        await enqueue('a', messageId);
        await drained(1_000);
      }
      expect(acceptedIds()).toEqual(['m1', 'm2', 'm3']);
    });

    test('closing while keys back off leaves no timer behind', async () => {
      recorder.setBehaviour(async () => {
        throw new BusError('BUS_UNAVAILABLE', 'away');
      });
      const { relay } = start();
      await enqueue('a', 'm1');
      await enqueue('b', 'm2');
      await until(() => recorder.attempts.length === 2);
      await clock.advance(1);
      await relay.close();
      expect(clock.pending).toBe(0);
      expect(await pending()).toEqual(['m1', 'm2']);
    });

    test('closing waits for what is in flight, deletes it and starts nothing more', async () => {
      const acknowledge = Promise.withResolvers<void>();
      recorder.setBehaviour(() => acknowledge.promise);
      const { relay } = start();
      await enqueue('a', 'm1', 'm2');
      await until(() => recorder.attempts.length === 1);
      const closing = relay.close();
      acknowledge.resolve();
      await closing;
      expect(await pending()).toEqual(['m2']);
      expect(recorder.attempts).toEqual(['m1']);
      expect(clock.pending).toBe(0);
    });
  });
}
