/**
 * Rows the relay is done with but which are still in the outbox: acknowledged, to be deleted, or refused for good,
 * to be parked. They are remembered until the database says they are gone, so that a read that still sees them
 * does not publish them again.
 */
import type { Clock } from '../clock/clock.ts';
import type { OutboxTables } from '../outbox/outbox-table.ts';
import type { PreparedQuery } from '../store/prepared-query.ts';
import type { Store } from '../store/store.ts';
import type { OutboxRow } from './key-queues.ts';

interface Refusal {
  readonly attempts: number;
  readonly errorCode: string;
}

interface IdRange {
  readonly first: number;
  readonly last: number;
}

export class Settlement {
  readonly #store: Store<OutboxTables>;
  readonly #clock: Clock;
  readonly #deleteRange: PreparedQuery<OutboxTables, IdRange, never>;
  readonly #deleteRow: PreparedQuery<OutboxTables, { id: number }, { id: number }>;
  readonly #acknowledged = new Set<number>();
  readonly #parked = new Map<number, { row: OutboxRow; refusal: Refusal; parkedAtMs: number }>();

  constructor(store: Store<OutboxTables>, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
    this.#deleteRange = store.prepare((db, ids: IdRange) =>
      db.deleteFrom('outbox').where('id', '>=', ids.first).where('id', '<=', ids.last),
    );
    this.#deleteRow = store.prepare((db, row: { id: number }) =>
      db.deleteFrom('outbox').where('id', '=', row.id).returning('id'),
    );
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
   *
   * @param mayWait whether nothing is delayed when it takes a moment longer (`WriteOptions.mayWait`).
   */
  async flush({ mayWait }: { readonly mayWait: boolean }): Promise<void> {
    if (this.size === 0) return;
    const acknowledged = [...this.#acknowledged];
    const parked = [...this.#parked.values()];
    // Rows that are deleted are the only ones that count, and nobody writes them but their relay.
    await this.#store.write(
      async (trx) => {
        await this.#deleteRange.runEach(trx, rangesOf(acknowledged));
        for (const { row, refusal, parkedAtMs } of parked) {
          // Another relay may have taken over the shard, and have published or parked the row itself.
          if ((await this.#deleteRow.run(trx, row)).length === 0) continue;
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
      },
      { isolation: 'locked-rows', mayWait },
    );
    for (const id of acknowledged) this.#acknowledged.delete(id);
    for (const { row } of parked) this.#parked.delete(row.id);
  }
}

/** Ids that follow one another become one range: there is no room between them for a row that is still to be told. */
function rangesOf(ids: readonly number[]): IdRange[] {
  const ranges: { first: number; last: number }[] = [];
  for (const id of ids.toSorted((a, b) => a - b)) {
    const current = ranges.at(-1);
    if (current !== undefined && id === current.last + 1) current.last = id;
    else ranges.push({ first: id, last: id });
  }
  return ranges;
}
