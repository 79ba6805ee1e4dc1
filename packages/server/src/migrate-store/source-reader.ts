/**
 * Reads the SQLite database of an installation, while its server may be running: a connection that cannot write, and
 * reads that are short, so that the server's log of changes can be folded back into its file between them.
 */
import Database from 'better-sqlite3';
import type { Row } from './canonical-row.ts';
import { isSameKey, keyOf, type Key } from './row-key.ts';
import { quote, type TableShape } from './table-shape.ts';

/** What one read may hold in memory. */
export interface ReadLimits {
  readonly maxRows: number;
  /** Passed by at most one row. */
  readonly maxBytes: number;
}

/** Keys after `after`, up to and with `upTo`; `undefined`: from the first, to the last. */
export interface KeyRange {
  readonly after: Key | undefined;
  readonly upTo: Key | undefined;
}

export interface TailRow {
  readonly rowId: bigint;
  readonly row: Row;
}

export class SourceReader implements Disposable {
  readonly database: Database.Database;
  readonly #statements = new Map<string, Database.Statement<unknown[], Row>>();

  constructor(file: string) {
    this.database = new Database(file, { readonly: true, fileMustExist: true });
    this.database.pragma('busy_timeout = 5000');
  }

  /** The first rows of a range, in the order of the key; `more` if there may be others after them. */
  readRange(
    table: TableShape,
    { after, upTo }: KeyRange,
    limits: ReadLimits,
  ): { rows: Row[]; more: boolean } {
    const key = `(${table.key.map(({ name }) => quote(name)).join(', ')})`;
    const places = `(${table.key.map(() => '?').join(', ')})`;
    const conditions = [
      ...(after === undefined ? [] : [`${key} > ${places}`]),
      ...(upTo === undefined ? [] : [`${key} <= ${places}`]),
    ];
    const where = conditions.length === 0 ? '' : `where ${conditions.join(' and ')}`;
    const order = table.key.map(({ name }) => quote(name)).join(', ');
    const statement = this.#prepare(
      `select ${columnsOf(table)} from ${quote(table.name)} ${where} order by ${order} limit ?`,
    );
    return take(statement.iterate(...(after ?? []), ...(upTo ?? []), limits.maxRows), (row) => row, limits);
  }

  /** The first rows that were inserted after the one with this row id, up to `upTo` if given. */
  readTail(
    table: TableShape,
    after: bigint,
    limits: ReadLimits,
    upTo?: bigint,
  ): { rows: TailRow[]; more: boolean } {
    const statement = this.#prepare(
      `select ${columnsOf(table)}, rowid from ${quote(table.name)} where rowid > ? and rowid <= ? order by rowid limit ?`,
    );
    const toTail = (values: Row): TailRow => ({ rowId: values.at(-1) as bigint, row: values.slice(0, -1) });
    return take(statement.iterate(after, upTo ?? maxRowId, limits.maxRows), toTail, limits);
  }

  count(table: TableShape): number {
    const [count] = this.#prepare(`select count(*) from ${quote(table.name)}`).get() as readonly [bigint];
    return Number(count);
  }

  /** The last number that a column which the engine numbers has given out, by table. */
  readSequences(): Map<string, bigint> {
    const exists = this.#prepare(`select 1 from sqlite_master where name = 'sqlite_sequence'`).get();
    if (exists === undefined) return new Map();
    const rows = this.#prepare('select name, seq from sqlite_sequence').all() as unknown as [
      string,
      bigint,
    ][];
    return new Map(rows);
  }

  [Symbol.dispose](): void {
    this.database.close();
  }

  #prepare(text: string): Database.Statement<unknown[], Row> {
    let statement = this.#statements.get(text);
    if (statement === undefined) {
      statement = this.database.prepare<unknown[], Row>(text).raw(true).safeIntegers(true);
      this.#statements.set(text, statement);
    }
    return statement;
  }
}

const maxRowId = 2n ** 63n - 1n;

function columnsOf(table: TableShape): string {
  return table.columns.map(({ name }) => quote(name)).join(', ');
}

function take<T>(
  found: Iterable<Row>,
  convert: (row: Row) => T,
  { maxRows, maxBytes }: ReadLimits,
): { rows: T[]; more: boolean } {
  const rows: T[] = [];
  let bytes = 0;
  for (const row of found) {
    rows.push(convert(row));
    for (const value of row)
      bytes += typeof value === 'string' || value instanceof Uint8Array ? value.length : 8;
    if (bytes >= maxBytes) return { rows, more: true };
  }
  return { rows, more: rows.length === maxRows };
}

/** The whole range in pieces of bounded size. */
export function* readPieces(
  reader: SourceReader,
  table: TableShape,
  range: KeyRange,
  limits: ReadLimits,
): Generator<{ readonly rows: readonly Row[]; readonly range: KeyRange }> {
  let { after } = range;
  for (;;) {
    const { rows, more } = reader.readRange(table, { after, upTo: range.upTo }, limits);
    const last = more ? rows.at(-1) : undefined;
    const lastKey = last && keyOf(table, last);
    // A piece that is full with the last key of the range is the last: after it there is no range left, not even an empty one.
    const isLast = lastKey === undefined || (range.upTo !== undefined && isSameKey(lastKey, range.upTo));
    yield { rows, range: { after, upTo: isLast ? range.upTo : lastKey } };
    if (isLast) return;
    after = lastKey;
  }
}
