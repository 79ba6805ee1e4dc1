/** Attachments in a bucket, encrypted, with small ones cached in Redis: what members see is the same as on a disk. */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { ask } from '@conclave/testkit';
import {
  missingRedis,
  missingS3,
  startRedis,
  startS3,
  type RedisServer,
  type S3Server,
} from '@conclave/testkit/servers';
import { requireServer } from '@conclave/testkit/servers/require-server';
import { listBlobs, silentLog, systemClock, systemRandom } from '@conclave/platform';
import { createMasterKeys } from '@conclave/platform/blob-encryption';
import { openS3BlobStore } from '@conclave/platform/s3';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { startSealedWorld, type SealedWorld } from './sealed-world.ts';

requireServer(missingS3(), missingRedis())('attachments in S3, with Redis', () => {
  let s3: S3Server;
  let redis: RedisServer;
  let world: SealedWorld;
  let folder: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'conclave-remote-'));
    const masterKeysFile = join(folder, 'master-keys.json');
    await createMasterKeys(masterKeysFile, systemRandom, 0);
    [s3, redis] = await Promise.all([startS3(), startRedis()]);
    const { endpoint, region, bucket, accessKeyId, secretAccessKeyFile } = s3;
    world = await startSealedWorld({
      blobs: { engine: 's3', endpoint, region, bucket, accessKeyId, secretAccessKeyFile, masterKeysFile },
      redis: { url: redis.url, passwordFile: redis.passwordFile },
    });
  });
  afterAll(async () => {
    await world[Symbol.asyncDispose]();
    await s3[Symbol.asyncDispose]();
    await redis[Symbol.asyncDispose]();
    await rm(folder, { recursive: true });
  });

  const objects = async (): Promise<string[]> => {
    const blobs = openS3BlobStore({ ...s3, pathStyle: true, clock: systemClock, log: silentLog });
    const keys = [];
    for await (const key of listBlobs(blobs, '')) keys.push(key);
    blobs.close();
    return keys;
  };

  it.each([1_000, 9_000_000])('%d octets are kept, read, and gone with their deletion', async (size) => {
    const alice = await world.createGroup();
    const octets = new Uint8Array(randomBytes(size));
    const { path, headers, capability } = alice.proveBlob(octets);
    expect((await ask(world.url, 'PUT', path, { octets, headers })).status).toBe(201);
    expect(await objects()).toHaveLength(1);
    const token = await alice.newReadToken();
    for (let time = 0; time < 3; time++) {
      const read = await ask(world.url, 'GET', path, { token });
      expect(Buffer.from(read.octets).equals(Buffer.from(octets))).toBe(true);
    }
    const deletion = { headers: { 'x-conclave-delete-capability': capability } };
    expect((await ask(world.url, 'DELETE', path, deletion)).status).toBe(204);
    expect((await ask(world.url, 'GET', path, { token })).body.errcode).toBe('CONCLAVE_BLOB_GONE');
    expect(await objects()).toEqual([]);
  });

  it('a small one that was read is read again while S3 is away; others are an error, and nothing is lost', async () => {
    const alice = await world.createGroup('other');
    const token = await alice.newReadToken();
    const uploads = [];
    for (const size of [1_000, 1_000]) {
      const octets = new Uint8Array(randomBytes(size));
      const { path, headers } = alice.proveBlob(octets);
      expect((await ask(world.url, 'PUT', path, { octets, headers })).status).toBe(201);
      uploads.push({ path, octets });
    }
    const [seen, unseen] = uploads;
    // The tombstone of an upload stands for a while, so this copy is the process's own.
    expect((await ask(world.url, 'GET', seen!.path, { token })).status).toBe(200);
    await s3.kill();
    const again = await ask(world.url, 'GET', seen!.path, { token });
    expect(Buffer.from(again.octets).equals(Buffer.from(seen!.octets))).toBe(true);
    const refused = await ask(world.url, 'GET', unseen!.path, { token });
    expect([refused.status, refused.body.errcode]).toEqual([503, 'CONCLAVE_STORAGE_UNAVAILABLE']);
    await s3.restart();
    const back = await ask(world.url, 'GET', unseen!.path, { token });
    expect(Buffer.from(back.octets).equals(Buffer.from(unseen!.octets))).toBe(true);
  });
});
