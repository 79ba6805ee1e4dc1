/**
 * How far a move has come, kept in the target beside the data and changed in the same transactions, so that a move that
 * was broken off at any point goes on where it stopped.
 *
 *     store_move          one row: whose move this is. While the table is there, no server starts on the database.
 *     store_move_chunks   ranges of keys without gaps, and what was copied of each; without a digest: to be copied
 *     store_move_tails    for append-only tables: up to which row id they were copied
 */
import { RowSum } from './canonical-row.ts';
import { formatKey, parseKey } from './row-key.ts';
import type { KeyRange } from './source-reader.ts';
import type { TableShape } from './table-shape.ts';
import type { TargetDatabase } from './target-database.ts';

export interface Chunk extends KeyRange {
  /** What the target has in the range; `undefined`: nobody knows. */
  readonly sum: RowSum | undefined;
}

export interface Tail {
  readonly rowId: bigint;
  readonly sum: RowSum;
}

interface ChunkRow {
  readonly lower_key: string;
  readonly upper_key: string | null;
  readonly row_count: bigint | null;
  readonly digest: string | null;
}

/** Stands for "from the first key"; no key has this text. */
const first = '';

export class MoveProgress {
  readonly #target: TargetDatabase;

  constructor(target: TargetDatabase) {
    this.#target = target;
  }

  /** In a transaction. */
  static async create({ client }: TargetDatabase, move: string): Promise<void> {
    await client.query('create table store_move (move text primary key, state text not null)');
    await client.query(`insert into store_move values ($1, 'copying')`, [move]);
    await client.query(`
      create table store_move_chunks (
        table_name text not null, lower_key text not null, upper_key text, row_count bigint, digest text,
        primary key (table_name, lower_key))`);
    await client.query(`
      create table store_move_tails (
        table_name text primary key, row_id bigint not null, row_count bigint not null, digest text not null)`);
  }

  /** The chunks of a table in the order of their keys. */
  async readChunks(table: TableShape): Promise<Chunk[]> {
    const { rows } = await this.#target.client.query<ChunkRow>(
      'select lower_key, upper_key, row_count, digest from store_move_chunks where table_name = $1',
      [table.name],
    );
    const byLowerKey = new Map(rows.map((row) => [row.lower_key, row]));
    const chunks: Chunk[] = [];
    for (let lower: string | null = first; lower !== null;) {
      const row = byLowerKey.get(lower);
      if (row === undefined) return [...chunks, { after: keyFrom(lower), upTo: undefined, sum: undefined }];
      chunks.push({
        after: keyFrom(lower),
        upTo: row.upper_key === null ? undefined : parseKey(row.upper_key),
        sum:
          row.digest === null || row.row_count === null
            ? undefined
            : RowSum.parse({ count: Number(row.row_count), digest: row.digest }),
      });
      lower = row.upper_key;
    }
    return chunks;
  }

  /** In a transaction. The chunk that begins where this one does ends where this one does; what is cut off is unknown. */
  async writeChunk(table: TableShape, chunk: Chunk, whole: KeyRange): Promise<void> {
    const write = `
      insert into store_move_chunks (table_name, lower_key, upper_key, row_count, digest) values ($1, $2, $3, $4, $5)
      on conflict (table_name, lower_key) do update
      set upper_key = excluded.upper_key, row_count = excluded.row_count, digest = excluded.digest`;
    const upper = chunk.upTo === undefined ? null : formatKey(chunk.upTo);
    await this.#target.client.query(write, [
      table.name,
      chunk.after === undefined ? first : formatKey(chunk.after),
      upper,
      chunk.sum?.count ?? null,
      chunk.sum?.digest ?? null,
    ]);
    const wholeUpper = whole.upTo === undefined ? null : formatKey(whole.upTo);
    if (upper === wholeUpper) return;
    await this.#target.client.query(write, [table.name, upper, wholeUpper, null, null]);
  }

  async readTail(table: TableShape): Promise<Tail | undefined> {
    const { rows } = await this.#target.client.query<{ row_id: bigint; row_count: bigint; digest: string }>(
      'select row_id, row_count, digest from store_move_tails where table_name = $1',
      [table.name],
    );
    const [row] = rows;
    return (
      row && { rowId: row.row_id, sum: RowSum.parse({ count: Number(row.row_count), digest: row.digest }) }
    );
  }

  /** In a transaction. */
  async writeTail(table: TableShape, { rowId, sum }: Tail): Promise<void> {
    await this.#target.client.query(
      `insert into store_move_tails (table_name, row_id, row_count, digest) values ($1, $2, $3, $4)
       on conflict (table_name) do update
       set row_id = excluded.row_id, row_count = excluded.row_count, digest = excluded.digest`,
      [table.name, String(rowId), sum.count, sum.digest],
    );
  }

  /** `verified`: everything is there and right; only the source has not been retired yet. */
  async readState(): Promise<string | undefined> {
    const { rows } = await this.#target.client.query<{ state: string }>('select state from store_move');
    return rows[0]?.state;
  }

  async writeState(state: 'copying' | 'verified'): Promise<void> {
    await this.#target.client.query('update store_move set state = $1', [state]);
  }

  /** The move is over: a server may start on the database. */
  async remove(): Promise<void> {
    await this.#target.client.query('drop table store_move_tails, store_move_chunks, store_move');
  }
}

function keyFrom(lower: string): KeyRange['after'] {
  return lower === first ? undefined : parseKey(lower);
}
