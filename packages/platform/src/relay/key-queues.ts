/**
 * The rows the relay holds in memory, by ordering key, and whose turn it is. Knows neither database nor bus.
 *
 * A key is, at any time, one of
 *
 *   ready ──take──▶ in flight ──settled──▶ ready | empty (forgotten, or to refill)
 *                       └──────block─────▶ blocked ──release──▶ to refill ──refill──▶ ready
 *
 * Ready keys take turns: one row each, then to the back of the line.
 */
import type { Selectable } from 'kysely';
import type { OutboxTable } from '../outbox/outbox-table.ts';
import type { Tenure } from './shard-tenures.ts';

export type OutboxRow = Selectable<OutboxTable>;

export class KeyQueue {
  readonly key: string;
  /** For which the rows were read; they are published under its lease. */
  readonly tenure: Tenure;
  rows: OutboxRow[] = [];
  /** Rows of this key up to this id are in `rows`, in flight or settled. */
  newestSeenId = 0;
  /** Whether there may be rows of this key after `newestSeenId` that were passed over. Holds while it backs off. */
  hasMore = false;
  /** The id of the row in flight. */
  inFlight: number | undefined;
  /** The tenure is over: nothing of this queue counts any more, and what is in flight only finishes. */
  dropped = false;
  /** While the key backs off: the timer that ends it. */
  backoff: Disposable | undefined;
  /** Failures in a row of the row whose turn it is, and those of them that speak against the row. */
  failures = 0;
  refusals = 0;

  constructor(key: string, tenure: Tenure) {
    this.key = key;
    this.tenure = tenure;
  }

  holds(id: number): boolean {
    return this.inFlight === id || this.rows.some((row) => row.id === id);
  }
}

export interface KeyQueueLimits {
  readonly maxKeys: number;
  readonly maxBufferedRows: number;
  /** Of payloads. */
  readonly maxBufferedBytes: number;
  readonly maxBufferedPerKey: number;
}

export class KeyQueues {
  readonly #limits: KeyQueueLimits;
  readonly #queueByKey = new Map<string, KeyQueue>();
  /** In order of their turn. */
  readonly #ready = new Set<KeyQueue>();
  readonly #toRefill = new Set<KeyQueue>();
  #blockedCount = 0;
  #bufferedRows = 0;
  #bufferedBytes = 0;
  /** Of a payload: what the next rows are expected to have at most. */
  #expectedBytes = 0;

  constructor(limits: KeyQueueLimits) {
    this.#limits = limits;
  }

  get bufferedRows(): number {
    return this.#bufferedRows;
  }

  get blockedCount(): number {
    return this.#blockedCount;
  }

  /** Whether `offer` would take a row of a new key. */
  get hasRoom(): boolean {
    return this.#queueByKey.size < this.#limits.maxKeys && this.#hasRoomForRows;
  }

