/** The record of a move of attachments in PostgreSQL: what stands in it is the same as on SQLite. */
import { missingPostgres, startPostgres, type PostgresServer } from '@conclave/testkit/servers';
import { requireServer } from '@conclave/testkit/servers/require-server';
import { silentLog, systemClock, type Store } from '@conclave/platform';
import { openPostgresStore } from '@conclave/platform/postgres';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { parseConfig } from '../src/index.ts';
import { claimPlace } from '../src/move-blobs/claim-place.ts';
import {
  beginMove,
  countUnmoved,
  findUnmoved,
  finishMove,
  readMoveStatus,
  readRunningMove,
  recordMoved,
} from '../src/move-blobs/move-progress.ts';
import type { ServerDatabase } from '../src/schema/server-database.ts';
import { allMigrations } from '../src/schema/server-migrations.ts';

requireServer(missingPostgres())('a move of attachments, recorded in PostgreSQL', () => {
  let server: PostgresServer;
  let store: Store<ServerDatabase>;
  beforeAll(async () => {
    server = await startPostgres({ settings: { fsync: 'off' } });
    const { url, password } = await server.createDatabase();
    store = await openPostgresStore<ServerDatabase>({
      url,
      password,
      maxConnections: 6,
      migrations: allMigrations,
      clock: systemClock,
      log: silentLog,
    });
  });
  afterAll(async () => {
    await store.close();
    await server[Symbol.asyncDispose]();
  });

  const s3 = { engine: 's3', bucket: 'conclave', accessKeyId: 'a', secretAccessKeyFile: 'b' } as const;
  const settings = (previous: 'disk' | null) => parseConfig({ blobs: { ...s3, previous } }).blobs;

  it('from the claim of the place to the end', async () => {
    await claimPlace(store, parseConfig({}).blobs);
    await store.write(async (trx) => {
      for (const key of ['a', 'b', 'c']) {
        await trx
          .insertInto('sealed_blobs')
          .values({
            group_id: 'group',
            blob_id: key,
            storage_key: key,
            size: 3_000_000_000,
            sha256: new Uint8Array(32),
            delete_hash: new Uint8Array(32),
            created_at_ms: 0,
          })
          .execute();
      }
    });
    await expect(claimPlace(store, settings(null))).rejects.toThrow('attachments are kept in disk');
    await claimPlace(store, settings('disk'));
    expect(await readRunningMove(store)).toBeUndefined();
    await beginMove(store, 7, 1_000);
    await beginMove(store, 8, 2_000);
    expect(await readRunningMove(store)).toBe(8);
    expect((await findUnmoved(store, true, 'a', 10)).map((row) => row.storage_key)).toEqual(['b', 'c']);
    expect(await recordMoved(store, 'a', { sealed: 1, problem: null })).toBe(true);
    expect(await recordMoved(store, 'b', { sealed: 0, problem: null })).toBe(true);
    expect(await recordMoved(store, 'none', { sealed: 1, problem: null })).toBe(false);
    expect([await countUnmoved(store.db, true), await countUnmoved(store.db, false)]).toEqual([2, 1]);
    expect(await finishMove(store, true, 3_000)).toBe(false);
    expect(await recordMoved(store, 'b', { sealed: 1, problem: null })).toBe(true);
    expect(await recordMoved(store, 'c', { sealed: 1, problem: 'missing' })).toBe(true);
    expect(await finishMove(store, true, 3_000)).toBe(true);
    expect(await readMoveStatus(store, true)).toEqual({
      engine: 's3',
      previous: 'disk',
      isEncrypted: true,
      begunAtMs: 1_000,
      finishedAtMs: 3_000,
      total: { attachments: 3, bytes: 9_000_000_000 },
      verified: { attachments: 2, bytes: 6_000_000_000 },
      problems: 1,
      someProblems: [{ storageKey: 'c', problem: 'missing' }],
    });
    await claimPlace(store, settings(null));
    await beginMove(store, 8, 4_000);
    expect(await countUnmoved(store.db, true)).toBe(1);
  });
});
