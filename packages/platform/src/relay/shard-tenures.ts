/**
 * Which shards of the outbox this process relays: it waits for the lease of every shard, and relays those it holds.
 *
 *   acquire relay/3 ─▶ gained(tenure) ─▶ … ─▶ lease lost ─▶ lost(tenure) ─▶ acquire relay/3 …
 */
import type { Lease, Leases } from '../leases/leases.ts';
import type { Log } from '../log/log.ts';
import { shardOf, SLOTS } from '../outbox/slot.ts';

/** One uninterrupted time for which this process holds a shard. */
export interface Tenure {
  readonly shard: number;
  readonly lease: Lease;
}

export interface ShardTenuresDeps {
  readonly leases: Leases;
  readonly shards: number;
  readonly log: Log;
  readonly onGained: (tenure: Tenure) => void;
  readonly onLost: (tenure: Tenure) => void;
}

export const relayLeasePrefix = 'relay/';

export function relayLeaseName(shard: number): string {
  return `${relayLeasePrefix}${shard}`;
}

export class ShardTenures {
  readonly #deps: ShardTenuresDeps;
  readonly #tenureByShard = new Map<number, Tenure>();
  readonly #stop = new AbortController();
  readonly #waiting: Promise<unknown>;
  #slots: readonly number[] = [];

  /** Starts at once. */
  constructor(deps: ShardTenuresDeps) {
    this.#deps = deps;
    this.#waiting = Promise.all(Array.from({ length: deps.shards }, (_, shard) => this.#follow(shard)));
  }

  get size(): number {
    return this.#tenureByShard.size;
  }

  get holdsAll(): boolean {
    return this.#tenureByShard.size === this.#deps.shards;
  }

  /** The slots of all shards held, ascending. A new array whenever they change. */
  get slots(): readonly number[] {
    return this.#slots;
  }

  ofSlot(slot: number): Tenure | undefined {
    return this.#tenureByShard.get(shardOf(slot, this.#deps.shards));
  }

  /** Waits for no more shards; those held stay. */
  stop(): void {
    this.#stop.abort();
  }

  /** Gives the shards to whoever waits for them. */
  async release(): Promise<void> {
    this.stop();
    await Promise.all([...this.#tenureByShard.values()].map(({ lease }) => lease.release()));
    await this.#waiting;
  }

  /** Never rejects. */
  async #follow(shard: number): Promise<void> {
    const { leases, log, onGained, onLost } = this.#deps;
    const { signal } = this.#stop;
    while (!signal.aborted) {
      try {
        const tenure = { shard, lease: await leases.acquire(relayLeaseName(shard), { signal }) };
        if (signal.aborted) {
          await tenure.lease.release();
          return;
        }
        const over = Promise.withResolvers<void>();
        const end = () => {
          this.#tenureByShard.delete(shard);
          this.#changed();
          onLost(tenure);
          over.resolve();
        };
        if (tenure.lease.lost.aborted) continue;
        tenure.lease.lost.addEventListener('abort', end, { once: true });
        this.#tenureByShard.set(shard, tenure);
        this.#changed();
        onGained(tenure);
        await over.promise;
      } catch (err) {
        if (signal.aborted) return;
        // Leases are closed before the relay: nothing to wait for.
        log.error({ err, shard }, 'the relay waits for this shard no more');
        return;
      }
    }
  }

  #changed(): void {
    this.#slots = Array.from({ length: SLOTS }, (_, slot) => slot).filter(
      (slot) => this.ofSlot(slot) !== undefined,
    );
  }
}
