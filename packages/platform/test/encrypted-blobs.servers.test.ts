/** Data keys of blobs in PostgreSQL, where uploads of one name are units that run at once. */
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { blobStoreContract } from '@conclave/testkit/contracts';
import { missingPostgres, startPostgres, type PostgresServer } from '@conclave/testkit/servers';
import { requireServer } from '@conclave/testkit/servers/require-server';
import { openDiskBlobStore } from '@conclave/platform';
import { openMasterKeys } from '@conclave/platform/blob-encryption';
import { createTestEncryption, rotateMasterKeys } from './encrypted-store.ts';

requireServer(missingPostgres())('encrypted blobs, keys in PostgreSQL', () => {
  let server: PostgresServer;
  beforeAll(async () => {
    server = await startPostgres({ settings: { fsync: 'off' } });
  });
  afterAll(() => server[Symbol.asyncDispose]());

  blobStoreContract('encrypted on disk, keys in PostgreSQL', async () => {
    const encryption = await createTestEncryption(server);
    const disk = await openDiskBlobStore({ folder: join(encryption.folder, 'blobs') });
    return {
      blobs: await encryption.encrypt(disk),
      destroy: async () => await encryption[Symbol.asyncDispose](),
    };
  });

  test('rotation by two processes at once wraps every key once, whatever is put and deleted meanwhile', async () => {
    await using encryption = await createTestEncryption(server);
    const disk = await openDiskBlobStore({ folder: join(encryption.folder, 'blobs') });
    const [a, b] = [await encryption.encrypt(disk), await encryption.encrypt(disk)];
    async function* body(text: string) {
      yield new TextEncoder().encode(text);
    }
    const put = (n: number) => a.put(`blob-${n}`, body(`content ${n}`), { maxBytes: 100 });
    const count = 250;
    for (let n = 0; n < count; n++) await put(n);
    await rotateMasterKeys(encryption.masterKeysFile);
    const meanwhile = async () => {
      for (let n = 0; n < 25; n++) {
        await a.delete(`blob-${n * 9}`);
        await put(n * 9);
      }
    };
    const [byA, byB] = await Promise.all([a.rewrapDataKeys(), b.rewrapDataKeys(), meanwhile()]);
    expect(byA + byB).toBeLessThanOrEqual(count);
    await a.rewrapDataKeys();
    const { id: current } = await (await openMasterKeys(encryption.masterKeysFile)).current();
    expect(await b.dataKeyUsage()).toEqual(new Map([[current, count]]));
    for (let n = 0; n < count; n++) {
      await using reader = await b.get(`blob-${n}`);
      const chunks = [];
      for await (const chunk of reader!.body) chunks.push(Uint8Array.from(chunk));
      expect(Buffer.concat(chunks).toString()).toBe(`content ${n}`);
    }
  });
});
