/** The format of encrypted blobs stays what it was: blobs of the first release are read, and the same ones are written. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openDiskBlobStore, silentLog, systemClock, type BlobStore } from '@conclave/platform';
import { createMasterKeys, encryptBlobs, openMasterKeys } from '@conclave/platform/blob-encryption';
import { createTestEncryption, type TestEncryption } from './encrypted-store.ts';
import { fixtureOctets, fixtureRandom, type SealedBlobsFixture } from './sealed-blobs-fixture.ts';

const fixture = JSON.parse(
  readFileSync(new URL('fixtures/sealed-blobs.json', import.meta.url), 'utf8'),
) as SealedBlobsFixture;
const maxBytes = 10_000_000;

let encryption: TestEncryption;
let disk: BlobStore;
beforeEach(async () => {
  encryption = await createTestEncryption();
  disk = await openDiskBlobStore({ folder: join(encryption.folder, 'blobs') });
});
afterEach(async () => await encryption[Symbol.asyncDispose]());

async function* bodyOf(octets: Uint8Array, chunkBytes: number) {
  for (let at = 0; at < octets.length; at += chunkBytes) yield octets.subarray(at, at + chunkBytes);
}

async function read(blobs: BlobStore, key: string): Promise<Buffer> {
  await using reader = await blobs.get(key);
  const chunks = [];
  for await (const chunk of reader!.body) chunks.push(Uint8Array.from(chunk));
  return Buffer.concat(chunks);
}

test('blobs that the first release has written are read', async () => {
  const masterKeysFile = join(encryption.folder, 'fixture.json');
  await writeFile(masterKeysFile, JSON.stringify(fixture.masterKeys), { mode: 0o600 });
  const blobs = await encryption.encrypt(disk, { masterKeysFile });
  const whole = fixture.blobs.filter(({ sealed }) => sealed !== undefined);
  expect(whole.map(({ size }) => size)).toEqual([0, 1, 65_537]);
  for (const { key, size, row, sealed } of whole) {
    await disk.put(key, bodyOf(Buffer.from(sealed!, 'base64'), 1_000), { maxBytes });
    await encryption.store.write((trx) =>
      trx
        .insertInto('blob_keys')
        .values({
          blob_key: key,
          generation: Buffer.from(row.generation, 'hex'),
          master_key_id: row.master_key_id,
          wrapped: Buffer.from(row.wrapped, 'hex'),
          size,
          check_at_ms: null,
        })
        .execute(),
    );
    expect((await read(blobs, key)).equals(fixtureOctets(size))).toBe(true);
  }
});

test.each([997, 10_007, 65_536, 65_537, 1_048_576, 3_000_000])(
  'the octets in the store are those that the first release has written, from chunks of %d',
  async (chunkBytes) => {
    const random = fixtureRandom();
    const file = join(encryption.folder, 'fixture.json');
    await rm(file, { force: true });
    await createMasterKeys(file, random, Date.UTC(2026, 10, 21));
    const masterKeys = await openMasterKeys(file);
    const { store } = encryption;
    const blobs = encryptBlobs(disk, { store, masterKeys, clock: systemClock, random, log: silentLog });
    for (const { key, size, row, sealedSha256 } of fixture.blobs) {
      const octets = fixtureOctets(size);
      expect(await blobs.put(key, bodyOf(octets, chunkBytes), { maxBytes })).toEqual({
        ok: true,
        size,
        sha256: new Uint8Array(createHash('sha256').update(octets).digest()),
      });
      const sum = createHash('sha256').update(await read(disk, key));
      expect([size, sum.digest('hex')]).toEqual([size, sealedSha256]);
      const { wrapped } = await store.db
        .selectFrom('blob_keys')
        .select('wrapped')
        .where('blob_key', '=', key)
        .executeTakeFirstOrThrow();
      expect(Buffer.from(wrapped).toString('hex')).toBe(row.wrapped);
      expect((await read(blobs, key)).equals(octets)).toBe(true);
    }
  },
);
