import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { createMetrics } from '../metrics/metrics.ts';
import { openDiskBlobStore } from './disk-blob-store.ts';
import { measureBlobs } from './measure-blobs.ts';

async function* octets(count: number): AsyncIterable<Uint8Array> {
  yield new Uint8Array(count);
}

test('counts operations, octets and failures by their codes, and changes nothing', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'conclave-blobs-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const metrics = createMetrics({ prefix: '' });
  const blobs = measureBlobs(await openDiskBlobStore({ folder }), metrics);
  expect(await blobs.put('a', octets(5), { maxBytes: 10 })).toMatchObject({ ok: true, size: 5 });
  expect(await blobs.put('b', octets(11), { maxBytes: 10 })).toEqual({ ok: false, code: 'BLOB_TOO_LARGE' });
  const reader = await blobs.get('a');
  expect(reader?.size).toBe(5);
  await reader?.[Symbol.asyncDispose]();
  expect(await blobs.get('b')).toBeUndefined();
  await expect(blobs.get('../b')).rejects.toMatchObject({ code: 'BLOB_KEY_INVALID' });
  expect(await blobs.delete('a')).toBe(true);

  const text = await metrics.exposition();
  for (const line of [
    'blob_stored_bytes_total 5',
    'blob_failures_total{operation="put",code="BLOB_TOO_LARGE"} 1',
    'blob_failures_total{operation="get",code="BLOB_KEY_INVALID"} 1',
    'blob_operation_duration_seconds_count{operation="put"} 2',
    'blob_operation_duration_seconds_count{operation="get"} 3',
    'blob_operation_duration_seconds_count{operation="delete"} 1',
  ]) {
    expect(text).toContain(`${line}\n`);
  }
});
