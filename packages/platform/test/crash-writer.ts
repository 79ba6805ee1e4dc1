/**
 * A process to be killed: many writers on the store of `argv[2]`, and a relay whose bus appends what it accepts
 * to the file `argv[3]`. Every acknowledged unit is reported on standard output, synchronously, one line each.
 *
 * Each unit inserts account `ROUND:WRITER:SEQ`, adds one to account `total` and enqueues one outbox row, so a unit
 * that took effect in part shows.
 */
import { appendFileSync, writeSync } from 'node:fs';
import { sql } from 'kysely';
import { contractMigrations, type ContractTables } from '@conclave/testkit/contracts';
import {
  createInProcessLeases,
  enqueueOutbox,
  openSqliteStore,
  silentLog,
  startRelay,
  systemClock,
  systemRandom,
} from '@conclave/platform';

const [file, acceptedFile, round, writers] = process.argv.slice(2) as [string, string, string, string];

const store = await openSqliteStore<ContractTables>({
  file,
  migrations: [contractMigrations],
  clock: systemClock,
  log: silentLog,
});
startRelay({
  leases: createInProcessLeases(),
  shards: 8,
  store,
  clock: systemClock,
  random: systemRandom,
  log: silentLog,
  bus: {
    async publish(subject, _payload, { messageId }) {
      // A turn of the event loop between asking and accepting, so that the kill falls into it too.
      await new Promise((resolve) => {
        setImmediate(resolve);
      });
      appendFileSync(acceptedFile, `${subject} ${messageId}\n`);
    },
    async subscribe() {
      throw new Error('nobody subscribes');
    },
    onGap: () => ({ [Symbol.dispose]() {} }),
    onAvailable: () => ({ [Symbol.dispose]() {} }),
    async close() {},
  },
});

await Promise.all(
  Array.from({ length: Number(writers) }, async (_, writer) => {
    for (let seq = 0; ; seq += 1) {
      const id = `${round}:${writer}:${seq}`;
      await store.write(async (trx) => {
        await trx
          .insertInto('account')
          .values({ id, balance: 1, photo: new Uint8Array(500) })
          .execute();
        await sql`insert into account (id, balance) values ('total', 1)
          on conflict (id) do update set balance = account.balance + 1`.execute(trx);
        await enqueueOutbox(trx, {
          subject: `events.writer.${writer}`,
          orderingKey: String(writer),
          messageId: id,
          payload: new Uint8Array(100),
        });
      });
      writeSync(1, `${id}\n`);
    }
  }),
);
