/** How the relaying of an installation stands, as any of its processes sees it: for operators. */
import type { Leases } from '../leases/leases.ts';
import { outboxOf } from '../outbox/outbox-of.ts';
import type { OutboxTables } from '../outbox/outbox-table.ts';
import { assertShards, shardOf } from '../outbox/slot.ts';
import { databaseNowMs } from '../store/database-clock.ts';
import type { Store } from '../store/store.ts';
import { relayLeaseName } from './shard-tenures.ts';

export interface ShardStatus {
  readonly shard: number;
  /** Undefined while nobody relays it. */
  readonly holder:
    | { readonly name: string; readonly token: number; readonly expiresInMs: number | undefined }
    | undefined;
  /** Rows that the bus has not acknowledged. */
  readonly pendingRows: number;
  /** By the database's clock; undefined without rows. */
  readonly oldestAgeMs: number | undefined;
}

export interface RelayStatus {
  readonly shards: readonly ShardStatus[];
  readonly parkedRows: number;
}

/** Reads every row of the outbox: not for every second. Rejects with `StoreError` or `LeaseError`. */
export async function readRelayStatus<DB extends OutboxTables>(
  of: { readonly store: Store<DB>; readonly leases: Leases },
  shards: number,
): Promise<RelayStatus> {
  assertShards(shards);
  const { db, engine } = outboxOf(of.store);
  const [rows, parked, held] = await Promise.all([
    db
      .selectFrom('outbox')
      .select(({ fn }) => [
        'slot',
        fn.countAll<number>().as('pending'),
        fn.min('accepted_at_ms').as('oldest_ms'),
        databaseNowMs(engine).as('now_ms'),
      ])
      .groupBy('slot')
      .execute(),
    db
      .selectFrom('outbox_parked')
      .select(({ fn }) => fn.countAll<number>().as('parked'))
      .executeTakeFirstOrThrow(),
    of.leases.list(),
  ]);
  const holderByLease = new Map(held.map((lease) => [lease.name, lease]));
  return {
    parkedRows: parked.parked,
    shards: Array.from({ length: shards }, (_, shard): ShardStatus => {
      const lease = holderByLease.get(relayLeaseName(shard));
      const ofShard = rows.filter(({ slot }) => shardOf(slot, shards) === shard);
      const ages = ofShard.flatMap(({ oldest_ms, now_ms }) =>
        oldest_ms === null ? [] : [Math.max(0, now_ms - oldest_ms)],
      );
      return {
        shard,
        holder: lease && { name: lease.holder, token: lease.token, expiresInMs: lease.expiresInMs },
        pendingRows: ofShard.reduce((sum, { pending }) => sum + pending, 0),
        oldestAgeMs: ages.length === 0 ? undefined : Math.max(...ages),
      };
    }),
  };
}
