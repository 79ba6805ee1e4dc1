/** Blobs on a real S3 server, which is killed, paused and restarted, over connections that break. */
import {
  CreateMultipartUploadCommand,
  ListMultipartUploadsCommand,
  S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { inspect } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { blobStoreContract, codeOf } from '@conclave/testkit/contracts';
import { missingS3, startLink, startS3, type S3Server } from '@conclave/testkit/servers';
import { requireServer } from '@conclave/testkit/servers/require-server';
import {
  listBlobs,
  silentLog,
  systemClock,
  type BlobReader,
  type BlobStore,
  type Log,
} from '@conclave/platform';
import { createTestEncryption } from './encrypted-store.ts';
import { startSumlessS3 } from './sumless-s3.ts';
import { openS3BlobStore, type S3BlobStoreDeps } from '@conclave/platform/s3';

const MiB = 1024 * 1024;
const maxBytes = 200 * MiB;
const unavailable = 'BLOB_STORE_UNAVAILABLE';

let server: S3Server;

/** In a bucket of its own, unless one is given. Gives up soon. */
async function open(changes: Partial<S3BlobStoreDeps> = {}) {
  const { endpoint, region, accessKeyId, secretAccessKey } = server;
  const deps: S3BlobStoreDeps = {
    endpoint,
    region,
    bucket: changes.bucket ?? (await server.createBucket()),
    accessKeyId,
    secretAccessKey,
    pathStyle: true,
    clock: systemClock,
    log: silentLog,
    limits: { callMs: 2_000, silenceMs: 500, attempts: 2 },
    ...changes,
  };
  return { blobs: openS3BlobStore(deps), bucket: deps.bucket };
}

/** The same octets again and again for the same size, without keeping them; differing from place to place. */
function* pattern(size: number, chunkBytes = 100_001): Generator<Uint8Array> {
  for (let start = 0; start < size; start += chunkBytes) {
    const chunk = Buffer.alloc(Math.min(chunkBytes, size - start));
    for (let at = 0; at + 4 <= chunk.length; at += 4)
      chunk.writeUInt32LE(((start + at) * 2_654_435_761) >>> 0, at);
    yield chunk;
  }
}

async function* body(
  size: number,
  onChunk: (yielded: number) => unknown = () => undefined,
): AsyncGenerator<Uint8Array> {
  let yielded = 0;
  for (const chunk of pattern(size)) {
    yielded += chunk.length;
    await onChunk(yielded);
    yield chunk;
  }
}

function sumOf(chunks: Iterable<Uint8Array>): string {
  const hash = createHash('sha256');
  for (const chunk of chunks) hash.update(chunk);
  return hash.digest('hex');
}

async function readAll(reader: BlobReader | undefined, onChunk: (read: number) => unknown = () => undefined) {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of reader!.body) {
    chunks.push(chunk);
    size += chunk.length;
    await onChunk(size);
  }
  return { size, sum: sumOf(chunks) };
}

async function keysOf(blobs: BlobStore): Promise<string[]> {
  const keys = [];
  for await (const key of listBlobs(blobs, '')) keys.push(key);
  return keys;
}

