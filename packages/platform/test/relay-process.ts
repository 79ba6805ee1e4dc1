/** A process that relays, to be killed and stopped: PostgreSQL's outbox to NATS. Says `ready` when it waits for its shards. */
import { readFileSync } from 'node:fs';
import { silentLog, startRelay, systemClock, systemRandom } from '@conclave/platform';
import { openNatsBus } from '@conclave/platform/nats';
import { openPostgresLeases, openPostgresStore } from '@conclave/platform/postgres';
import { contractMigrations, type ContractTables } from '@conclave/testkit/contracts';

export interface RelayProcessOptions {
  readonly holder: string;
  readonly leaseMs: number;
  readonly shards: number;
  readonly database: { readonly url: string; readonly passwordFile: string };
  readonly nats: { readonly url: string; readonly passwordFile: string };
}

const { holder, leaseMs, shards, database, nats } = JSON.parse(process.argv[2]!) as RelayProcessOptions;
const common = { clock: systemClock, log: silentLog };
const passwordOf = ({ passwordFile }: { passwordFile: string }) => readFileSync(passwordFile, 'utf8').trim();
const postgres = { url: database.url, password: passwordOf(database) };
const store = await openPostgresStore<ContractTables>({
  ...common,
  ...postgres,
  maxConnections: 6,
  migrations: [contractMigrations],
});
const leases = await openPostgresLeases({ ...common, ...postgres, leaseMs, holder });
const bus = await openNatsBus({
  ...common,
  url: nats.url,
  password: passwordOf(nats),
  stream: 'EVENTS',
  replicas: 1,
  retentionMs: 3_600_000,
  limits: { acknowledgementMs: 1_000 },
});
const relay = startRelay({
  ...common,
  store,
  bus,
  leases,
  shards,
  random: systemRandom,
  limits: { maxBackoffMs: 500, balanceMs: 1_000 },
});
process.send!('ready');
// Never outlives the test.
process.once('disconnect', () => process.exit(1));
// Asked to end in order: what is under way is finished, the shards are given to the others.
process.once('SIGTERM', () => {
  void (async () => {
    await relay.close();
    await bus.close();
    await leases.close();
    await store.close();
    process.exit(0);
  })();
});
