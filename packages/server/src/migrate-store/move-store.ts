/**
 * `conclave migrate-store`: an installation goes from SQLite to PostgreSQL while its server runs.
 *
 *     server   ═══ reads and writes ══════════════════════════╪═ read-only ══════════╪═ read-only for good, until stopped
 *     mover    claim, migrate ─▶ copy all ─▶ copy what changed │ the rest ─▶ verify ─▶│ hand over
 *     target   store_move "copying" …                          │            "verified"│ its marks go: a server may start
 *
 * Whenever the mover is broken off, the source goes on as before and the mover can be run again: what it has copied is
 * marked in the target, in the transactions that copied it. Only the hand-over changes the source, and comes last.
 */
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Clock, MigrationSequence, RandomSource } from '@conclave/platform';
import type { PostgresTarget } from '@conclave/platform/postgres';
import type { OperatorClient } from '../operator/operator-client.ts';
import { allMigrations } from '../schema/server-migrations.ts';
import type { RowSum } from './canonical-row.ts';
import { copyChunks, copyTail, type CopyDeps } from './copy-table.ts';
import { MoveError } from './move-error.ts';
import { MoveProgress } from './move-progress.ts';
import { readMoveRecord, writeMoveRecord, type MoveRecord } from './move-record.ts';
import { claimTarget, compareSchemas, migrateTarget } from './prepare-target.ts';
import { SourceReader, type ReadLimits } from './source-reader.ts';
import { openStandstill, type Standstill } from './standstill.ts';
import { findTables, type TableShape } from './table-shape.ts';
import { TargetDatabase } from './target-database.ts';
import { rehearse, verify, type Rehearsal, type VerifiedTable } from './verify-move.ts';

export interface MoveStoreDeps {
  readonly dataDirectory: string;
  readonly target: PostgresTarget;
  /** Speaks to the server that runs on the data directory; called only if one does. */
  readonly operator: () => OperatorClient;
  readonly clock: Clock;
  readonly random: RandomSource;
  readonly migrations?: readonly MigrationSequence[];
  readonly limits?: ReadLimits;
  /** The move is given up when the server would have to be read-only for longer. */
  readonly maxReadOnlyMs?: number;
  readonly onStep?: (step: MoveStep) => void;
  /** Breaks the move off: it rejects with the signal's reason, and can be run again. */
  readonly signal?: AbortSignal;
}

export type MoveStep =
  | { readonly step: 'begin'; readonly isLive: boolean; readonly resumes: boolean; readonly tables: number }
  | { readonly step: 'copied'; readonly rows: number }
  | { readonly step: 'round'; readonly round: number; readonly rows: number }
  | { readonly step: 'rehearsed' }
  | { readonly step: 'read-only' }
  | { readonly step: 'verified'; readonly tables: readonly VerifiedTable[] };

export interface MoveReport {
  readonly tables: readonly VerifiedTable[];
  readonly isLive: boolean;
  /** Whether an earlier run had begun it. */
  readonly resumed: boolean;
  readonly durationMs: number;
  /** From the last write of the source to its retirement. */
  readonly readOnlyMs: number;
}

const defaultLimits: ReadLimits = { maxRows: 1_000, maxBytes: 4 * 1024 * 1024 };
const defaultMaxReadOnlyMs = 120_000;
/** Each round has only what changed during the one before; more than a few mean that the source outruns the mover. */
const maxRounds = 4;
/** So little is left that it can wait for the standstill. */
const fewRows = 2_000;
const maxStillRounds = 10;

/** Throws {@link MoveError}; the source is then as before, except that a move that was all but over is finished by the next run. */
export async function moveStore(deps: MoveStoreDeps): Promise<MoveReport> {
  const databaseFile = join(resolve(deps.dataDirectory), 'conclave.db');
  if (!existsSync(databaseFile)) {
    throw new MoveError('MOVE_SOURCE', `there is no ${databaseFile}: give the server's --dataDirectory`);
  }
  const to = describeTarget(deps.target);
  const record = beginRecord(deps, to);
  await using target = await TargetDatabase.open(deps.target);
  try {
    return await moveInto(target, { ...deps, databaseFile, to, record });
  } catch (cause) {
    if (!target.isLost) throw cause;
    const message =
      'the connection to the target broke: run migrate-store again, it goes on where it stopped';
    throw new MoveError('MOVE_TARGET_LOST', message, { cause });
  }
}

interface MoveIntoDeps extends MoveStoreDeps {
  readonly databaseFile: string;
  readonly to: string;
  readonly record: MoveRecord;
}

async function moveInto(target: TargetDatabase, deps: MoveIntoDeps): Promise<MoveReport> {
  const { clock, databaseFile, to, record, limits = defaultLimits, migrations = allMigrations } = deps;
  const startedAtMs = clock.monotonicMs();
  const progress = new MoveProgress(target);
  if (record.state === 'moved') return await finish(progress, target, record, startedAtMs, clock);

  await using standstill = await openStandstill(deps);
  const resumed = await claimTarget(target, record.move);
  await migrateTarget(deps.target, migrations);
  using source = new SourceReader(databaseFile);
  await compareSchemas(source.database, target);
  const tables = await findTables(source.database, target.client);
  for (const table of tables) if (!table.appendOnly) await target.createRangeIndex(table);
  await progress.writeState('copying');
  deps.onStep?.({ step: 'begin', isLive: standstill.isLive, resumes: resumed, tables: tables.length });

  const copy: CopyDeps = {
    source,
    target,
    progress,
    limits,
    checkpoint: (rows) => {
      deps.signal?.throwIfAborted();
      if (rows > 0) deps.onStep?.({ step: 'copied', rows });
    },
  };
  await copyWhileItRuns(deps, copy, tables);
  const rehearsal = await rehearse(copy, tables);
  deps.onStep?.({ step: 'rehearsed' });
  const still = await copyTheRest({ deps, copy, tables, rehearsal, standstill, to });
  await progress.remove();
  return {
    tables: still.tables,
    isLive: standstill.isLive,
    resumed,
    durationMs: clock.monotonicMs() - startedAtMs,
    readOnlyMs: still.readOnlyMs,
  };
}

