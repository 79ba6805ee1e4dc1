/** An attachment whose row was committed without anybody hearing of it: octets and row stay together. */
import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { codeOf } from '@conclave/testkit/contracts';
import { CommitProxy, missingPostgres, startPostgres, type PostgresServer } from '@conclave/testkit/servers';
import { requireServer } from '@conclave/testkit/servers/require-server';
import {
  listBlobs,
  openDiskBlobStore,
  silentLog,
  systemClock,
  systemRandom,
  type BlobStore,
  type Store,
} from '@conclave/platform';
import { openPostgresStore } from '@conclave/platform/postgres';
import { createManualClock } from '@conclave/platform/testing';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import type { ServerDatabase } from '../../src/schema/server-database.ts';
import { allMigrations } from '../../src/schema/server-migrations.ts';
import { createGroupBlobs, type GroupBlobs } from '../../src/sealed-groups/group-blobs.ts';

requireServer(missingPostgres())('an upload whose COMMIT is not answered', () => {
  let server: PostgresServer;
  let proxy: CommitProxy;
  let store: Store<ServerDatabase>;
  let folder: string;
  let blobs: BlobStore;
  let groupBlobs: GroupBlobs;
  const clock = createManualClock();

  beforeAll(async () => {
    server = await startPostgres({ settings: { fsync: 'off' } });
  });
  afterAll(() => server[Symbol.asyncDispose]());

  beforeEach(async () => {
    const address = await server.createDatabase();
    proxy = new CommitProxy(address.url);
    folder = await mkdtemp(join(tmpdir(), 'conclave-outcomes-'));
    blobs = await openDiskBlobStore({ folder });
    store = await openPostgresStore<ServerDatabase>({
      url: await proxy.listen(),
      password: address.password,
      maxConnections: 6,
      migrations: allMigrations,
      clock: systemClock,
      log: silentLog,
      limits: { resolveForMs: 300, retryForMs: 100 },
    });
    await store.write((trx) =>
      trx
        .insertInto('sealed_groups')
        .values({
          group_id: 'group',
          creator: '@ada:conclave.test',
          created_at_ms: 0,
          epoch: 0,
          last_seq: 0,
          state: '{}',
          reservation: null,
          oldest_epoch: 0,
          collected_epoch: 0,
          collected_node: -1,
          oldest_superseded_at_ms: null,
          blob_bytes: 0,
        })
        .execute(),
    );
    groupBlobs = createGroupBlobs({
      store,
      blobs,
      clock,
      random: systemRandom,
      maxBlobBytes: 1_000_000,
      quotaBytes: 1_000_000,
    });
  });
  afterEach(async () => {
    proxy.isDown = false;
    await store.close();
    await proxy[Symbol.asyncDispose]();
    await rm(folder, { recursive: true });
  });

  const octets = new Uint8Array(randomBytes(1_000));
  const blob = {
    groupId: 'group',
    blobId: 'blob',
    size: octets.length,
    sha256: new Uint8Array(createHash('sha256').update(octets).digest()),
    deleteHash: new Uint8Array(32),
  };
  async function* body() {
    yield octets;
  }

  async function storedKeys(): Promise<string[]> {
    const keys = [];
    for await (const key of listBlobs(blobs, '')) keys.push(key);
    return keys;
  }

  /** Nobody can say what became of the COMMIT until the proxy is up again. */
  async function putWithoutAnswer(fate: 'answer lost' | 'commit lost'): Promise<void> {
    proxy.onFate = () => {
      proxy.isDown = true;
      proxy.cutAll();
    };
    proxy.fates.push(fate);
    expect(await codeOf(groupBlobs.put(blob, body()))).toBe('STORE_OUTCOME_UNKNOWN');
    proxy.isDown = false;
    await expect.poll(() => groupBlobs.get('group', 'none').catch(() => 'away')).toBeUndefined();
  }

  test('and took effect: the same upload again is stored already, and its octets are there', async () => {
    await putWithoutAnswer('answer lost');
    expect(await groupBlobs.put(blob, body())).toBe(false);
    await using reader = await groupBlobs.get('group', 'blob');
    const read = [];
    for await (const chunk of reader!.body) read.push(chunk);
    expect(Buffer.concat(read).equals(octets)).toBe(true);
    await clock.advance(48 * 60 * 60 * 1_000);
    expect(await groupBlobs.sweepOrphans()).toBe(0);
    expect(await storedKeys()).toHaveLength(1);
  });

  test('and took no effect: the same upload again is stored, and the sweep takes the octets of the first', async () => {
    await putWithoutAnswer('commit lost');
    expect(await storedKeys()).toHaveLength(1);
    expect(await groupBlobs.put(blob, body())).toBe(true);
    expect(await storedKeys()).toHaveLength(2);
    await clock.advance(48 * 60 * 60 * 1_000);
    expect(await groupBlobs.sweepOrphans()).toBe(1);
    await using reader = await groupBlobs.get('group', 'blob');
    expect(reader?.size).toBe(octets.length);
  });
});
