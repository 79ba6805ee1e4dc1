/**
 * Up to which id of a table everything is decided: whatever will ever be visible with an id up to it is visible now.
 *
 *   ids     1   2   3   4 │                        commits become visible in the order of commits, not of ids
 *   seen    x       x     │ 1. the sequence has given out 4 ids
 *   running   2       4   │ 2. the transactions that may have taken them: all that run now
 *                         │ 3. when all of those have ended, 4 is decided; until then what was decided before
 *
 * It holds because a unit takes its transaction id before it takes a serial id (writer-session.ts): whoever has taken one of the
 * ids that 1. counts is visible to the snapshot of 2. as running, or has ended.
 *
 * Several observations are kept, oldest first, so that under constant load the horizon moves with the oldest running transaction
 * and does not wait for all that began after it. Transactions of other databases of the server count, too: their ids come from
 * the same counter.
 */
import type { PipelinedReaders } from './pipelined-readers.ts';

interface Observation {
  /** The last id that had been given out. */
  readonly id: number;
  /** The first transaction id that had not been given out when it was looked at. */
  readonly xmax: bigint;
}

/** Observations kept: more would make it move in smaller steps. */
const maxObservations = 32;

export class Horizons {
  readonly #readers: PipelinedReaders;
  readonly #byTable = new Map<string, { decided: number; readonly open: Observation[] }>();
  readonly #sequenceByTable = new Map<string, string>();

  constructor(readers: PipelinedReaders) {
    this.#readers = readers;
  }

  async of(table: string): Promise<number> {
    const sequence = await this.#sequenceOf(table);
    const { id, xmin, xmax } = await this.#observe(sequence);
    let horizon = this.#byTable.get(table);
    if (horizon === undefined) this.#byTable.set(table, (horizon = { decided: 0, open: [] }));
    const { open } = horizon;
    const newest = open.at(-1)?.id ?? horizon.decided;
    if (open.length < maxObservations && id > newest) open.push({ id, xmax });
    while (open[0] !== undefined && open[0].xmax <= xmin) {
      horizon.decided = Math.max(horizon.decided, open.shift()!.id);
    }
    return horizon.decided;
  }

  /** Two statements: the snapshot must be younger than the look at the sequence. */
  async #observe(sequence: string) {
    const [last, snapshot] = await this.#readers.run((connection) =>
      Promise.all([
        connection.query<{ last_value: number; is_called: boolean }>({
          text: `select last_value, is_called from ${sequence}`,
        }),
        connection.query<{ xmin: string; xmax: string }>({
          text: `select pg_snapshot_xmin(now)::text as xmin, pg_snapshot_xmax(now)::text as xmax
            from pg_current_snapshot() as now`,
        }),
      ]),
    );
    const { last_value: value, is_called: isCalled } = last.rows[0]!;
    const { xmin, xmax } = snapshot.rows[0]!;
    return { id: isCalled ? value : value - 1, xmin: BigInt(xmin), xmax: BigInt(xmax) };
  }

  /** Of the column `id`, quoted as the database itself quotes it. */
  async #sequenceOf(table: string): Promise<string> {
    const known = this.#sequenceByTable.get(table);
    if (known !== undefined) return known;
    const { rows } = await this.#readers.query<{ sequence: string | null }>({
      text: `select pg_get_serial_sequence(quote_ident($1), 'id') as sequence`,
      values: [table],
    });
    const sequence = rows[0]?.sequence;
    if (sequence == null) throw new TypeError(`the ids of ${table} are not numbered by the database`);
    this.#sequenceByTable.set(table, sequence);
    return sequence;
  }
}
