/**
 * Comparing what both engines have, read from both. As much of it as possible is read before the source stands still (`rehearse`):
 *
 *                           before                                  while it stands still
 *     append-only table     all of it, from both sides              what was added since, from both sides
 *     table that changes    all of the target, chunk by chunk       all of the source; of the target the chunks that were
 *                                                                   copied since
 *
 * and the number of all rows on both sides. Nobody but this mover writes the target: what was compared there stays so until
 * the mover itself copies the chunk again.
 */
import { RowSum } from './canonical-row.ts';
import { sumOfTail, sumOfTarget, sumOfTargetRange, sumOfTargetTail, type CopyDeps } from './copy-table.ts';
import { MoveError } from './move-error.ts';
import type { Chunk } from './move-progress.ts';
import { formatKey } from './row-key.ts';
import type { TableShape } from './table-shape.ts';

export interface VerifiedTable {
  readonly name: string;
  readonly rows: number;
  /** The same on both sides: see canonical-row.ts. */
  readonly digest: string;
}

export interface Rehearsal {
  /** Of append-only tables, by name: up to which row id they were compared, and what both sides have up to there. */
  readonly tails: ReadonlyMap<string, { readonly rowId: bigint; readonly sum: RowSum }>;
  /** Of the others, by name: the chunks, see `describe`, that the target has as they were copied. */
  readonly chunks: ReadonlyMap<string, ReadonlySet<string>>;
}

/** Throws {@link MoveError} `MOVE_DIFFERS`. */
export async function rehearse(deps: CopyDeps, tables: readonly TableShape[]): Promise<Rehearsal> {
  const tails = new Map<string, { rowId: bigint; sum: RowSum }>();
  const chunks = new Map<string, Set<string>>();
  for (const table of tables) {
    if (!table.appendOnly) {
      chunks.set(table.name, await compareChunks(deps, table, new Set()));
      continue;
    }
    const tail = await deps.progress.readTail(table);
    if (tail === undefined) continue;
    const inSource = await sumOfTail(deps, table, { after: 0n, upTo: tail.rowId });
    assertSame(table, inSource, await sumOfTarget(deps, table));
    tails.set(table.name, { rowId: tail.rowId, sum: inSource });
  }
  return { tails, chunks };
}

/**
 * While the source stands still and everything was copied; `copied` is what was read of it since it stands still, by
 * table. Throws {@link MoveError} `MOVE_DIFFERS`.
 */
export async function verify(
  deps: CopyDeps,
  tables: readonly TableShape[],
  rehearsal: Rehearsal,
  copied: ReadonlyMap<string, RowSum>,
): Promise<VerifiedTable[]> {
  const verified: VerifiedTable[] = [];
  for (const table of tables) {
    const sum = table.appendOnly
      ? await verifyTail(deps, table, rehearsal.tails.get(table.name))
      : await verifyChunks(deps, table, rehearsal.chunks.get(table.name), copied.get(table.name));
    const counts = [deps.source.count(table), await deps.target.count(table)];
    if (counts.some((count) => count !== sum.count)) throw differs(table, counts);
    verified.push({ name: table.name, rows: sum.count, digest: sum.digest });
  }
  return verified;
}

/** What the source has, if it is what all chunks together have, and the target has each of them. */
async function verifyChunks(
  deps: CopyDeps,
  table: TableShape,
  rehearsed: ReadonlySet<string> | undefined,
  inSource: RowSum | undefined,
): Promise<RowSum> {
  if (inSource === undefined) throw notCopied(table);
  await compareChunks(deps, table, rehearsed ?? new Set());
  let inTarget = RowSum.empty;
  for (const { sum } of await deps.progress.readChunks(table)) {
    if (sum === undefined) throw notCopied(table);
    inTarget = inTarget.plus(sum);
  }
  assertSame(table, inSource, inTarget);
  return inSource;
}

/** Reads from the target every chunk that was copied and is not known. Returns all that are. */
async function compareChunks(
  deps: CopyDeps,
  table: TableShape,
  known: ReadonlySet<string>,
): Promise<Set<string>> {
  const compared = new Set(known);
  for (const chunk of await deps.progress.readChunks(table)) {
    const described = describe(chunk);
    if (described === undefined || chunk.sum === undefined || compared.has(described)) continue;
    assertSame(table, chunk.sum, await sumOfTargetRange(deps, table, chunk));
    compared.add(described);
  }
  return compared;
}

/** A chunk that is copied again has another digest: it is copied again only because its rows have changed. */
function describe({ after, upTo, sum }: Chunk): string | undefined {
  if (sum === undefined) return undefined;
  const ends = [after, upTo].map((key) => (key === undefined ? '' : formatKey(key)));
  return JSON.stringify([...ends, sum.count, sum.digest]);
}

async function verifyTail(
  deps: CopyDeps,
  table: TableShape,
  rehearsed: { readonly rowId: bigint; readonly sum: RowSum } | undefined,
): Promise<RowSum> {
  if (rehearsed === undefined) throw notCopied(table);
  const tail = await sumOfTail(deps, table, { after: rehearsed.rowId, upTo: undefined });
  assertSame(table, tail, await sumOfTargetTail(deps, table, rehearsed.rowId));
  return rehearsed.sum.plus(tail);
}

function assertSame(table: TableShape, inSource: RowSum, inTarget: RowSum): void {
  if (!inSource.equals(inTarget)) throw differs(table, [inSource.count, inTarget.count]);
}

function notCopied(table: TableShape): MoveError {
  return new MoveError('MOVE_DIFFERS', `table ${table.name} was not copied`);
}

function differs(table: TableShape, [inSource, inTarget]: readonly number[]): MoveError {
  return new MoveError(
    'MOVE_DIFFERS',
    `table ${table.name} is not the same on both sides (${inSource} and ${inTarget} rows): drop the target database, create it anew and run the move again`,
  );
}
