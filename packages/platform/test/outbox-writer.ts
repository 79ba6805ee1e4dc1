/**
 * A process that enqueues outbox rows until it is told to stop: several at a time, each with a pause of its own between its id and
 * its commit. The password of the database comes over the channel to the parent, and at the end goes back how many there were.
 */
import { once } from 'node:events';
import { sql } from 'kysely';
import { contractMigrations, type ContractTables } from '@conclave/testkit/contracts';
import { enqueueOutbox, randomFraction, silentLog, systemClock, systemRandom } from '@conclave/platform';
import { openPostgresStore } from '@conclave/platform/postgres';

/** Every tenth unit fails: its id is given out and never seen. */
class Undone extends Error {}

const [url, writers] = process.argv.slice(2) as [string, string];
process.once('disconnect', () => process.exit(1));
const [password] = (await once(process, 'message')) as [string];
const store = await openPostgresStore<ContractTables>({
  url,
  password,
  maxConnections: Number(writers) + 4,
  migrations: [contractMigrations],
  clock: systemClock,
  log: silentLog,
});

const stopping = new AbortController();
process.once('message', () => stopping.abort());
let written = 0;
process.send!('ready');
await Promise.all(
  Array.from({ length: Number(writers) }, async (_, writer) => {
    while (!stopping.signal.aborted) {
      const isUndone = randomFraction(systemRandom) < 0.1;
      const pauseS = randomFraction(systemRandom) < 0.2 ? randomFraction(systemRandom) * 0.2 : 0;
      const unit = store.write(async (trx) => {
        await enqueueOutbox(trx, {
          subject: 'events.test.1',
          orderingKey: String(writer),
          messageId: 'm',
          payload: new Uint8Array(),
        });
        await sql`select pg_sleep(${pauseS})`.execute(trx);
        if (isUndone) throw new Undone();
      });
      try {
        await unit;
        written += 1;
      } catch (error) {
        if (!(error instanceof Undone)) throw error;
      }
    }
  }),
);
await store.close();
process.send!({ written });
process.disconnect();
