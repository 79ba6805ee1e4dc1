/**
 * What an installation remembers of being moved, beside its SQLite database: which move it takes part in, and whether
 * that is over. Once it is, the database here must not be written again, so the server refuses to start on it.
 *
 *     no file ─▶ moving ─────────────▶ moved
 *                the server starts     refuseMovedDatabase throws
 *
 * The move's name also stands in the target: a target that another installation fills is not taken for this one's.
 */
import { closeSync, fsyncSync, openSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import { ConfigError } from '../config/load-config.ts';

const recordSchema = z.strictObject({
  move: z.string().regex(/^[A-Za-z0-9_-]{16}$/),
  state: z.enum(['moving', 'moved']),
  /** Where the data are, without credentials: for people. */
  to: z.string().max(1_000),
});

export type MoveRecord = z.output<typeof recordSchema>;

export function moveRecordFile(dataDirectory: string): string {
  return join(resolve(dataDirectory), 'store-move.json');
}

/** Undefined when this installation was never moved. Throws {@link ConfigError} when the file cannot be understood. */
export function readMoveRecord(dataDirectory: string): MoveRecord | undefined {
  const file = moveRecordFile(dataDirectory);
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
  const parsed = recordSchema.safeParse(parseJson(text));
  if (parsed.success) return parsed.data;
  throw new ConfigError([
    {
      key: 'dataDirectory',
      source: 'configuration',
      problem: `${file} cannot be understood: it says whether the database was moved away`,
      remedy: 'Restore it from a backup, or remove it if you know that the database here is the current one.',
    },
  ]);
}

/** Durable when it returns: a machine that loses power afterwards still has it. */
export function writeMoveRecord(dataDirectory: string, record: MoveRecord): void {
  const file = moveRecordFile(dataDirectory);
  const fresh = `${file}.new`;
  writeFileSync(fresh, `${JSON.stringify(record)}\n`, { mode: 0o600, flush: true });
  renameSync(fresh, file);
  const folder = openSync(resolve(dataDirectory), 'r');
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}

/** To be called before the SQLite database of `dataDirectory` is opened. Throws {@link ConfigError} when it was moved. */
export function refuseMovedDatabase(dataDirectory: string): void {
  const record = readMoveRecord(dataDirectory);
  if (record?.state !== 'moved') return;
  throw new ConfigError([
    {
      key: 'store.engine',
      source: 'configuration',
      value: '"sqlite"',
      problem: `this database was moved to ${record.to}; what was written since is only there`,
      remedy: `Set store.engine: postgres, store.url and store.passwordFile. To go back to the state at the move, and lose what was written since, remove ${moveRecordFile(dataDirectory)}.`,
    },
  ]);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
