/**
 * The PostgreSQL database that is filled: one connection, and a lock on the database so that nobody else fills it
 * meanwhile. Both end with this process, however it ends.
 */
import pg from 'pg';
import { postgresClientConfig, type PostgresTarget } from '@conclave/platform/postgres';
import type { Row } from './canonical-row.ts';
import { MoveError } from './move-error.ts';
import type { Key } from './row-key.ts';
import type { KeyRange } from './source-reader.ts';
import { quote, type Column, type ColumnType, type TableShape } from './table-shape.ts';

/** "conc-mov" in eight octets. */
const moveLock = '7165066919187279734';

/** Rows at once when a whole table is read: a row may have a mebibyte. */
const rowsPerFetch = 128;

const arrayTypes: Readonly<Record<ColumnType, string>> = {
  text: 'text[]',
  integer: 'bigint[]',
  bytes: 'bytea[]',
};
const scalarTypes: Readonly<Record<ColumnType, string>> = { text: 'text', integer: 'bigint', bytes: 'bytea' };

/** Integers of every size as `bigint`, so that they are the same as from SQLite; the rest as the driver gives it. */
const integerTypes: readonly number[] = [20, 21, 23];
const types: pg.CustomTypesConfig = {
  getTypeParser: ((oid: number, format?: 'text' | 'binary') =>
    integerTypes.includes(oid) && format !== 'binary'
      ? (text: string) => BigInt(text)
      : pg.types.getTypeParser(oid, format)) as pg.CustomTypesConfig['getTypeParser'],
};

