/**
 * Spreads shards over the relays there are, so that the first process to start does not keep all the work.
 *
 *   members, sorted:  A  B  C          shard 0 belongs to A, 1 to B, 2 to C, 3 to A …
 *
 * Every relay waits for every shard, so that whoever dies is succeeded at once by anybody. From time to time each gives
 * away the shards that belong to another; if a third one is faster, it gives them away in its turn. Who is there is known from
 * one more lease for each relay, which nobody else wants.
 */
import type { Clock } from '../clock/clock.ts';
import type { Lease, LeaseRecord, Leases } from '../leases/leases.ts';
import type { Log } from '../log/log.ts';

export interface ShardBalanceDeps {
  readonly leases: Leases;
  /** Unique among all relays that run. */
  readonly member: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly everyMs: number;
  /** Shards held. */
  readonly held: () => readonly number[];
  readonly give: (shard: number) => void;
}

const memberPrefix = 'relay member/';

export class ShardBalance {
  readonly #deps: ShardBalanceDeps;
  readonly #stop = new AbortController();
  readonly #running: Promise<void>;

  /** Starts at once. */
  constructor(deps: ShardBalanceDeps) {
    this.#deps = deps;
    this.#running = this.#run();
  }

  /** Never rejects. */
  async close(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { leases, member, log } = this.#deps;
    const { signal } = this.#stop;
    while (!signal.aborted) {
      let membership: Lease | undefined;
      try {
        membership = await leases.acquire(memberPrefix + member, { signal });
        while (await this.#pause(AbortSignal.any([signal, membership.lost]))) await this.#balance();
      } catch (err) {
        if (signal.aborted) return;
        log.debug({ err }, 'shards could not be balanced');
        await this.#pause(signal);
      } finally {
        await membership?.release();
      }
    }
  }

  async #balance(): Promise<void> {
    const { leases, member, held, give } = this.#deps;
    const members = membersOf(await leases.list());
    if (!members.includes(member)) return;
    for (const shard of held()) if (members[shard % members.length] !== member) give(shard);
  }

  /** False when it was ended early. */
  #pause(signal: AbortSignal): Promise<boolean> {
    return new Promise((resolve) => {
      const end = (whole: boolean) => {
        timer[Symbol.dispose]();
        signal.removeEventListener('abort', onAbort);
        resolve(whole);
      };
      const onAbort = () => end(false);
      const timer = this.#deps.clock.schedule(this.#deps.everyMs, () => end(true));
      signal.addEventListener('abort', onAbort);
      if (signal.aborted) end(false);
    });
  }
}

function membersOf(held: readonly LeaseRecord[]): string[] {
  return held
    .filter(({ name }) => name.startsWith(memberPrefix))
    .map(({ name }) => name.slice(memberPrefix.length))
    .toSorted();
}
