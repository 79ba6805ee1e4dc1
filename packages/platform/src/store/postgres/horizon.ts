/**
 * Up to which id of a table everything is decided: whatever will ever be visible with an id up to it is visible now.
 *
 *   ids     1   2   3   4 │                        commits become visible in the order of commits, not of ids
 *   seen    x       x     │ 1. the sequence has given out 4 ids
 *   running   2       4   │ 2. we take a transaction id ourselves: those who took the ids have smaller ones
 *                         │ 3. when all transactions up to ours have ended, 4 is decided; until then what was decided before
 *
 * It holds because a unit takes its transaction id before it takes a serial id (writer-session.ts). The transaction id of our own
 * cannot be saved: a snapshot's `xmax` is one past the last transaction that has _ended_, and says nothing of those that began
 * after that and run.
 *
 * Several observations are kept, oldest first, so that under constant load the horizon moves with the oldest running transaction
 * and does not wait for all that began after it. Transactions of other databases of the server count, too: their ids come from
 * the same counter.
 */
import type { PipelinedReaders } from './pipelined-readers.ts';

interface Observation {
  /** The last id that had been given out. */
  readonly id: number;
  /** A transaction id that was given out after it was looked at. */
  readonly bound: bigint;
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
    const { id, xmin, bound } = await this.#observe(sequence);
    let horizon = this.#byTable.get(table);
    if (horizon === undefined) this.#byTable.set(table, (horizon = { decided: 0, open: [] }));
    const { open } = horizon;
    const newest = open.at(-1)?.id ?? horizon.decided;
    if (open.length < maxObservations && id > newest) open.push({ id, bound });
    while (open[0] !== undefined && open[0].bound < xmin) {
      horizon.decided = Math.max(horizon.decided, open.shift()!.id);
    }
    return horizon.decided;
  }

  /** Three transactions, in this order: each must be younger than the one before it. */
  async #observe(sequence: string) {
    const [last, own, snapshot] = await this.#readers.run((connection) =>
      Promise.all([
        connection.query<{ last_value: number; is_called: boolean }>({
          text: `select last_value, is_called from ${sequence}`,
        }),
        connection.query<{ bound: string }>({ text: `select pg_current_xact_id()::text as bound` }),
        connection.query<{ xmin: string }>({
          text: `select pg_snapshot_xmin(pg_current_snapshot())::text as xmin`,
        }),
      ]),
    );
    const { last_value: value, is_called: isCalled } = last.rows[0]!;
    const [{ bound }, { xmin }] = [own.rows[0]!, snapshot.rows[0]!];
    return { id: isCalled ? value : value - 1, xmin: BigInt(xmin), bound: BigInt(bound) };
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
