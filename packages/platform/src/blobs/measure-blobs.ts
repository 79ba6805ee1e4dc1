import { DURATION_BUCKETS_S, type Metrics } from '../metrics/metrics.ts';
import { codeOf } from '../tracing/traced.ts';
import type { BlobStore } from './blob-store.ts';

/** The same blobs, measured: how long each operation takes and what came of it. Keys are not told. */
export function measureBlobs(blobs: BlobStore, metrics: Metrics): BlobStore {
  const duration = metrics.histogram(
    'blob_operation_duration_seconds',
    'From asking for an operation on an attachment to its end; of a read, until its first octets can be had.',
    DURATION_BUCKETS_S,
    ['operation'],
  );
  const failures = metrics.counter(
    'blob_failures_total',
    'Operations on attachments that the blob store failed, or uploads that it refused.',
    ['operation', 'code'],
  );
  const stored = metrics.counter('blob_stored_bytes_total', 'Octets of attachments that were stored.');

  async function measured<T>(operation: string, run: () => Promise<T>): Promise<T> {
    const startedMs = performance.now();
    try {
      return await run();
    } catch (error) {
      failures.inc({ operation, code: codeOf(error) });
      throw error;
    } finally {
      duration.observe({ operation }, (performance.now() - startedMs) / 1_000);
    }
  }

  return {
    async put(key, body, limits) {
      const result = await measured('put', () => blobs.put(key, body, limits));
      if (result.ok) stored.inc(result.size);
      else failures.inc({ operation: 'put', code: result.code });
      return result;
    },
    get: (key, range) => measured('get', () => blobs.get(key, range)),
    delete: (key) => measured('delete', () => blobs.delete(key)),
    listPage: (prefix, from) => measured('list', () => blobs.listPage(prefix, from)),
  };
}
