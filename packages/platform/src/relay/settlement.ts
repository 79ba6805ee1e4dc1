/**
 * Rows the relay is done with but which are still in the outbox: acknowledged, to be deleted, or refused for good,
 * to be parked. They are remembered until the database says they are gone, so that a read that still sees them
 * does not publish them again.
 */
import type { Clock } from '../clock/clock.ts';
import type { OutboxTables } from '../outbox/outbox-table.ts';
import type { Store } from '../store/store.ts';
import type { OutboxRow } from './key-queues.ts';

interface Refusal {
  readonly attempts: number;
  readonly errorCode: string;
}

/** Ids in one statement: well below every engine's limit on parameters. A power of two. */
const MAX_IDS_PER_DELETE = 512;

export class Settlement {
  readonly #store: Store<OutboxTables>;
  readonly #clock: Clock;
  readonly #acknowledged = new Set<number>();
  readonly #parked = new Map<number, { row: OutboxRow; refusal: Refusal; parkedAtMs: number }>();

  constructor(store: Store<OutboxTables>, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
  }

  get size(): number {
    return this.#acknowledged.size + this.#parked.size;
  }

  has(id: number): boolean {
    return this.#acknowledged.has(id) || this.#parked.has(id);
  }

  acknowledged(id: number): void {
    this.#acknowledged.add(id);
  }

  parked(row: OutboxRow, refusal: Refusal): void {
    this.#parked.set(row.id, { row, refusal, parkedAtMs: this.#clock.nowMs() });
  }

  /**
   * Makes what is settled so far durable in one unit, then forgets it. On rejection everything is kept for the
   * next call. No read of the outbox may run meanwhile: it could see a row that is forgotten when it is processed.
   */
  async flush(): Promise<void> {
    if (this.size === 0) return;
    const acknowledged = [...this.#acknowledged];
    const parked = [...this.#parked.values()];
    const ids = [...acknowledged, ...parked.map(({ row }) => row.id)];
    await this.#store.write(async (trx) => {
      for (let start = 0; start < ids.length; start += MAX_IDS_PER_DELETE) {
        await trx
          .deleteFrom('outbox')
          .where('id', 'in', paddedToPowerOfTwo(ids.slice(start, start + MAX_IDS_PER_DELETE)))
          .execute();
      }
      for (const { row, refusal, parkedAtMs } of parked) {
        await trx
          .insertInto('outbox_parked')
          .values({
            ...row,
            attempts: refusal.attempts,
            error_code: refusal.errorCode,
            parked_at_ms: parkedAtMs,
          })
          .execute();
      }
    });
    for (const id of acknowledged) this.#acknowledged.delete(id);
    for (const { row } of parked) this.#parked.delete(row.id);
  }
}

/** Repeats the last id, which changes nothing, so that there are ten texts of this statement to prepare, not 512. */
function paddedToPowerOfTwo(ids: readonly number[]): number[] {
  const length = 2 ** Math.ceil(Math.log2(ids.length));
  return Array.from({ length }, (_, index) => ids[index] ?? ids.at(-1)!);
}