requireServer(missingS3())('S3', () => {
  beforeAll(async () => {
    server = await startS3();
  });
  afterAll(() => server[Symbol.asyncDispose]());

  blobStoreContract('S3', async () => {
    const { blobs } = await open();
    return { blobs, destroy: async () => blobs.close() };
  });

  blobStoreContract('encrypted on S3', async () => {
    const { blobs } = await open();
    const encryption = await createTestEncryption();
    return {
      blobs: await encryption.encrypt(blobs),
      async destroy() {
        blobs.close();
        await encryption[Symbol.asyncDispose]();
      },
    };
  });

  describe('in parts', () => {
    const size = 20 * MiB + 12_345;

    test('gives back what was put, also in ranges that cross parts', async () => {
      const { blobs } = await open();
      const stored = await blobs.put('large', body(size), { maxBytes });
      const sum = sumOf(pattern(size));
      expect(stored).toMatchObject({ ok: true, size });
      expect(stored.ok && Buffer.from(stored.sha256).toString('hex')).toBe(sum);
      expect(await readAll(await blobs.get('large'))).toEqual({ size, sum });
      const whole = Buffer.concat([...pattern(size)]);
      const range = { start: 8 * MiB - 10, end: 16 * MiB + 10 };
      expect(await readAll(await blobs.get('large', range))).toEqual({
        size: 8 * MiB + 21,
        sum: sumOf([whole.subarray(range.start, range.end + 1)]),
      });
      blobs.close();
    });

    test('gives back what was put when it is encrypted, also in ranges that cross parts and chunks', async () => {
      const { blobs } = await open();
      await using encryption = await createTestEncryption();
      const encrypted = await encryption.encrypt(blobs);
      const sum = sumOf(pattern(size));
      const stored = await encrypted.put('large', body(size), { maxBytes });
      expect(stored).toMatchObject({ ok: true, size });
      expect(stored.ok && Buffer.from(stored.sha256).toString('hex')).toBe(sum);
      expect(await readAll(await encrypted.get('large'))).toEqual({ size, sum });
      const range = { start: 8 * MiB - 10, end: 16 * MiB + 10 };
      expect(await readAll(await encrypted.get('large', range))).toEqual({
        size: 8 * MiB + 21,
        sum: sumOf([Buffer.concat([...pattern(size)]).subarray(range.start, range.end + 1)]),
      });
      blobs.close();
    });

    test.each([
      ['exactly a part', 8 * MiB],
      ['exactly two', 16 * MiB],
      ['one octet more than a part', 8 * MiB + 1],
    ])('%s, with the limit at its size and far above', async (_, exact) => {
      const { blobs } = await open();
      for (const limit of [exact, maxBytes]) {
        expect(await blobs.put('exact', body(exact), { maxBytes: limit })).toMatchObject({
          ok: true,
          size: exact,
        });
        expect(await readAll(await blobs.get('exact'))).toEqual({ size: exact, sum: sumOf(pattern(exact)) });
      }
      expect(await blobs.put('exact', body(exact), { maxBytes: exact - 1 })).toMatchObject({
        code: 'BLOB_TOO_LARGE',
      });
      blobs.close();
    });

    test('an upload that is refused or breaks off leaves no parts and no blob', async () => {
      const { blobs, bucket } = await open();
      const { endpoint, region, accessKeyId, secretAccessKey } = server;
      const client = new S3Client({
        endpoint,
        region,
        forcePathStyle: true,
        credentials: { accessKeyId, secretAccessKey },
      });
      const uploads = async () =>
        (await client.send(new ListMultipartUploadsCommand({ Bucket: bucket, Prefix: 'large' }))).Uploads
          ?.length ?? 0;
      let during = 0;
      const breaking = body(size, async (yielded) => {
        if (yielded < 18 * MiB) return;
        during = await uploads();
        throw new Error('connection reset');
      });
      expect(await blobs.put('large', breaking, { maxBytes })).toEqual({ ok: false, code: 'BLOB_ABORTED' });
      expect(during).toBe(1);
      expect(await uploads()).toBe(0);
      expect(await blobs.put('large', body(size), { maxBytes: 17 * MiB })).toEqual({
        ok: false,
        code: 'BLOB_TOO_LARGE',
      });
      expect(await uploads()).toBe(0);
      expect(await keysOf(blobs)).toEqual([]);
      client.destroy();
      blobs.close();
    });

    test('parts of a process that died are collected when they are old', async () => {
      const { blobs, bucket } = await open();
      const { endpoint, region, accessKeyId, secretAccessKey } = server;
      const client = new S3Client({
        endpoint,
        region,
        forcePathStyle: true,
        credentials: { accessKeyId, secretAccessKey },
      });
      const { UploadId } = await client.send(
        new CreateMultipartUploadCommand({ Bucket: bucket, Key: 'dead' }),
      );
      await client.send(
        new UploadPartCommand({ Bucket: bucket, Key: 'dead', UploadId, PartNumber: 1, Body: 'octets' }),
      );
      const prefix = 'dead';
      expect(await blobs.collectStaleUploads({ olderThanMs: 60_000, prefix })).toBe(0);
      // As if a minute had passed.
      expect(await blobs.collectStaleUploads({ olderThanMs: -60_000, prefix })).toBe(1);
      expect(await blobs.collectStaleUploads({ olderThanMs: -60_000, prefix })).toBe(0);
      client.destroy();
      blobs.close();
    });
  });

  test('lists more keys than S3 tells at once', async () => {
    const { blobs } = await open();
    const keys = Array.from({ length: 1_050 }, (_, n) => `many/${String(n).padStart(4, '0')}`);
    const left = [...keys];
    const work = async () => {
      for (let key = left.pop(); key !== undefined; key = left.pop()) {
        await blobs.put(key, body(1), { maxBytes });
      }
    };
    await Promise.all(Array.from({ length: 16 }, work));
    expect((await keysOf(blobs)).toSorted()).toEqual(keys);
    blobs.close();
  });

  test('readers that take their time do not hold up others', async () => {
    const { blobs } = await open();
    await blobs.put('large', body(10 * MiB), { maxBytes });
    const readers = await Promise.all(Array.from({ length: 80 }, () => blobs.get('large')));
    expect(await blobs.put('other', body(10), { maxBytes })).toMatchObject({ ok: true });
    for (const reader of readers) await reader![Symbol.asyncDispose]();
    blobs.close();
  });

  test('is not read faster than its reader reads', async () => {
    const { blobs: direct, bucket } = await open();
    await direct.put('large', body(64 * MiB), { maxBytes });
    let passed = 0;
    const target = Number(new URL(server.endpoint).port);
    const counting = createServer((client) => {
      const upstream = connect(target, '127.0.0.1');
      upstream.on('data', (chunk: Buffer) => (passed += chunk.length));
      client.pipe(upstream).pipe(client);
      client.on('error', () => upstream.destroy());
      upstream.on('error', () => client.destroy());
    }).listen(0, '127.0.0.1');
    await once(counting, 'listening');
    const { blobs } = await open({
      bucket,
      endpoint: `http://127.0.0.1:${(counting.address() as AddressInfo).port}`,
    });
    let before = -1;
    const read = await readAll(await blobs.get('large'), async (size) => {
      if (before >= 0 || size < 1) return;
      // Until nothing more comes by itself: what the sockets of the system hold.
      for (before = 0; before !== passed; await delay(300)) before = passed;
    });
    expect(read.size).toBe(64 * MiB);
    expect(before).toBeLessThan(32 * MiB);
    blobs.close();
    direct.close();
    counting.close();
  });

  test('a wrong key and a bucket that is not there are typed errors without secrets', async () => {
    const { blobs: missing } = await open({ bucket: 'no-such-bucket' });
    expect(await codeOf(missing.check())).toBe(unavailable);
    expect(await codeOf(missing.put('a', body(1), { maxBytes }))).toBe(unavailable);
    const secretAccessKey = 'not-the-secret-of-this-server';
    const { blobs: stranger, bucket } = await open({ secretAccessKey });
    const error: unknown = await stranger.get('a').catch((caught: unknown) => caught);
    expect(error).toMatchObject({ code: unavailable, cause: { code: 'SignatureDoesNotMatch', status: 403 } });
    const printed = inspect(error, { depth: 20, showHidden: true });
    for (const secret of [secretAccessKey, 'AWS4-HMAC-SHA256', 'authorization'])
      expect(printed).not.toContain(secret);
    const { blobs } = await open({ bucket });
    await blobs.check();
    for (const each of [missing, stranger, blobs]) each.close();
  });
});

