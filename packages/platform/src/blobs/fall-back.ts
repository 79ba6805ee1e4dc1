/**
 * One blob store while blobs are moved from one place to another:
 *
 *   put     ─▶ current
 *   get     ─▶ current, and what is not there ─▶ previous
 *   delete  ─▶ both
 *   list    ─▶ current, then previous: what is in both is told twice
 *
 * Whoever moves copies from `previous` to `current` and deletes nothing: a reader that has looked into one in vain finds the blob
 * in the other.
 */
import type { BlobStore } from './blob-store.ts';

const inCurrent = 'c:';
const inPrevious = 'p:';

export function fallBack(current: BlobStore, previous: BlobStore): BlobStore {
  return {
    put: (key, body, limits) => current.put(key, body, limits),

    async get(key, range) {
      return (await current.get(key, range)) ?? (await previous.get(key, range));
    },

    async delete(key) {
      const deleted = [await current.delete(key), await previous.delete(key)];
      return deleted.includes(true);
    },

    async listPage(prefix, from = inCurrent) {
      const isCurrent = from.startsWith(inCurrent);
      const place = from.slice(inCurrent.length);
      const { keys, next } = await (isCurrent ? current : previous).listPage(
        prefix,
        place === '' ? undefined : place,
      );
      if (next !== undefined) return { keys, next: `${isCurrent ? inCurrent : inPrevious}${next}` };
      return { keys, next: isCurrent ? inPrevious : undefined };
    },
  };
}
