/**
 * The relay: publishes what the outbox holds, deletes what the bus has acknowledged.
 *
 *   commit ─▶ onOutbox ─┐
 *   slow poll ──────────┼─▶ loop: read rows ─▶ key queues ─▶ publish (one in flight per key, many keys)
 *   shard gained ───────┤           ▲                             │ acknowledged    │ refused
 *   retry timer ────────┤           │                             │                 └─▶ key backs off
 *   acknowledgement ────┘           └── delete / park, batched ◀──┴── settled
 *
 * Invariants (docs/decisions/0001-shape.md, "Outbox"; 0009, "Relay"; checked by `outboxRelayContract`):
 *
 * - Each shard of ordering keys is relayed by whoever holds its lease (shard-tenures.ts), and published under that lease:
 *   the bus refuses what a former holder had under way. A shard that is lost is forgotten; one that is gained is read
 *   from its first row.
 * - No row is skipped: ids become visible in the order of commits, so the cursor moves only up to `Store.horizon`, and
 *   what lies beyond is read again. What is read twice is recognised.
 * - Rows of one ordering key are published in the order of their ids, each after the one before it was
 *   acknowledged. Pipelining would be faster within a key, but an earlier row refused while a later one is
 *   accepted is out of order for good; throughput comes from many keys at once.
 * - A row is deleted only after its acknowledgement, so a crash publishes it again under the same message id:
 *   at least once, and the bus or the consumer drops the copy.
 * - A refused row is tried again after an exponential, jittered delay; its key waits, other keys do not. After
 *   `maxAttempts` refusals the row is parked and its key goes on. An unreachable or full bus says nothing against
 *   a row: such failures are retried for ever and never park, and at once when the bus says that it is back.
 * - All database work is done by one loop, one step at a time; publishing never happens inside a transaction.
 *   An error in the loop is logged, counted and followed by another try.
 * - Memory is bounded: rows by `maxBufferedRows`, their payloads by `maxBufferedBytes`, both passed by at most one read, and
 *   keys by `maxKeys`. Besides them there are the rows under way (`maxInFlight`). A key that backs off holds no rows.
 */
import type { Bus } from '../bus/bus.ts';
import { isTransientBusError } from '../bus/bus-error.ts';
import type { Clock } from '../clock/clock.ts';
import type { Leases } from '../leases/leases.ts';
import type { Log } from '../log/log.ts';
import type { Metrics } from '../metrics/metrics.ts';
import { codeOf } from '../tracing/traced.ts';
import { noTracer, type Tracer } from '../tracing/tracer.ts';
import type { OutboxTables } from '../outbox/outbox-table.ts';
import { outboxOf } from '../outbox/outbox-of.ts';
import { assertShards } from '../outbox/slot.ts';
import type { RandomSource } from '../random/random-source.ts';
import type { PreparedQuery } from '../store/prepared-query.ts';
import type { Store } from '../store/store.ts';
import { backoffMs } from './backoff.ts';
import { KeyQueues, type KeyQueue, type OutboxRow } from './key-queues.ts';
import { createRelayMetrics, type RelayMetrics } from './relay-metrics.ts';
import { readByKey, readBySlots, type ReadBySlots } from './read-outbox.ts';
import { Settlement } from './settlement.ts';
import { ShardTenures, type Tenure } from './shard-tenures.ts';
import { Signal } from './signal.ts';

export interface RelayLimits {
  /** Rows per read. */
  readonly batchSize: number;
  /** Publications under way at once. */
  readonly maxInFlight: number;
  /** Rows in memory, and of these per key. */
  readonly maxBufferedRows: number;
  /** Octets of payloads in memory. */
  readonly maxBufferedBytes: number;
  readonly maxBufferedPerKey: number;
  /** Keys with rows under way or backing off; reading pauses beyond. */
  readonly maxKeys: number;
  /** Refusals of one row before it is parked. */
  readonly maxAttempts: number;
  /** Delay after the first refusal; doubles up to the largest. */
  readonly minBackoffMs: number;
  readonly maxBackoffMs: number;
  /** How often to look without having been woken. */
  readonly pollMs: number;
  /** How often shards are spread anew over the relays there are. */
  readonly balanceMs: number;
}

