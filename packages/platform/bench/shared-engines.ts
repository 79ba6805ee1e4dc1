/**
 * What limits in Redis and blobs in S3 take, on servers that this starts and stops: `node packages/platform/bench/shared-engines.ts`.
 * Server and client share the machine; the ratios say more than the figures.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startRedis, startS3 } from '@conclave/testkit/servers';
import {
  cacheBlobs,
  createMetrics,
  createTokenBucketLimiter,
  octetsCodec,
  openDiskBlobStore,
  silentLog,
  systemClock,
  type BlobStore,
  type RateLimiter,
} from '@conclave/platform';
import { openRedis } from '@conclave/platform/redis';
import { openS3BlobStore } from '@conclave/platform/s3';
import { createTestEncryption } from '../test/encrypted-store.ts';

const MiB = 1024 * 1024;
const largeBytes = 64 * MiB;
const smallBytes = 10_000;

await using redisServer = await startRedis();
await using s3Server = await startS3();
await using encryption = await createTestEncryption();
const folder = await mkdtemp(join(tmpdir(), 'conclave-bench-'));
const common = { clock: systemClock, log: silentLog };
const redis = await openRedis({ ...common, ...redisServer, prefix: 'bench:', metrics: createMetrics() });
const s3 = openS3BlobStore({ ...common, ...s3Server, pathStyle: true });
const disk = await openDiskBlobStore({ folder });
const cache = await redis.createCache({
  name: 'bench',
  maxBytes: 64 * MiB,
  maxSharedBytes: 64 * MiB,
  maxValueBytes: MiB,
  ttlMs: 60_000,
  sizeOf: (octets) => octets.length,
  codec: octetsCodec,
});

const limit = { perSecond: 1_000_000, burst: 1_000_000 };
await limits('own buckets', createTokenBucketLimiter({ clock: systemClock, ...limit }));
await limits('Redis', redis.createRateLimiter({ name: 'bench', ...limit }));
await large('disk', disk);
await large('disk, encrypted', await encryption.encrypt(disk));
await large('S3', s3);
await large('S3, encrypted', await encryption.encrypt(s3));
await small('disk', disk);
await small('S3', s3);
await small('S3, cached', cacheBlobs(s3, cache, MiB));

await redis.close();
s3.close();
await rm(folder, { recursive: true });

async function limits(name: string, limiter: RateLimiter): Promise<void> {
  const count = 20_000;
  const ask = async (n: number) => await limiter.take(`address ${n % 500}`);
  for (let n = 0; n < 2_000; n++) await ask(n);
  const oneByOne = await timed(async () => {
    for (let n = 0; n < count; n++) await ask(n);
  });
  const together = await timed(async () => {
    for (let n = 0; n < count; n += 100) await Promise.all(Array.from({ length: 100 }, (_, i) => ask(n + i)));
  });
  print(
    `limits, ${name}`,
    `${perSecond(count, oneByOne)}/s one by one, ${perSecond(count, together)}/s 100 at a time`,
  );
}

async function large(name: string, blobs: BlobStore): Promise<void> {
  async function* body() {
    const chunk = new Uint8Array(MiB).fill(7);
    for (let sent = 0; sent < largeBytes; sent += MiB) yield chunk;
  }
  const put = await timed(async () => void (await blobs.put('large', body(), { maxBytes: largeBytes })));
  const get = await timed(async () => void (await read(blobs, 'large')));
  const rate = (ms: number) => `${Math.round(largeBytes / MiB / (ms / 1_000))} MiB/s`;
  print(`64 MiB, ${name}`, `put ${rate(put)}, get ${rate(get)}`);
}

async function small(name: string, blobs: BlobStore): Promise<void> {
  async function* body() {
    yield new Uint8Array(smallBytes);
  }
  const count = 500;
  const put = await timed(async () => {
    for (let n = 0; n < 100; n++) await blobs.put(`small-${n}`, body(), { maxBytes: smallBytes });
  });
  const get = await timed(async () => {
    for (let n = 0; n < count; n++) await read(blobs, `small-${n % 100}`);
  });
  print(
    `10 KB, ${name}`,
    `put ${(put / 100).toFixed(2)} ms, get ${(get / count).toFixed(2)} ms, five times each`,
  );
}

async function read(blobs: BlobStore, key: string): Promise<number> {
  await using reader = await blobs.get(key);
  let size = 0;
  for await (const chunk of reader!.body) size += chunk.length;
  return size;
}

async function timed(run: () => Promise<void>): Promise<number> {
  const startedAtMs = performance.now();
  await run();
  return performance.now() - startedAtMs;
}

function perSecond(count: number, ms: number): number {
  return Math.round(count / (ms / 1_000));
}

function print(what: string, figures: string): void {
  process.stdout.write(`${what.padEnd(24)}${figures}\n`);
}
