/** Leases of one process: for the embedded database, which one process has at a time. Nothing takes them away. */
import { LeaseWaiters } from './lease-waiters.ts';
import type { Lease, Leases } from './leases.ts';

export function createInProcessLeases(): Leases {
  const waiters = new LeaseWaiters();
  const heldByName = new Map<string, Lease>();
  const lastTokenByName = new Map<string, number>();

  const grant = (name: string): void => {
    if (heldByName.has(name) || !waiters.has(name)) return;
    const token = (lastTokenByName.get(name) ?? 0) + 1;
    lastTokenByName.set(name, token);
    const ended = new AbortController();
    const lease: Lease = {
      name,
      token,
      lost: ended.signal,
      isHeld: () => !ended.signal.aborted,
      async release() {
        if (ended.signal.aborted) return;
        heldByName.delete(name);
        ended.abort();
        grant(name);
      },
    };
    heldByName.set(name, lease);
    waiters.give(lease);
  };

  return {
    acquire(name, { signal } = {}) {
      const waiting = waiters.wait(name, signal);
      grant(name);
      return waiting;
    },
    async list() {
      return [...heldByName.values()]
        .map(({ name, token }) => ({ name, token, holder: 'this process', expiresInMs: undefined }))
        .toSorted((a, b) => (a.name < b.name ? -1 : 1));
    },
    async close() {
      waiters.close();
      for (const lease of heldByName.values()) await lease.release();
    },
  };
}
