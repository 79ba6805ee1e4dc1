/**
 * The data keys of blobs in the database, one row for each upload:
 *
 *   put:     row, to be checked in a day ─▶ octets ─▶ row settled; rows of what was replaced are to be checked in an hour
 *   get:     header of the octets ─▶ row of that generation ─▶ data key
 *   delete:  rows ─▶ octets                                       from the first step on nobody can read them
 *   check:   header of the octets ─▶ rows of other generations go
 *
 * An upload that finds its row gone when it is to be settled was deleted while it was under way, and fails.
 *
 * A row is there before its octets are, and goes only when the octets are known to be others'. So what is visible can be read,
 * however uploads of one name overlap and wherever one of them is broken off.
 */
import type { Clock } from '../../clock/clock.ts';
import type { RandomSource } from '../../random/random-source.ts';
import type { Store } from '../../store/store.ts';
import { BlobError } from '../blob-store.ts';
import type { BlobKeyTables } from './blob-key-table.ts';
import { unwrapDataKey, wrapDataKey, type WrapPlace } from './key-wrap.ts';
import { MasterKeysError, type MasterKeys } from './master-keys.ts';
import { generationBytes } from './sealed-format.ts';

export interface DataKeysDeps {
  readonly store: Store<BlobKeyTables>;
  readonly masterKeys: MasterKeys;
  readonly clock: Clock;
  readonly random: RandomSource;
}

const hourMs = 60 * 60 * 1_000;
/** Longer than any upload takes. */
const unsettledMs = 24 * hourMs;
/** Longer than any reader takes to find the row of the header that it has read. */
const replacedMs = hourMs;
const batchRows = 200;

export interface DataKey {
  readonly generation: Uint8Array;
  readonly key: Uint8Array;
}

export interface FoundKey {
  readonly key: Uint8Array;
  /** Of the blob; undefined if its upload was not settled. */
  readonly size: number | undefined;
}

export type DataKeys = ReturnType<typeof createDataKeys>;

