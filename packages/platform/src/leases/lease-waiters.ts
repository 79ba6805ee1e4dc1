/** Who waits for which lease within this process, first come, first served. */
import { LeaseError, type Lease } from './leases.ts';

interface Waiter {
  readonly resolve: (lease: Lease) => void;
  readonly reject: (error: unknown) => void;
}

export class LeaseWaiters {
  readonly #waitersByName = new Map<string, Set<Waiter>>();
  #closed = false;

  /** Rejects with the signal's reason when it is aborted, with `LEASES_CLOSED` after {@link close}. */
  wait(name: string, signal: AbortSignal | undefined): Promise<Lease> {
    if (this.#closed) return Promise.reject(closedError());
    if (signal?.aborted) return Promise.reject(signal.reason);
    const { promise, resolve, reject } = Promise.withResolvers<Lease>();
    const waiters = this.#waitersByName.get(name) ?? new Set();
    this.#waitersByName.set(name, waiters);
    const onAbort = () => waiter.reject(signal?.reason);
    const leave = () => {
      signal?.removeEventListener('abort', onAbort);
      waiters.delete(waiter);
      if (waiters.size === 0 && this.#waitersByName.get(name) === waiters) this.#waitersByName.delete(name);
    };
    const waiter: Waiter = {
      resolve(lease) {
        leave();
        resolve(lease);
      },
      reject(error) {
        leave();
        reject(error);
      },
    };
    waiters.add(waiter);
    signal?.addEventListener('abort', onAbort);
    return promise;
  }

  names(): string[] {
    return [...this.#waitersByName.keys()];
  }

  has(name: string): boolean {
    return this.#waitersByName.has(name);
  }

  /** Gives the lease to the first who waits for it; false if nobody does any more. */
  give(lease: Lease): boolean {
    const [first] = this.#waitersByName.get(lease.name) ?? [];
    first?.resolve(lease);
    return first !== undefined;
  }

  close(): void {
    this.#closed = true;
    for (const waiters of this.#waitersByName.values()) {
      for (const waiter of waiters) waiter.reject(closedError());
    }
  }
}

function closedError(): LeaseError {
  return new LeaseError('LEASES_CLOSED', 'leases are closed');
}
