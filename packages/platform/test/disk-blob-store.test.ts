import { mkdir, mkdtemp, readdir, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { blobStoreContract, codeOf } from '@conclave/testkit/contracts';
import { listBlobs, openDiskBlobStore } from '@conclave/platform';

async function createFolder(): Promise<string> {
  return await mkdtemp(join(tmpdir(), 'conclave-blobs-'));
}

blobStoreContract('disk', async () => {
  const folder = await createFolder();
  return {
    blobs: await openDiskBlobStore({ folder }),
    destroy: () => rm(folder, { recursive: true }),
  };
});

describe('blobs on disk', () => {
  let folder: string;

  beforeEach(async () => {
    folder = await createFolder();
  });

  afterEach(() => rm(folder, { recursive: true }));

  async function* body(...chunks: string[]) {
    for (const chunk of chunks) yield new TextEncoder().encode(chunk);
  }

  test('what a broken-off process left is cleared at the start, whole blobs are kept', async () => {
    const first = await openDiskBlobStore({ folder });
    await first.put('a', body('kept'), { maxBytes: 100 });
    await writeFile(join(folder, 'incoming', '1'), 'half');
    const second = await openDiskBlobStore({ folder });
    expect(await readdir(join(folder, 'incoming'))).toEqual([]);
    const keys: string[] = [];
    for await (const key of listBlobs(second, '')) keys.push(key);
    expect(keys).toEqual(['a']);
  });

  test('refused uploads leave no file behind', async () => {
    const blobs = await openDiskBlobStore({ folder });
    await blobs.put('a', body('too', 'long'), { maxBytes: 4 });
    expect(await readdir(folder, { recursive: true })).toEqual(['blobs', 'incoming']);
  });

  test('a file that is cut off while it is read ahead is an error of its reader, and of nobody else', async () => {
    const blobs = await openDiskBlobStore({ folder });
    await blobs.put('a', body('x'.repeat(100_000), 'y'.repeat(100_000)), { maxBytes: 1_000_000 });
    for (const reading of ['goes on', 'has ended']) {
      await using reader = await blobs.get('a');
      const chunks = reader!.body[Symbol.asyncIterator]();
      await chunks.next();
      const [name] = (await readdir(join(folder, 'blobs'), { recursive: true })).filter((path) =>
        path.endsWith('/a'),
      );
      await truncate(join(folder, 'blobs', name!), 65_536);
      // The chunk that was read ahead may be whole; what follows it is not there.
      await chunks.next().catch(() => undefined);
      await setTimeout(20);
      if (reading === 'has ended') await chunks.return?.();
      const code = await codeOf(chunks.next());
      expect(code).toBe(reading === 'goes on' ? 'BLOB_STORE_UNAVAILABLE' : 'resolved');
      await blobs.put('a', body('x'.repeat(100_000), 'y'.repeat(100_000)), { maxBytes: 1_000_000 });
    }
  });

  test('files are readable by their owner only', async () => {
    const blobs = await openDiskBlobStore({ folder });
    await blobs.put('a', body('private'), { maxBytes: 100 });
    const names = await readdir(join(folder, 'blobs'), { recursive: true });
    for (const name of names) {
      expect((await stat(join(folder, 'blobs', name))).mode & 0o077).toBe(0);
    }
    expect(names).toHaveLength(2);
  });

  test('a folder that cannot be used is a typed error, when opening and later', async () => {
    await writeFile(join(folder, 'file'), '');
    await expect(openDiskBlobStore({ folder: join(folder, 'file') })).rejects.toMatchObject({
      code: 'BLOB_STORE_UNAVAILABLE',
    });
    const blobs = await openDiskBlobStore({ folder });
    await rm(join(folder, 'incoming'), { recursive: true });
    await expect(blobs.put('a', body('x'), { maxBytes: 100 })).rejects.toMatchObject({
      code: 'BLOB_STORE_UNAVAILABLE',
    });
    await mkdir(join(folder, 'incoming'));
    expect(await blobs.put('a', body('x'), { maxBytes: 100 })).toMatchObject({ ok: true });
  });
});