export function createDataKeys(deps: DataKeysDeps) {
  const { store, masterKeys, clock, random } = deps;

  return {
    /** Makes a data key for an upload of the blob. */
    async create(blobKey: string): Promise<DataKey> {
      const generation = random.bytes(generationBytes);
      const key = random.bytes(32);
      const master = await available(masterKeys.current());
      const row = {
        blob_key: blobKey,
        generation,
        master_key_id: master.id,
        wrapped: wrapDataKey(master, { blobKey, generation }, key, random),
        size: null,
        check_at_ms: clock.nowMs() + unsettledMs,
      };
      await store.write(async (trx) => {
        await trx.insertInto('blob_keys').values(row).execute();
      });
      return { generation, key };
    },

    /** The upload is visible. False when its row is gone: the blob was deleted meanwhile, and nobody can read what is visible. */
    async settle({ blobKey, generation }: WrapPlace, size: number): Promise<boolean> {
      return await store.write(async (trx) => {
        const { numUpdatedRows } = await trx
          .updateTable('blob_keys')
          .set({ size, check_at_ms: null })
          .where('blob_key', '=', blobKey)
          .where('generation', '=', generation)
          .executeTakeFirst();
        if (numUpdatedRows === 0n) return false;
        await trx
          .updateTable('blob_keys')
          .set({ check_at_ms: clock.nowMs() + replacedMs })
          .where('blob_key', '=', blobKey)
          .where('generation', '!=', generation)
          .where('check_at_ms', 'is', null)
          .execute();
        return true;
      });
    },

    /** The upload is known to have come to nothing. */
    discard,

    /** `other`: the blob has keys, but none of this generation. Throws {@link BlobError} if the key does not open. */
    async find({ blobKey, generation }: WrapPlace): Promise<FoundKey | 'none' | 'other'> {
      const rows = await store.db
        .selectFrom('blob_keys')
        .select(['generation', 'master_key_id', 'wrapped', 'size'])
        .where('blob_key', '=', blobKey)
        .execute();
      const row = rows.find((found) => Buffer.compare(found.generation, generation) === 0);
      if (row === undefined) return rows.length === 0 ? 'none' : 'other';
      const key = await unwrap({ ...row, blob_key: blobKey });
      return { key, size: row.size ?? undefined };
    },

    /**
     * Whether an upload of the blob was settled: without one it is gone, or was not encrypted yet. One that is encrypted just
     * now has a key before its octets are visible.
     */
    async hasSettled(blobKey: string): Promise<boolean> {
      const row = await store.db
        .selectFrom('blob_keys')
        .select('size')
        .where('blob_key', '=', blobKey)
        .where('size', 'is not', null)
        .limit(1)
        .executeTakeFirst();
      return row !== undefined;
    },

    /** From here on nobody can read the blob. */
    async shred(blobKey: string): Promise<void> {
      await store.write(async (trx) => {
        await trx.deleteFrom('blob_keys').where('blob_key', '=', blobKey).execute();
      });
    },

    /**
     * Deletes keys of uploads that were broken off or replaced. `generationOf` reads the header of what is visible. Resolves
     * with how many; there may be more.
     */
    async collect(
      generationOf: (blobKey: string) => Promise<Uint8Array | undefined>,
      signal?: AbortSignal,
    ): Promise<number> {
      const due = await store.db
        .selectFrom('blob_keys')
        .select(['blob_key', 'generation'])
        .where('check_at_ms', '<=', clock.nowMs())
        .orderBy('check_at_ms')
        .limit(batchRows)
        .execute();
      let collected = 0;
      for (const { blob_key: blobKey, generation } of due) {
        if (signal?.aborted === true) break;
        const visible = await generationOf(blobKey);
        if (visible === undefined || Buffer.compare(visible, generation) !== 0) {
          await discard({ blobKey, generation });
          collected++;
        } else {
          await keepVisible({ blobKey, generation });
        }
      }
      return collected;
    },

    /**
     * Wraps data keys anew that are not wrapped by the current master key, and resolves with how many. Begins where it stopped,
     * since the rows say what is left. A key that does not open stays as it is; `onDamaged` hears of it.
     */
    async rewrap(
      onDamaged: (blobKey: string, error: BlobError) => void,
      signal?: AbortSignal,
    ): Promise<number> {
      let rewrapped = 0;
      let after: WrapPlace | undefined;
      for (;;) {
        if (signal?.aborted === true) break;
        const current = await available(masterKeys.current());
        const rows = await outdated(current.id, after);
        const last = rows.at(-1);
        if (last === undefined) break;
        after = { blobKey: last.blob_key, generation: last.generation };
        const renewed: (WrapPlace & { readonly old: string; readonly wrapped: Uint8Array })[] = [];
        for (const row of rows) {
          const place = { blobKey: row.blob_key, generation: row.generation };
          try {
            const wrapped = wrapDataKey(current, place, await unwrap(row), random);
            renewed.push({ ...place, old: row.master_key_id, wrapped });
          } catch (error) {
            if (!(error instanceof BlobError)) throw error;
            onDamaged(row.blob_key, error);
          }
        }
        rewrapped += await store.write(async (trx) => {
          let count = 0;
          for (const { blobKey, generation, old, wrapped } of renewed) {
            const { numUpdatedRows } = await trx
              .updateTable('blob_keys')
              .set({ master_key_id: current.id, wrapped })
              .where('blob_key', '=', blobKey)
              .where('generation', '=', generation)
              .where('master_key_id', '=', old)
              .executeTakeFirst();
            count += Number(numUpdatedRows);
          }
          return count;
        });
      }
      return rewrapped;
    },

    /** How many data keys each master key wraps. Reads an index over all of them. */
    async usage(): Promise<ReadonlyMap<string, number>> {
      const rows = await store.db
        .selectFrom('blob_keys')
        .select((eb) => ['master_key_id', eb.fn.countAll<number | string>().as('count')])
        .groupBy('master_key_id')
        .execute();
      return new Map(rows.map(({ master_key_id: id, count }) => [id, Number(count)]));
    },
  };

  async function discard({ blobKey, generation }: WrapPlace): Promise<void> {
    await store.write(async (trx) => {
      await trx
        .deleteFrom('blob_keys')
        .where('blob_key', '=', blobKey)
        .where('generation', '=', generation)
        .execute();
    });
  }

  async function unwrap(row: {
    readonly blob_key: string;
    readonly generation: Uint8Array;
    readonly master_key_id: string;
    readonly wrapped: Uint8Array;
  }): Promise<Uint8Array> {
    const master = await available(masterKeys.find(row.master_key_id));
    if (master === undefined) {
      throw new BlobError(
        'BLOB_MASTER_KEY_UNKNOWN',
        `there is no master key ${row.master_key_id} in the ring`,
      );
    }
    const key = unwrapDataKey(master, { blobKey: row.blob_key, generation: row.generation }, row.wrapped);
    if (key === undefined)
      throw new BlobError('BLOB_DATA_KEY_DAMAGED', 'the data key of the blob does not open');
    return key;
  }

  /** A ring that cannot be read now has none of its keys. */
  async function available<T>(asked: Promise<T>): Promise<T> {
    try {
      return await asked;
    } catch (cause) {
      if (!(cause instanceof MasterKeysError)) throw cause;
      throw new BlobError('BLOB_MASTER_KEY_UNKNOWN', 'the ring of master keys cannot be used', { cause });
    }
  }

  /** The checked row is right, so every other of the blob is not. */
  async function keepVisible({ blobKey, generation }: WrapPlace): Promise<void> {
    await store.write(async (trx) => {
      const rows = trx.updateTable('blob_keys').where('blob_key', '=', blobKey);
      await rows.set({ check_at_ms: null }).where('generation', '=', generation).execute();
      await rows
        .set({ check_at_ms: clock.nowMs() })
        .where('generation', '!=', generation)
        .where('check_at_ms', 'is', null)
        .execute();
    });
  }

  async function outdated(currentId: string, after: WrapPlace | undefined) {
    let query = store.db
      .selectFrom('blob_keys')
      .select(['blob_key', 'generation', 'master_key_id', 'wrapped'])
      .where('master_key_id', '!=', currentId);
    if (after !== undefined) {
      query = query.where((eb) =>
        eb.or([
          eb('blob_key', '>', after.blobKey),
          eb.and([eb('blob_key', '=', after.blobKey), eb('generation', '>', after.generation)]),
        ]),
      );
    }
    return await query.orderBy('blob_key').orderBy('generation').limit(batchRows).execute();
  }
}