  get #hasRoomForRows(): boolean {
    const { maxBufferedRows, maxBufferedBytes } = this.#limits;
    return this.#bufferedRows < maxBufferedRows && this.#bufferedBytes < maxBufferedBytes;
  }

  /**
   * How many rows to read, at most `wanted` and at least one, so that they fit into the octets that are left if they are as
   * large as those that were read last. Rows may be a thousand times larger than others, so it is what was seen that counts.
   */
  rowsToRead(wanted: number): number {
    if (this.#expectedBytes === 0) return wanted;
    const bytes = this.#limits.maxBufferedBytes - this.#bufferedBytes;
    return Math.max(1, Math.min(wanted, Math.floor(bytes / this.#expectedBytes)));
  }

  /** Rows that were read, whatever became of them. */
  noteRead(rows: readonly OutboxRow[]): void {
    const largest = Math.max(0, ...rows.map(({ payload }) => payload.length));
    // One large row is soon forgotten.
    this.#expectedBytes = Math.max(largest, Math.floor(this.#expectedBytes / 2));
  }

  /** A row that the scan came upon. False if there is no room for it: the scan stops before it. */
  offer(row: OutboxRow, tenure: Tenure): boolean {
    let queue = this.#queueByKey.get(row.ordering_key);
    if (queue === undefined) {
      if (!this.hasRoom) return false;
      queue = new KeyQueue(row.ordering_key, tenure);
      this.#queueByKey.set(queue.key, queue);
    } else if (row.id <= queue.newestSeenId) {
      if (queue.holds(row.id)) return true;
      // It became visible after later ones of its key: read on from before it when its turn comes.
      queue.newestSeenId = row.id - 1;
      queue.hasMore = true;
      this.#place(queue);
      return true;
    } else if (
      queue.hasMore ||
      queue.rows.length >= this.#limits.maxBufferedPerKey ||
      !this.#hasRoomForRows
    ) {
      // Passed over, and read by `refill` when its turn comes.
      queue.hasMore = true;
      this.#place(queue);
      return true;
    }
    this.#append(queue, row);
    this.#place(queue);
    return true;
  }

  /** The row whose turn it is; its key is in flight until `settled` or `block`. */
  take(): { queue: KeyQueue; row: OutboxRow } | undefined {
    const [queue] = this.#ready;
    if (queue === undefined) return undefined;
    const row = queue.rows.shift()!;
    this.#leave([row]);
    queue.inFlight = row.id;
    this.#ready.delete(queue);
    return { queue, row };
  }

  /** The row in flight is done with, by acknowledgement or by parking. */
  settled(queue: KeyQueue): void {
    if (queue.dropped) return;
    queue.inFlight = undefined;
    queue.failures = 0;
    queue.refusals = 0;
    this.#place(queue);
  }

  /** The row in flight failed: the key waits for `release`, and gives its rows up to be read again. Not for dropped queues. */
  block(queue: KeyQueue, row: OutboxRow, backoff: Disposable): void {
    this.#leave(queue.rows);
    queue.rows = [];
    queue.newestSeenId = Math.min(queue.newestSeenId, row.id - 1);
    queue.hasMore = true;
    queue.inFlight = undefined;
    queue.backoff = backoff;
    this.#blockedCount += 1;
    this.#place(queue);
  }

  release(queue: KeyQueue): void {
    queue.backoff = undefined;
    this.#blockedCount -= 1;
    this.#place(queue);
  }

  /** Whatever they waited for is over: all blocked keys go on, as if they had not failed before. */
  releaseAll(): void {
    for (const queue of this.#queueByKey.values()) {
      if (queue.backoff === undefined) continue;
      queue.backoff[Symbol.dispose]();
      queue.failures = 0;
      this.release(queue);
    }
  }

  /** Undefined, too, while there is no room: rows that are in memory go out first, and none of them waits for a refill. */
  nextToRefill(): KeyQueue | undefined {
    if (!this.#hasRoomForRows) return undefined;
    const [queue] = this.#toRefill;
    return queue;
  }

  /**
   * Rows of the key after its `newestSeenId`, in order. `readToId` is the last row that was looked at, taken or
   * not; `undefined` if there are no others.
   */
  refill(queue: KeyQueue, rows: readonly OutboxRow[], readToId: number | undefined): void {
    for (const row of rows) this.#append(queue, row);
    if (readToId === undefined) queue.hasMore = false;
    else queue.newestSeenId = readToId;
    this.#place(queue);
  }

  /** Forgets everything that was read for the tenure. Publications in flight end without consequences here. */
  drop(tenure: Tenure): void {
    for (const queue of this.#queueByKey.values()) {
      if (queue.tenure !== tenure) continue;
      queue.dropped = true;
      this.#leave(queue.rows);
      queue.rows = [];
      if (queue.backoff !== undefined) this.#blockedCount -= 1;
      queue.backoff?.[Symbol.dispose]();
      this.#queueByKey.delete(queue.key);
      this.#ready.delete(queue);
      this.#toRefill.delete(queue);
    }
  }

  /** Disposes the timers of all blocked keys. The queues are of no use afterwards. */
  releaseTimers(): void {
    for (const queue of this.#queueByKey.values()) queue.backoff?.[Symbol.dispose]();
  }

  #append(queue: KeyQueue, row: OutboxRow): void {
    queue.rows.push(row);
    queue.newestSeenId = row.id;
    this.#bufferedRows += 1;
    this.#bufferedBytes += row.payload.length;
  }

  #leave(rows: readonly OutboxRow[]): void {
    this.#bufferedRows -= rows.length;
    for (const { payload } of rows) this.#bufferedBytes -= payload.length;
  }

  /** Puts a queue into the line it belongs to now; forgets it when nothing is known of it any more. */
  #place(queue: KeyQueue): void {
    const idle = queue.inFlight === undefined && queue.backoff === undefined;
    if (idle && queue.rows.length > 0) this.#ready.add(queue);
    if (idle && queue.rows.length === 0 && queue.hasMore) this.#toRefill.add(queue);
    else this.#toRefill.delete(queue);
    if (idle && queue.rows.length === 0 && !queue.hasMore) this.#queueByKey.delete(queue.key);
  }
}