/** The move has a name from its first run on, so that the next one knows its target. */
function beginRecord({ dataDirectory, random }: MoveStoreDeps, to: string): MoveRecord {
  const known = readMoveRecord(dataDirectory);
  if (known !== undefined) return known;
  const record: MoveRecord = {
    move: Buffer.from(random.bytes(12)).toString('base64url'),
    state: 'moving',
    to,
  };
  writeMoveRecord(dataDirectory, record);
  return record;
}

/** The last run died between handing over and removing its marks: everything is there, and was verified. */
async function finish(
  progress: MoveProgress,
  target: TargetDatabase,
  record: MoveRecord,
  startedAtMs: number,
  clock: Clock,
): Promise<MoveReport> {
  const { rowCount } = await target.client.query(
    `select 1 from pg_class where relnamespace = current_schema()::regnamespace and relname = 'store_move'`,
  );
  if (
    rowCount !== 1 ||
    !(await claimTarget(target, record.move)) ||
    (await progress.readState()) !== 'verified'
  ) {
    throw new MoveError('MOVE_SOURCE', `this installation was moved already, to ${record.to}`);
  }
  await progress.remove();
  return {
    tables: [],
    isLive: false,
    resumed: true,
    durationMs: clock.monotonicMs() - startedAtMs,
    readOnlyMs: 0,
  };
}

async function copyWhileItRuns(
  deps: MoveStoreDeps,
  copy: CopyDeps,
  tables: readonly TableShape[],
): Promise<void> {
  for (let round = 1; round <= maxRounds; round++) {
    const { rows } = await copyAll(copy, tables);
    deps.onStep?.({ step: 'round', round, rows });
    if (rows <= fewRows) return;
  }
}

async function copyAll(
  copy: CopyDeps,
  tables: readonly TableShape[],
): Promise<{ rows: number; isIncomplete: boolean; sums: Map<string, RowSum> }> {
  let rows = 0;
  let isIncomplete = false;
  const sums = new Map<string, RowSum>();
  for (const table of tables) {
    const result = await (table.appendOnly ? copyTail(copy, table) : copyChunks(copy, table));
    rows += result.copiedRows;
    isIncomplete ||= result.isIncomplete;
    sums.set(table.name, result.sum);
  }
  return { rows, isIncomplete, sums };
}

interface StillDeps {
  readonly deps: MoveStoreDeps;
  readonly copy: CopyDeps;
  readonly tables: readonly TableShape[];
  readonly rehearsal: Rehearsal;
  readonly standstill: Standstill;
  readonly to: string;
}

/** From here to the end the source stands still. */
async function copyTheRest(still: StillDeps): Promise<{ tables: VerifiedTable[]; readOnlyMs: number }> {
  const { deps, tables, rehearsal, standstill, to } = still;
  const { clock, onStep, maxReadOnlyMs = defaultMaxReadOnlyMs } = deps;
  const startedAtMs = clock.monotonicMs();
  const copy: CopyDeps = {
    ...still.copy,
    checkpoint(rows) {
      still.copy.checkpoint(rows);
      standstill.check();
      if (standstill.isLive && clock.monotonicMs() - startedAtMs > maxReadOnlyMs) {
        throw new MoveError(
          'MOVE_NOT_STILL',
          `the server would be read-only for more than ${maxReadOnlyMs} ms`,
        );
      }
    },
  };
  onStep?.({ step: 'read-only' });
  try {
    await standstill.begin();
    let copied = await copyAll(copy, tables);
    for (let round = 1; copied.isIncomplete; round++) {
      if (round === maxStillRounds) {
        throw new MoveError('MOVE_DIFFERS', 'rows of the source exclude each other in the target');
      }
      copied = await copyAll(copy, tables);
    }
    const verified = await verify(copy, tables, rehearsal, copied.sums);
    const sequences = copy.source.readSequences();
    for (const table of tables) {
      const last = sequences.get(table.name);
      if (last !== undefined) await copy.target.setSequences(table, last);
      await copy.target.dropRangeIndex(table);
    }
    await copy.progress.writeState('verified');
    onStep?.({ step: 'verified', tables: verified });
    await standstill.retire(to);
    return { tables: verified, readOnlyMs: clock.monotonicMs() - startedAtMs };
  } catch (error) {
    // It ends by itself if the server does not hear this; the first failure is the one to tell.
    await standstill.end().catch(() => undefined);
    throw error;
  }
}

/** For people and for the record: without credentials. */
function describeTarget({ url }: PostgresTarget): string {
  const { protocol, host, pathname } = new URL(url);
  return `${protocol}//${host}${pathname}`;
}
