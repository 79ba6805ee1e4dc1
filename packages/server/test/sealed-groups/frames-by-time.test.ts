import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openSqliteStore, silentLog, systemClock } from '@conclave/platform';
import { afterEach, beforeEach, describe } from 'vitest';
import { itKeepsTheLog } from './frames-by-time.ts';

describe('the migration that finds frames by time, on SQLite', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'conclave-frames-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  itKeepsTheLog((sequence) =>
    openSqliteStore({
      file: join(folder, 'conclave.db'),
      migrations: [sequence],
      clock: systemClock,
      log: silentLog,
    }),
  );
});