export interface RelayDeps<DB extends OutboxTables> {
  readonly store: Store<DB>;
  readonly bus: Bus;
  readonly leases: Leases;
  /** How many shards the installation has: the same number in every process. */
  readonly shards: number;
  readonly clock: Clock;
  readonly random: RandomSource;
  readonly log: Log;
  readonly metrics?: Metrics;
  /** Default: nothing is traced by the relay; traces are handed on all the same. */
  readonly tracer?: Tracer;
  /** The time by the database's clock; default: never known, and delays are not measured. */
  readonly databaseNowMs?: () => number | undefined;
  readonly limits?: Partial<RelayLimits>;
}

const DEFAULT_LIMITS: RelayLimits = {
  batchSize: 256,
  maxInFlight: 128,
  maxBufferedRows: 2048,
  maxBufferedBytes: 16 * 1024 * 1024,
  maxBufferedPerKey: 256,
  maxKeys: 1024,
  maxAttempts: 10,
  minBackoffMs: 100,
  maxBackoffMs: 10_000,
  pollMs: 2_000,
  balanceMs: 5_000,
};

export class Relay {
  readonly #store: Store<OutboxTables>;
  readonly #bus: Bus;
  readonly #clock: Clock;
  readonly #random: RandomSource;
  readonly #log: Log;
  readonly #limits: RelayLimits;
  readonly #metrics: RelayMetrics | undefined;
  readonly #tracer: Tracer;

  readonly #queues: KeyQueues;
  readonly #settlement: Settlement;
  readonly #tenures: ShardTenures;
  readonly #readAfter: ReadBySlots;
  readonly #readOfKey: PreparedQuery<OutboxTables, { key: string; id: number; limit: number }, OutboxRow>;
  readonly #signal = new Signal();
  /** Publications under way. A number: a Set of promises that comes and goes with each row is work for the garbage collector. */
  #inFlight = 0;
  /** Called when none is under way any more. */
  #onIdle: (() => void) | undefined;
  /** Every row up to here that will ever be visible, of every shard held, is in a key queue, settled or gone. */
  #cursor = 0;
  /** The store's horizon as of the last look: whatever is read later sees every row up to it. */
  #horizon = 0;
  #horizonIsOld = false;
  /** Whether the horizon of the next pass is asked for during this one: where that is a round trip. */
  readonly #looksAhead: boolean;
  /** A reading from the cursor to the end, in steps: where it is, and the horizon that was known when it began. */
  #pass: { position: number; readonly horizon: number } | undefined;
  /** Whether there may be rows that the last pass, or the one that is under way, has not seen. */
  #woken = true;
  #stopped = false;
  #poll: Disposable | undefined;
  #endPause: (() => void) | undefined;
  readonly #loop: Promise<void>;

