/**
 * Brings one table of the target to what the source has, and says what both have now. Run again and again while the
 * source is written, each time there is less to do; once the source stands still, the result is exact.
 */
import { setImmediate as eventLoopTurn } from 'node:timers/promises';
import { RowSum } from './canonical-row.ts';
import type { Chunk, MoveProgress, Tail } from './move-progress.ts';
import { keyOf } from './row-key.ts';
import { readPieces, type KeyRange, type ReadLimits, type SourceReader } from './source-reader.ts';
import type { TableShape } from './table-shape.ts';
import type { TargetDatabase } from './target-database.ts';

export interface CopyDeps {
  readonly source: SourceReader;
  readonly target: TargetDatabase;
  readonly progress: MoveProgress;
  readonly limits: ReadLimits;
  /** Called between pieces of work; throws to give up. */
  readonly checkpoint: (copiedRows: number) => void;
}

export interface CopyResult {
  /** Of the source, as it was read. */
  readonly sum: RowSum;
  readonly copiedRows: number;
  /** Whether something could not be copied yet: run it again. */
  readonly isIncomplete: boolean;
}

/**
 * A table whose rows change: ranges of keys whose digest in the source is not what was copied of them are copied again.
 *
 *     keys    ────────────┬────────────┬────────────┬─ …
 *     copied     digest a │   digest b │   digest c │
 *     source           a  │         x  │         c  │     the middle one is deleted and inserted anew
 */
export async function copyChunks(deps: CopyDeps, table: TableShape): Promise<CopyResult> {
  const { source, progress, limits, checkpoint } = deps;
  let result: CopyResult = { sum: RowSum.empty, copiedRows: 0, isIncomplete: false };
  for (const chunk of await progress.readChunks(table)) {
    const sum = chunk.sum && sumOfRange(source, table, chunk, limits);
    const isSame = sum !== undefined && chunk.sum?.equals(sum) === true;
    const outcome = isSame
      ? { sum, copiedRows: 0, isIncomplete: false }
      : await copyChunk(deps, table, chunk);
    result = {
      sum: result.sum.plus(outcome.sum),
      copiedRows: result.copiedRows + outcome.copiedRows,
      isIncomplete: result.isIncomplete || outcome.isIncomplete,
    };
    if (isSame) {
      checkpoint(0);
      // Reading SQLite is synchronous: timers and sockets get their turn here.
      await eventLoopTurn();
    }
  }
  return result;
}

function sumOfRange(source: SourceReader, table: TableShape, range: KeyRange, limits: ReadLimits): RowSum {
  let sum = RowSum.empty;
  for (const { rows } of readPieces(source, table, range, limits)) sum = sum.plus(RowSum.of(table, rows));
  return sum;
}

/** In pieces of bounded size, each of which is a chunk from then on. */
async function copyChunk(deps: CopyDeps, table: TableShape, chunk: Chunk): Promise<CopyResult> {
  const { source, target, progress, limits, checkpoint } = deps;
  let total = RowSum.empty;
  let isIncomplete = false;
  for (const { rows, range } of readPieces(source, table, chunk, limits)) {
    const sum = RowSum.of(table, rows);
    const rest = { after: range.after, upTo: chunk.upTo };
    try {
      await target.transaction(async () => {
        await target.deleteRange(table, range);
        await target.insert(table, rows);
        await progress.writeChunk(table, { ...range, sum }, rest);
      });
    } catch (error) {
      if (!isUniqueViolation(error)) throw error;
      // A unique value went from a row that was copied before to one of these. What is in its way is copied again in the
      // same pass or the next; until then the range stays empty, so that two of them cannot block each other.
      await target.transaction(async () => {
        await target.deleteRange(table, range);
        await progress.writeChunk(table, { ...range, sum: undefined }, rest);
      });
      isIncomplete = true;
    }
    total = total.plus(sum);
    checkpoint(rows.length);
  }
  return { sum: total, copiedRows: total.count, isIncomplete };
}

/** An append-only table: what was added since. Every piece is read back and compared. */
export async function copyTail(deps: CopyDeps, table: TableShape): Promise<CopyResult> {
  const { source, target, progress, limits, checkpoint } = deps;
  let tail: Tail = (await progress.readTail(table)) ?? (await beginTail(deps, table));
  let copiedRows = 0;
  for (;;) {
    const { rows, more } = source.readTail(table, tail.rowId, limits);
    const last = rows.at(-1);
    if (last === undefined) return { sum: tail.sum, copiedRows, isIncomplete: false };
    const values = rows.map(({ row }) => row);
    const next: Tail = { rowId: last.rowId, sum: tail.sum.plus(RowSum.of(table, values)) };
    await target.transaction(async () => {
      await target.insert(table, values);
      await progress.writeTail(table, next);
    });
    tail = next;
    copiedRows += rows.length;
    checkpoint(rows.length);
    if (!more) return { sum: tail.sum, copiedRows, isIncomplete: false };
  }
}

async function beginTail({ target, progress }: CopyDeps, table: TableShape): Promise<Tail> {
  const start: Tail = { rowId: 0n, sum: RowSum.empty };
  await target.transaction(async () => {
    await target.deleteRange(table, { after: undefined, upTo: undefined });
    await progress.writeTail(table, start);
  });
  return start;
}

/** What the source has of an append-only table after one row id and up to another, read anew. */
export async function sumOfTail(
  deps: CopyDeps,
  table: TableShape,
  { after, upTo }: { readonly after: bigint; readonly upTo: bigint | undefined },
): Promise<RowSum> {
  let sum = RowSum.empty;
  for (let from = after; ;) {
    const { rows, more } = deps.source.readTail(table, from, deps.limits, upTo);
    const last = rows.at(-1);
    sum = sum.plus(
      RowSum.of(
        table,
        rows.map(({ row }) => row),
      ),
    );
    deps.checkpoint(0);
    await eventLoopTurn();
    if (!more || last === undefined) return sum;
    from = last.rowId;
  }
}

/** What the target has of the rows that were added after a row id. */
export async function sumOfTargetTail(deps: CopyDeps, table: TableShape, after: bigint): Promise<RowSum> {
  let sum = RowSum.empty;
  for (let from = after; ;) {
    const { rows, more } = deps.source.readTail(table, from, deps.limits);
    const last = rows.at(-1);
    if (last === undefined) return sum;
    const keys = rows.map(({ row }) => keyOf(table, row));
    sum = sum.plus(RowSum.of(table, await deps.target.readKeys(table, keys)));
    deps.checkpoint(0);
    if (!more) return sum;
    from = last.rowId;
  }
}

/** What the target has in a range of keys that was copied as one chunk, so that it fits into memory. */
export async function sumOfTargetRange(deps: CopyDeps, table: TableShape, range: KeyRange): Promise<RowSum> {
  const sum = RowSum.of(table, await deps.target.readRange(table, range));
  deps.checkpoint(0);
  return sum;
}

/** What the target has of a whole table. */
export async function sumOfTarget(deps: CopyDeps, table: TableShape): Promise<RowSum> {
  let sum = RowSum.empty;
  for await (const rows of deps.target.readAll(table)) {
    sum = sum.plus(RowSum.of(table, rows));
    deps.checkpoint(0);
  }
  return sum;
}

function isUniqueViolation(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === '23505';
}
