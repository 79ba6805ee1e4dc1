/**
 * Which shards of the outbox this process relays: it waits for the lease of every shard, and relays those it holds.
 *
 *   acquire relay/3 ─▶ gained(tenure) ─▶ … ─▶ lease lost, or given away ─▶ lost(tenure) ─▶ acquire relay/3 …
 */
import type { Clock } from '../clock/clock.ts';
import type { Lease, Leases } from '../leases/leases.ts';
import type { Log } from '../log/log.ts';
import { shardOf, SLOTS } from '../outbox/slot.ts';
import type { RandomSource } from '../random/random-source.ts';
import { ShardBalance } from './shard-balance.ts';

/** One uninterrupted time for which this process holds a shard. */
export interface Tenure {
  readonly shard: number;
  readonly lease: Lease;
}

export interface ShardTenuresDeps {
  readonly leases: Leases;
  readonly shards: number;
  readonly clock: Clock;
  readonly random: RandomSource;
  readonly log: Log;
  /** How often shards are spread anew. */
  readonly balanceMs: number;
  readonly onGained: (tenure: Tenure) => void;
  readonly onLost: (tenure: Tenure) => void;
}

/** How long a shard that was given away is left to others. */
const GIVEN_MS = 1_000;

export function relayLeaseName(shard: number): string {
  return `relay/${shard}`;
}

export class ShardTenures {
  readonly #deps: ShardTenuresDeps;
  readonly #tenureByShard = new Map<number, Tenure>();
  /** Shards that were given away, while this process does not ask for them again. */
  readonly #given = new Set<number>();
  readonly #stop = new AbortController();
  readonly #waiting: Promise<unknown>;
  readonly #balance: ShardBalance;
  #slots: readonly number[] = [];

  /** Starts at once. */
  constructor(deps: ShardTenuresDeps) {
    this.#deps = deps;
    this.#waiting = Promise.all(Array.from({ length: deps.shards }, (_, shard) => this.#follow(shard)));
    this.#balance = new ShardBalance({
      leases: deps.leases,
      member: Buffer.from(deps.random.bytes(12)).toString('hex'),
      clock: deps.clock,
      log: deps.log,
      everyMs: deps.balanceMs,
      held: () => [...this.#tenureByShard.keys()],
      give: (shard) => this.#give(shard),
    });
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
    await this.#balance.close();
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
        // Whoever waits for it has it by then.
        if (this.#given.delete(shard)) await this.#pause(GIVEN_MS);
      } catch (err) {
        if (signal.aborted) return;
        // Leases are closed before the relay: nothing to wait for.
        log.error({ err, shard }, 'the relay waits for this shard no more');
        return;
      }
    }
  }

  #give(shard: number): void {
    this.#given.add(shard);
    void this.#tenureByShard.get(shard)?.lease.release();
  }

  #pause(delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      const { signal } = this.#stop;
      const end = () => {
        timer[Symbol.dispose]();
        signal.removeEventListener('abort', end);
        resolve();
      };
      const timer = this.#deps.clock.schedule(delayMs, end);
      signal.addEventListener('abort', end);
      if (signal.aborted) end();
    });
  }

  #changed(): void {
    this.#slots = Array.from({ length: SLOTS }, (_, slot) => slot).filter(
      (slot) => this.ofSlot(slot) !== undefined,
    );
  }
}