requireServer(missingS3())('an S3 server that fails', () => {
  const size = 40 * MiB;
  const sum = sumOf(pattern(size));

  beforeAll(async () => {
    server = await startS3();
  });
  afterAll(() => server[Symbol.asyncDispose]());

  describe('that does not say what it has stored', () => {
    test.each([0, 1_000, 20 * MiB])(
      'has %d octets of an upload read once more, and says so once',
      async (octets) => {
        await using sumless = await startSumlessS3(server.endpoint);
        const said: string[] = [];
        const log: Log = { ...silentLog, warn: (_fields, text) => void said.push(text) };
        const { blobs } = await open({ endpoint: sumless.endpoint, log, limits: { callMs: 20_000 } });
        for (const key of ['a', 'b', 'a']) {
          expect(await blobs.put(key, body(octets), { maxBytes })).toMatchObject({ ok: true, size: octets });
        }
        expect(sumless.reads).toBe(3);
        expect(said).toHaveLength(1);
        expect(await readAll(await blobs.get('a'))).toEqual({ size: octets, sum: sumOf(pattern(octets)) });
        blobs.close();
      },
    );

    test.each([1_000, 20 * MiB])(
      'has %d octets refused and deleted if they come back changed',
      async (octets) => {
        await using sumless = await startSumlessS3(server.endpoint);
        const { blobs } = await open({ endpoint: sumless.endpoint, limits: { callMs: 20_000 } });
        sumless.isDamaging = true;
        expect(await codeOf(blobs.put('a', body(octets), { maxBytes }))).toBe(unavailable);
        sumless.isDamaging = false;
        expect(await blobs.get('a')).toBeUndefined();
        blobs.close();
      },
    );
  });

  test('killed during an upload: an error, nothing visible, what was there untouched; later it works', async () => {
    const { blobs } = await open();
    await blobs.put('old', body(1_000), { maxBytes });
    for (const key of ['new', 'old']) {
      let ended = false;
      async function* dying() {
        try {
          yield* body(size, async (yielded) => {
            if (yielded > 20 * MiB) await server.kill();
          });
        } finally {
          ended = true;
        }
      }
      expect(await codeOf(blobs.put(key, dying(), { maxBytes }))).toBe(unavailable);
      expect(ended).toBe(true);
      expect(await codeOf(blobs.get(key))).toBe(unavailable);
      await server.restart();
    }
    expect(await keysOf(blobs)).toEqual(['old']);
    expect(await readAll(await blobs.get('old'))).toEqual({ size: 1_000, sum: sumOf(pattern(1_000)) });
    expect(await blobs.put('new', body(size), { maxBytes })).toMatchObject({ ok: true });
    blobs.close();
  });

  test('restarted during an upload, it takes it all the same', async () => {
    const { blobs } = await open({ limits: { callMs: 20_000, silenceMs: 5_000, attempts: 10 } });
    let restarts = 0;
    const shaken = body(size, async (yielded) => {
      if (restarts > 0 || yielded < 20 * MiB) return;
      restarts++;
      await server.restart();
    });
    expect(await blobs.put('shaken', shaken, { maxBytes })).toMatchObject({ ok: true });
    expect(await readAll(await blobs.get('shaken'))).toEqual({ size, sum });
    blobs.close();
  });

  test('silent during an upload: an error, and no more of the body in memory than two parts', async () => {
    const { blobs } = await open();
    await using link = await startLink('s3', {
      host: '127.0.0.1',
      port: Number(new URL(server.endpoint).port),
    });
    const { blobs: linked } = await open({ endpoint: `http://127.0.0.1:${link.port}` });
    let pulled = 0;
    link.stall();
    const pulling = body(maxBytes, (yielded) => (pulled = yielded));
    expect(await codeOf(linked.put('a', pulling, { maxBytes }))).toBe(unavailable);
    expect(pulled).toBeLessThan(17 * MiB);
    for (const each of [blobs, linked]) each.close();
  });

  test('paused while a blob is read: goes on where it stopped, or is an error; never a short blob', async () => {
    const { blobs } = await open({ limits: { callMs: 5_000, silenceMs: 300, attempts: 2 } });
    await blobs.put('large', body(size), { maxBytes });
    let pauses = 0;
    const read = await readAll(await blobs.get('large'), async (got) => {
      if (got < 5 * MiB || pauses > 0) return;
      pauses++;
      server.pause();
      void delay(1_000).then(() => server.resume());
    });
    expect(pauses).toBe(1);
    expect(read).toEqual({ size, sum });
    blobs.close();

    const { blobs: hasty } = await open({ limits: { callMs: 500, silenceMs: 200, attempts: 1 } });
    await hasty.put('large', body(size), { maxBytes });
    const reader = await hasty.get('large');
    let got = 0;
    const reading = readAll(reader, (count) => {
      got = count;
      if (count > 5 * MiB) server.pause();
    });
    expect(await codeOf(reading)).toBe(unavailable);
    expect(got).toBeLessThan(size);
    server.resume();
    hasty.close();
  });

  test('a connection that breaks while a blob is read is made again; one that stays broken is an error', async () => {
    await using link = await startLink('s3', {
      host: '127.0.0.1',
      port: Number(new URL(server.endpoint).port),
    });
    const { blobs } = await open({ endpoint: `http://127.0.0.1:${link.port}` });
    await blobs.put('large', body(size), { maxBytes });
    let breaks = 0;
    const read = await readAll(await blobs.get('large'), (got) => {
      if (got < (breaks + 1) * 5 * MiB || breaks === 5) return;
      breaks++;
      link.cut();
      link.restore();
    });
    expect(breaks).toBe(5);
    expect(read).toEqual({ size, sum });

    let got = 0;
    const reading = readAll(await blobs.get('large'), (count) => {
      got = count;
      if (count > 5 * MiB) link.cut();
    });
    expect(await codeOf(reading)).toBe(unavailable);
    expect(got).toBeLessThan(size);
    blobs.close();
  });

  test('a blob that is replaced while a broken connection is made again is an error, not a mixture', async () => {
    const { blobs: direct, bucket } = await open();
    await using link = await startLink('s3', {
      host: '127.0.0.1',
      port: Number(new URL(server.endpoint).port),
    });
    const { blobs } = await open({ bucket, endpoint: `http://127.0.0.1:${link.port}` });
    await direct.put('large', body(size), { maxBytes });
    let replaced = false;
    const reading = readAll(await blobs.get('large'), async (got) => {
      if (got < 5 * MiB || replaced) return;
      replaced = true;
      link.cut();
      await direct.put('large', body(size + 1), { maxBytes });
      link.restore();
    });
    expect(await codeOf(reading)).toBe(unavailable);
    for (const each of [blobs, direct]) each.close();
  });
});
