/**
 * Comparing what both engines have, read from both.
 *
 * Tables whose rows change are read whole from both sides while the source stands still. An append-only table, the
 * largest one, is read whole from both sides before that (`rehearse`), and only what was added since while it stands
 * still, with the number of all its rows.
 */
import { sumOfTail, sumOfTarget, sumOfTargetTail, type CopyDeps } from './copy-table.ts';
import type { RowSum } from './canonical-row.ts';
import { MoveError } from './move-error.ts';
import type { TableShape } from './table-shape.ts';

export interface VerifiedTable {
  readonly name: string;
  readonly rows: number;
  /** The same on both sides: see canonical-row.ts. */
  readonly digest: string;
}

/** Of append-only tables, by name: up to which row id they were compared, and what both sides have up to there. */
export type Rehearsal = ReadonlyMap<string, { readonly rowId: bigint; readonly sum: RowSum }>;

/** Throws {@link MoveError} `MOVE_DIFFERS`. */
export async function rehearse(deps: CopyDeps, tables: readonly TableShape[]): Promise<Rehearsal> {
  const rehearsal = new Map<string, { rowId: bigint; sum: RowSum }>();
  for (const table of tables) {
    const tail = table.appendOnly ? await deps.progress.readTail(table) : undefined;
    if (tail === undefined) continue;
    // Nobody but this mover writes the target: it has what was copied, and no more.
    const inSource = await sumOfTail(deps, table, { after: 0n, upTo: tail.rowId });
    assertSame(table, inSource, await sumOfTarget(deps, table));
    rehearsal.set(table.name, { rowId: tail.rowId, sum: inSource });
  }
  return rehearsal;
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
    const rehearsed = rehearsal.get(table.name);
    const sum = rehearsed === undefined ? copied.get(table.name) : await verifyTail(deps, table, rehearsed);
    if (sum === undefined) throw new MoveError('MOVE_DIFFERS', `table ${table.name} was not copied`);
    if (rehearsed === undefined) assertSame(table, sum, await sumOfTarget(deps, table));
    const counts = [deps.source.count(table), await deps.target.count(table)];
    if (counts.some((count) => count !== sum.count)) throw differs(table, counts);
    verified.push({ name: table.name, rows: sum.count, digest: sum.digest });
  }
  return verified;
}

async function verifyTail(
  deps: CopyDeps,
  table: TableShape,
  rehearsed: { readonly rowId: bigint; readonly sum: RowSum },
): Promise<RowSum> {
  const tail = await sumOfTail(deps, table, { after: rehearsed.rowId, upTo: undefined });
  assertSame(table, tail, await sumOfTargetTail(deps, table, rehearsed.rowId));
  return rehearsed.sum.plus(tail);
}

function assertSame(table: TableShape, inSource: RowSum, inTarget: RowSum): void {
  if (!inSource.equals(inTarget)) throw differs(table, [inSource.count, inTarget.count]);
}

function differs(table: TableShape, [inSource, inTarget]: readonly number[]): MoveError {
  return new MoveError(
    'MOVE_DIFFERS',
    `table ${table.name} is not the same on both sides (${inSource} and ${inTarget} rows): drop the target database, create it anew and run the move again`,
  );
}