export class TargetDatabase implements AsyncDisposable {
  readonly client: pg.Client;
  #isLost = false;
  private constructor(config: pg.ClientConfig) {
    this.client = new pg.Client({ ...config, types });
    // A connection that breaks rejects what waits for it.
    this.client.on('error', () => (this.#isLost = true));
  }

  /** Throws {@link MoveError} `MOVE_RUNNING`, or what the driver throws when there is no such database. */
  static async open(target: PostgresTarget): Promise<TargetDatabase> {
    const database = new TargetDatabase(
      postgresClientConfig(target, { applicationName: 'conclave migrate-store' }),
    );
    try {
      await database.client.connect();
      const { rows } = await database.client.query<{ taken: boolean }>(
        'select pg_try_advisory_lock($1) as taken',
        [moveLock],
      );
      if (rows[0]?.taken !== true) {
        throw new MoveError('MOVE_RUNNING', 'another migrate-store is filling this database');
      }
      return database;
    } catch (error) {
      await database[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Whether the connection broke: whatever failed since failed of that. */
  get isLost(): boolean {
    return this.#isLost;
  }

  /** All of it or nothing. */
  async transaction<T>(unit: () => Promise<T>): Promise<T> {
    await this.client.query('begin');
    try {
      const value = await unit();
      await this.client.query('commit');
      return value;
    } catch (error) {
      await this.#rollBack();
      throw error;
    }
  }

  async insert(table: TableShape, rows: readonly Row[]): Promise<void> {
    if (rows.length === 0) return;
    const columns = table.columns.map(({ name }) => quote(name)).join(', ');
    const arrays = table.columns.map(({ type }, index) => `$${index + 1}::${arrayTypes[type]}`).join(', ');
    const values = table.columns.map((_, index) => rows.map((row) => parameterOf(row[index] ?? null)));
    await this.client.query(
      `insert into ${quote(table.name)} (${columns}) select * from unnest(${arrays})`,
      values,
    );
  }

  async deleteRange(table: TableShape, range: KeyRange): Promise<void> {
    const { where, values } = rangeOf(table, range);
    await this.client.query(`delete from ${quote(table.name)}${where}`, [...values]);
  }

  /** The rows of a range, in no particular order. */
  async readRange(table: TableShape, range: KeyRange): Promise<Row[]> {
    const { where, values } = rangeOf(table, range);
    const columns = table.columns.map(({ name }) => quote(name)).join(', ');
    const { rows } = await this.client.query<Row>({
      text: `select ${columns} from ${quote(table.name)}${where}`,
      values: [...values],
      rowMode: 'array',
    } as pg.QueryConfig as never);
    return rows;
  }

  /**
   * Makes ranges of keys quick to delete and to read. The primary key's own index may be in the order of some language; ranges are in
   * that of octets, as SQLite's are.
   */
  async createRangeIndex(table: TableShape): Promise<void> {
    if (!table.key.some(({ type }) => type === 'text')) return;
    const key = table.key.map(keyExpression).join(', ');
    await this.client.query(
      `create index if not exists ${quote(rangeIndexOf(table))} on ${quote(table.name)} (${key})`,
    );
  }

  async dropRangeIndex(table: TableShape): Promise<void> {
    await this.client.query(`drop index if exists ${quote(rangeIndexOf(table))}`);
  }

  /** The rows with these keys, in no particular order. */
  async readKeys(table: TableShape, keys: readonly Key[]): Promise<Row[]> {
    const columns = table.columns.map(({ name }) => `t.${quote(name)}`).join(', ');
    const arrays = table.key.map(({ type }, index) => `$${index + 1}::${arrayTypes[type]}`).join(', ');
    const names = table.key.map(({ name }) => quote(name)).join(', ');
    const values = table.key.map((_, index) => keys.map((key) => parameterOf(key[index] ?? null)));
    const { rows } = await this.client.query<Row>({
      text: `select ${columns} from ${quote(table.name)} t join unnest(${arrays}) as wanted (${names}) using (${names})`,
      values,
      rowMode: 'array',
    } as pg.QueryConfig as never);
    return rows;
  }

  /** The whole table as of one moment, in no particular order, a bounded number of rows at a time. */
  async *readAll(table: TableShape): AsyncGenerator<readonly Row[]> {
    const columns = table.columns.map(({ name }) => quote(name)).join(', ');
    await this.client.query('begin isolation level repeatable read read only');
    try {
      await this.client.query(
        `declare rows_of_table no scroll cursor for select ${columns} from ${quote(table.name)}`,
      );
      for (;;) {
        const { rows } = await this.client.query<Row>({
          text: `fetch forward ${rowsPerFetch} from rows_of_table`,
          rowMode: 'array',
        } as pg.QueryConfig as never);
        if (rows.length === 0) return;
        yield rows;
      }
    } finally {
      await this.#rollBack();
    }
  }

  async count(table: TableShape): Promise<number> {
    const { rows } = await this.client.query<{ count: bigint }>(`select count(*) from ${quote(table.name)}`);
    return Number(rows[0]?.count ?? 0n);
  }

  /** Whatever numbers a column from a sequence goes on after `last`. */
  async setSequences(table: TableShape, last: bigint): Promise<void> {
    for (const { name } of table.columns) {
      await this.client.query(
        `select setval(sequence, greatest($3::bigint, 1), $3::bigint > 0)
         from pg_get_serial_sequence($1, $2) as sequence where sequence is not null`,
        [quote(table.name), name, String(last)],
      );
    }
  }

  /** If the connection is lost, so is the transaction, and whoever used it knows already. */
  async #rollBack(): Promise<void> {
    await this.client.query('rollback').catch(() => undefined);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.client.end().catch(() => undefined);
  }
}

function keyExpression({ name, type }: Column): string {
  return type === 'text' ? `${quote(name)} collate "C"` : quote(name);
}

/** The condition for the keys of a range, with its parameters. */
function rangeOf(
  table: TableShape,
  { after, upTo }: KeyRange,
): { readonly where: string; readonly values: readonly unknown[] } {
  const key = `(${table.key.map(keyExpression).join(', ')})`;
  const values: unknown[] = [];
  const bound = (values_: Key) =>
    `(${table.key.map((column, index) => `$${values.push(parameterOf(values_[index] ?? null))}::${scalarTypes[column.type]}`).join(', ')})`;
  const conditions = [
    ...(after === undefined ? [] : [`${key} > ${bound(after)}`]),
    ...(upTo === undefined ? [] : [`${key} <= ${bound(upTo)}`]),
  ];
  return { where: conditions.length === 0 ? '' : ` where ${conditions.join(' and ')}`, values };
}

function rangeIndexOf(table: TableShape): string {
  return `store_move_key_${table.name}`;
}

/** As the driver takes it. */
function parameterOf(value: Row[number]): string | Buffer | null {
  if (value === null || typeof value === 'string') return value;
  if (typeof value === 'bigint') return String(value);
  return Buffer.from(value.buffer, value.byteOffset, value.byteLength);
}
