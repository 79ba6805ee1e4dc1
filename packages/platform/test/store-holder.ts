/** A process that opens the store of `argv[2]`, writes a row, says so and keeps it open until it is killed. */
import { contractMigrations, type ContractTables } from '@conclave/testkit/contracts';
import { openSqliteStore, silentLog, systemClock } from '@conclave/platform';

const store = await openSqliteStore<ContractTables>({
  file: process.argv[2]!,
  migrations: [contractMigrations],
  clock: systemClock,
  log: silentLog,
});
await store.write((trx) =>
  trx.insertInto('account').values({ id: 'holder', balance: 0, photo: null }).execute(),
);
process.send!('open');
process.stdin.resume();
