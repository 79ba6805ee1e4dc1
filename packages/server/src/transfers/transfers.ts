/**
 * The one-read store: small octet strings that are destroyed by being read (docs/decisions/0001-shape.md).
 *
 * - Reading is one `DELETE … RETURNING`: of any number of readers, in any process, exactly one gets the octets.
 *   The answer may still be lost on its way to that reader; then they are gone, which is the safe side.
 * - An id is 128 random bits and the only key. There is no listing, and the table knows only its hash.
 * - The quota is enforced in the unit that inserts, against totals that change with every row.
 */
import { createHash } from 'node:crypto';
import type { Clock, RandomSource, Store } from '@conclave/platform';
import type { Config } from '../config/config-schema.ts';
import type { ServerDatabase } from '../schema/server-database.ts';

export interface TransfersDeps {
  readonly store: Store<ServerDatabase>;
  readonly clock: Clock;
  readonly random: RandomSource;
  readonly settings: Config['transfers'];
}

export type CreateTransferResult =
  | { readonly ok: true; readonly id: string; readonly expiresAtMs: number }
  | { readonly ok: false };

export type Transfers = ReturnType<typeof createTransfers>;

/** Rows deleted per unit by the sweep, so that it never holds up other writers for long. */
const sweepBatch = 500;

/** Every unit decides by the row of the totals, which it changes, and by rows that it deletes. */
const lockedRows = { isolation: 'locked-rows' } as const;

export function createTransfers({ store, clock, random, settings }: TransfersDeps) {
  return {
    /** `body` has 1 to `maxBytes` octets. `ok: false`: the quota is reached. */
    create(body: Uint8Array, ttlMs: number): Promise<CreateTransferResult> {
      const id = Buffer.from(random.bytes(16)).toString('base64url');
      const expiresAtMs = clock.nowMs() + ttlMs;
      return store.write(async (trx): Promise<CreateTransferResult> => {
        const totals = await trx
          .updateTable('transfer_totals')
          .set((eb) => ({ bytes: eb('bytes', '+', body.length), count: eb('count', '+', 1) }))
          .where('id', '=', 1)
          .where('bytes', '<=', settings.quotaBytes - body.length)
          .where('count', '<', settings.quotaCount)
          .executeTakeFirst();
        if (totals.numUpdatedRows === 0n) return { ok: false };
        await trx
          .insertInto('transfers')
          .values({ id_hash: hashId(id), body, size: body.length, expires_at_ms: expiresAtMs })
          .execute();
        return { ok: true, id, expiresAtMs };
      }, lockedRows);
    },

    /** The octets, once. Undefined when they were read before, have expired, or never existed. */
    async read(id: string): Promise<Uint8Array | undefined> {
      const nowMs = clock.nowMs();
      return store.write(async (trx) => {
        const row = await trx
          .deleteFrom('transfers')
          .where('id_hash', '=', hashId(id))
          .where('expires_at_ms', '>', nowMs)
          .returning(['body', 'size'])
          .executeTakeFirst();
        if (row === undefined) return undefined;
        await trx
          .updateTable('transfer_totals')
          .set((eb) => ({ bytes: eb('bytes', '-', row.size), count: eb('count', '-', 1) }))
          .where('id', '=', 1)
          .execute();
        return row.body;
      }, lockedRows);
    },

    /** Deletes what has expired, in batches; resolves with how many there were. */
    async sweepExpired(): Promise<number> {
      const nowMs = clock.nowMs();
      let total = 0;
      for (;;) {
        const swept = await store.write(async (trx) => {
          const rows = await trx
            .deleteFrom('transfers')
            .where('id_hash', 'in', (eb) =>
              eb
                .selectFrom('transfers')
                .select('id_hash')
                .where('expires_at_ms', '<=', nowMs)
                .orderBy('expires_at_ms')
                .limit(sweepBatch),
            )
            .returning('size')
            .execute();
          const bytes = rows.reduce((sum, { size }) => sum + size, 0);
          if (rows.length > 0) {
            await trx
              .updateTable('transfer_totals')
              .set((eb) => ({ bytes: eb('bytes', '-', bytes), count: eb('count', '-', rows.length) }))
              .where('id', '=', 1)
              .execute();
          }
          return rows.length;
        }, lockedRows);
        total += swept;
        if (swept < sweepBatch) return total;
      }
    },

    /** Octets of all unread transfers, for metrics. */
    async usedBytes(): Promise<number> {
      const row = await store.db.selectFrom('transfer_totals').select('bytes').executeTakeFirst();
      return row?.bytes ?? 0;
    },
  };
}

function hashId(id: string): Uint8Array {
  return new Uint8Array(createHash('sha256').update(id, 'utf8').digest());
}
