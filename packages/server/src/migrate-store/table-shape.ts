/**
 * What a table looks like to the mover: found from the schemas, never listed by hand, so that a table that a later
 * migration adds is moved too.
 */
import type { Database } from 'better-sqlite3';
import type pg from 'pg';
import { MoveError } from './move-error.ts';

export type ColumnType = 'text' | 'integer' | 'bytes';

export interface Column {
  readonly name: string;
  readonly type: ColumnType;
}

export interface TableShape {
  readonly name: string;
  readonly columns: readonly Column[];
  /** The columns of the primary key, in its order. */
  readonly key: readonly Column[];
  /** Copied once and then by its tail: see {@link appendOnlyTables}. */
  readonly appendOnly: boolean;
}

/**
 * Tables whose rows are neither changed nor deleted, with the reason; the mover reads their new rows in the order of
 * SQLite's row ids. Verification compares every row, so a table that is wrongly listed here makes the move fail.
 */
export const appendOnlyTables: Readonly<Record<string, string>> = {
  sealed_frames: 'the log of a group: frames are numbered, and nothing in the server changes or deletes one',
};

/** What both engines keep for themselves, or the mover keeps in the target. */
const notMoved = /^(?:sqlite_.*|schema_migrations|store_move(?:_.*)?)$/;

const typeByPostgresName: Readonly<Record<string, ColumnType>> = {
  text: 'text',
  bytea: 'bytes',
  int2: 'integer',
  int4: 'integer',
  int8: 'integer',
};

/** The tables to move, by name. Throws {@link MoveError} `MOVE_SCHEMA` when the two databases do not have the same. */
export async function findTables(source: Database, target: pg.ClientBase): Promise<TableShape[]> {
  const shapes: TableShape[] = [];
  const inSource = sourceTables(source);
  const inTarget = await targetTables(target);
  for (const name of inTarget.keys()) {
    if (inSource.has(name)) continue;
    // The program keeps tables in PostgreSQL that one process does not need: there is nothing to move into them.
    const { rowCount } = await target.query(`select 1 from ${quote(name)} limit 1`);
    if (rowCount !== 0) {
      throw new MoveError(
        'MOVE_SCHEMA',
        `the target has rows in table ${name}, which the source does not know`,
      );
    }
  }
  for (const [name, { columnNames, key, hasRowId }] of inSource) {
    const targetColumns = inTarget.get(name);
    if (targetColumns === undefined) {
      if (source.prepare(`select 1 from ${quote(name)} limit 1`).get() === undefined) continue;
      throw new MoveError('MOVE_SCHEMA', `the target has no table ${name}`);
    }
    const columns = columnNames.map((column): Column => {
      const found = targetColumns.find((candidate) => candidate.name === column);
      if (found === undefined) {
        throw new MoveError('MOVE_SCHEMA', `the target lacks column ${column} of ${name}`);
      }
      const type = typeByPostgresName[found.typeName];
      if (type === undefined) {
        throw new MoveError(
          'MOVE_SCHEMA',
          `column ${column} of ${name} has a type that is not moved: ${found.typeName}`,
        );
      }
      return { name: column, type };
    });
    if (columns.length !== targetColumns.length) {
      throw new MoveError('MOVE_SCHEMA', `table ${name} has more columns in the target than in the source`);
    }
    if (key.length === 0) throw new MoveError('MOVE_SCHEMA', `table ${name} has no primary key`);
    const appendOnly = name in appendOnlyTables && hasRowId;
    shapes.push({
      name,
      columns,
      key: key.map((column) => columns.find((candidate) => candidate.name === column)!),
      appendOnly,
    });
  }
  return shapes.sort((a, b) => (a.name < b.name ? -1 : 1));
}

interface SourceTable {
  readonly columnNames: readonly string[];
  readonly key: readonly string[];
  readonly hasRowId: boolean;
}

function sourceTables(source: Database): Map<string, SourceTable> {
  const tables = source
    .prepare<[], { name: string; wr: number }>(
      `select name, wr from pragma_table_list where schema = 'main' and type = 'table'`,
    )
    .all();
  const describeColumns = source.prepare<[string], { name: string; pk: number }>(
    'select name, pk from pragma_table_info(?) order by cid',
  );
  return new Map(
    tables
      .filter(({ name }) => !notMoved.test(name))
      .map(({ name, wr }) => {
        const columns = describeColumns.all(name);
        const key = columns.filter(({ pk }) => pk > 0).sort((a, b) => a.pk - b.pk);
        return [
          name,
          {
            columnNames: columns.map((column) => column.name),
            key: key.map((column) => column.name),
            hasRowId: wr === 0,
          },
        ];
      }),
  );
}

interface TargetColumn {
  readonly name: string;
  /** As PostgreSQL calls it. */
  readonly typeName: string;
}

async function targetTables(target: pg.ClientBase): Promise<Map<string, TargetColumn[]>> {
  const { rows } = await target.query<{ table: string; column: string; type: string }>(`
    select t.table_name as "table", c.column_name as "column", c.udt_name as "type"
    from information_schema.tables t
    join information_schema.columns c using (table_schema, table_name)
    where t.table_schema = current_schema() and t.table_type = 'BASE TABLE'
    order by t.table_name, c.ordinal_position`);
  const tables = new Map<string, TargetColumn[]>();
  for (const { table, column, type } of rows) {
    if (notMoved.test(table)) continue;
    tables.set(table, [...(tables.get(table) ?? []), { name: column, typeName: type }]);
  }
  return tables;
}

/** An identifier of SQL, in both engines. */
export function quote(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