  /** Starts at once. */
  constructor(deps: RelayDeps<OutboxTables>) {
    this.#store = deps.store;
    this.#bus = deps.bus;
    this.#clock = deps.clock;
    this.#random = deps.random;
    this.#log = deps.log;
    this.#tracer = deps.tracer ?? noTracer;
    this.#limits = { ...DEFAULT_LIMITS, ...deps.limits };
    this.#queues = new KeyQueues(this.#limits);
    this.#settlement = new Settlement(this.#store, this.#clock);
    this.#looksAhead = this.#store.engine !== 'sqlite';
    this.#readAfter = readBySlots(this.#store);
    this.#readOfKey = readByKey(this.#store);
    this.#tenures = new ShardTenures({
      leases: deps.leases,
      shards: deps.shards,
      clock: deps.clock,
      random: deps.random,
      log: deps.log,
      balanceMs: this.#limits.balanceMs,
      onGained: () => this.#gained(),
      onLost: (tenure) => this.#lost(tenure),
    });
    this.#metrics =
      deps.metrics &&
      createRelayMetrics(deps.metrics, {
        store: this.#store,
        queues: this.#queues,
        shards: () => this.#tenures.size,
        publications: () => this.#inFlight,
        databaseNowMs: deps.databaseNowMs ?? (() => undefined),
      });
    this.#loop = this.#run();
  }

  /**
   * Stops reading, waits for the publications under way, deletes what they acknowledged, and gives its shards to whoever
   * waits for them. What could not be deleted is published again, under the same id, by the next relay.
   */
  async close(): Promise<void> {
    this.#stopped = true;
    this.#tenures.stop();
    this.#signal.raise();
    this.#endPause?.();
    await this.#loop;
  }

  /** Never rejects. */
  async #run(): Promise<void> {
    using _wake = this.#store.onOutbox(() => this.#wake());
    using _available = this.#bus.onAvailable(() => {
      this.#queues.releaseAll();
      this.#signal.raise();
    });
    this.#armPoll();
    let failures = 0;
    while (!this.#stopped) {
      try {
        await this.#step();
        failures = 0;
        await this.#signal.wait();
      } catch (err) {
        failures += 1;
        const delayMs = backoffMs(failures, this.#limits, this.#random);
        this.#log.error({ err, failures, delayMs }, 'the relay could not use the store');
        this.#metrics?.loopErrors.inc();
        await this.#pause(delayMs);
      }
    }
    this.#poll?.[Symbol.dispose]();
    if (this.#inFlight > 0) {
      await new Promise<void>((resolve) => {
        this.#onIdle = resolve;
      });
    }
    this.#queues.releaseTimers();
    try {
      await this.#settlement.flush({ mayWait: false });
    } catch (err) {
      this.#log.warn({ err }, 'acknowledged outbox rows could not be deleted; they will be published again');
    }
    await this.#tenures.release();
  }

  #wake(): void {
    this.#woken = true;
    this.#signal.raise();
  }

  /** Rows of the shard may have been passed over while it was another's. */
  #gained(): void {
    this.#cursor = 0;
    this.#pass = undefined;
    this.#wake();
  }

  #lost(tenure: Tenure): void {
    this.#queues.drop(tenure);
    // Reading may have paused for want of room.
    this.#signal.raise();
  }

  #armPoll(): void {
    this.#poll = this.#clock.schedule(this.#limits.pollMs, () => {
      this.#wake();
      this.#armPoll();
    });
  }

  /** One round of database work; raises the signal if another is due at once. */
  async #step(): Promise<void> {
    // While the store takes no deletions, reading on would only make more rows that come twice after a crash.
    if (this.#settlement.size <= this.#limits.maxBufferedRows) await this.#read();
    // Last, so that what waits to be told does not wait for this commit. When there is nothing to read, what comes next comes
    // with a commit, and that takes the deletions with it.
    const mayWait = !this.#stopped && !this.#hasMore;
    const [flushed, looked] = await Promise.allSettled([this.#settlement.flush({ mayWait }), this.#look()]);
    if (flushed.status === 'rejected') throw flushed.reason;
    if (looked.status === 'rejected') throw looked.reason;
    if (this.#hasMore || this.#settlement.size > 0) this.#signal.raise();
  }

  /** Whether there is something to read at once. */
  get #hasMore(): boolean {
    return this.#isReadable || this.#queues.nextToRefill() !== undefined;
  }

  get #isReadable(): boolean {
    const unread = this.#woken || this.#pass !== undefined;
    return unread && this.#tenures.size > 0 && this.#queues.hasRoom;
  }

  async #read(): Promise<void> {
    await this.#refill();
    this.#dispatch();
    if (!this.#isReadable) return;
    await this.#scan();
    this.#dispatch();
  }

  /** The next step of a pass, in order of ids, whatever the key. */
  async #scan(): Promise<void> {
    if (this.#pass === undefined) {
      // Where the answer costs nothing the cursor moves with the rows, and nothing is read twice.
      if (!this.#looksAhead) this.#horizon = await this.#store.horizon('outbox');
      this.#woken = false;
      this.#pass = { position: this.#cursor, horizon: this.#horizon };
    }
    const pass = this.#pass;
    const limit = this.#queues.rowsToRead(this.#limits.batchSize);
    const slots = this.#tenures.holdsAll ? undefined : this.#tenures.slots;
    const rows = await this.#readAfter(slots, pass.position, limit);
    this.#queues.noteRead(rows);
    // A shard was gained meanwhile, which asks for a pass from the beginning.
    if (this.#pass !== pass) return;
    for (const row of rows) {
      const tenure = this.#tenures.ofSlot(row.slot);
      // Not ours any more: it was read for a shard that was lost meanwhile.
      const isTaken = tenure === undefined || this.#settlement.has(row.id) || this.#queues.offer(row, tenure);
      if (!isTaken) return;
      pass.position = row.id;
      this.#cursor = Math.max(this.#cursor, Math.min(row.id, pass.horizon));
    }
    if (rows.length === limit) return;
    this.#cursor = Math.max(this.#cursor, pass.horizon);
    this.#pass = undefined;
    this.#horizonIsOld = this.#looksAhead;
  }

  /** For the next pass: asked for while this one's rows are published, so that they do not wait for the answer. */
  async #look(): Promise<void> {
    if (!this.#horizonIsOld) return;
    this.#horizonIsOld = false;
    this.#horizon = await this.#store.horizon('outbox');
  }

  /** Reads on for keys whose rows were passed over because their queue was full or they were backing off. */
  async #refill(): Promise<void> {
    for (let round = 0; round < this.#limits.maxInFlight; round += 1) {
      const queue = this.#queues.nextToRefill();
      if (queue === undefined) return;
      const limit = this.#queues.rowsToRead(this.#limits.maxBufferedPerKey);
      const rows = await this.#readOfKey.read({ key: queue.key, id: queue.newestSeenId, limit });
      this.#queues.noteRead(rows);
      if (queue.dropped) continue;
      const fresh = rows.filter((row) => !this.#settlement.has(row.id));
      this.#queues.refill(queue, fresh, rows.length < limit ? undefined : rows.at(-1)?.id);
    }
  }

  /** Starts as many publications as the limits allow, each key in its turn. Synchronous. */
  #dispatch(): void {
    while (!this.#stopped && this.#inFlight < this.#limits.maxInFlight) {
      const next = this.#queues.take();
      if (next === undefined) return;
      this.#inFlight += 1;
      void this.#publish(next.queue, next.row).finally(() => {
        this.#inFlight -= 1;
        this.#dispatch();
        this.#signal.raise();
        if (this.#inFlight === 0) this.#onIdle?.();
      });
    }
  }

  /** Never rejects. */
  async #publish(queue: KeyQueue, row: OutboxRow): Promise<void> {
    const parent = row.trace_parent ?? undefined;
    const span = this.#tracer.startSpan('relay publish', parent, {
      kind: 'producer',
      attributes: { 'conclave.attempts': queue.failures + 1 },
    });
    try {
      await this.#bus.publish(row.subject, row.payload, {
        messageId: row.message_id,
        traceParent: span?.traceParent ?? parent,
        acceptedAtMs: row.accepted_at_ms ?? undefined,
        fence: queue.tenure.lease,
      });
    } catch (error) {
      span?.fail(codeOf(error));
      this.#refused(queue, row, error);
      return;
    } finally {
      span?.end();
    }
    this.#metrics?.published(row.accepted_at_ms);
    this.#settlement.acknowledged(row.id);
    this.#queues.settled(queue);
  }

  #refused(queue: KeyQueue, row: OutboxRow, err: unknown): void {
    // The shard is another's, which publishes the row.
    if (queue.dropped) return;
    const transient = isTransientBusError(err);
    queue.failures += 1;
    if (!transient) queue.refusals += 1;
    this.#metrics?.refused.inc();
    // Neither subject nor key: a log that names groups would tell when each of them talks.
    const fields = { err, outboxId: row.id, failures: queue.failures, refusals: queue.refusals };
    if (queue.refusals >= this.#limits.maxAttempts) {
      this.#log.error(fields, 'an outbox row is parked: the bus keeps refusing it');
      this.#metrics?.parked.inc();
      this.#settlement.parked(row, { attempts: queue.refusals, errorCode: codeOf(err) });
      this.#queues.settled(queue);
      return;
    }
    const delayMs = backoffMs(queue.failures, this.#limits, this.#random);
    // A bus that is away for an hour is one line per key, not one per attempt.
    const level = transient && queue.failures > 1 ? 'debug' : 'warn';
    this.#log[level]({ ...fields, delayMs }, 'the bus did not take an outbox row; its key waits');
    const timer = this.#clock.schedule(delayMs, () => {
      this.#queues.release(queue);
      this.#signal.raise();
    });
    this.#queues.block(queue, row, timer);
  }

  #pause(delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = this.#clock.schedule(delayMs, resolve);
      this.#endPause = () => {
        timer[Symbol.dispose]();
        resolve();
      };
    });
  }
}

/**
 * Starts the relay of this process: of the shards of `deps.store` that its leases give it. Throws `RangeError` if there are not
 * 1 to 256 shards. Closed before the bus, the leases and the store.
 */
export function startRelay<DB extends OutboxTables>(deps: RelayDeps<DB>): Relay {
  assertShards(deps.shards);
  return new Relay({ ...deps, store: outboxOf(deps.store) });
}
