/**
 * How long `conclave migrate-store` takes, and how long a server would be read-only meanwhile, by the size of the database.
 *
 *     node packages/server/bench/move-store.ts [--frames=300000] [--others=100000]
 *
 * Frames stand for what is only appended, 700 octets each; the others, tree nodes, for what changes. Nobody else uses the
 * database, so the time of the standstill is that of reading the other tables on both sides once.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import Database from 'better-sqlite3';
import { openSqliteStore, silentLog, systemClock, systemRandom } from '@conclave/platform';
import { startPostgres } from '@conclave/testkit/servers';
import { moveStore } from '../src/migrate-store/move-store.ts';
import { allMigrations } from '../src/schema/server-migrations.ts';
import type { ServerDatabase } from '../src/schema/server-database.ts';

const { values } = parseArgs({
  options: { frames: { type: 'string', default: '300000' }, others: { type: 'string', default: '100000' } },
});
const [frames, others] = [Number(values.frames), Number(values.others)];
const framesPerGroup = 1_000;

const dataDirectory = mkdtempSync(join(tmpdir(), 'conclave-bench-move-'));
const file = join(dataDirectory, 'conclave.db');
await (
  await openSqliteStore<ServerDatabase>({
    file,
    migrations: allMigrations,
    clock: systemClock,
    log: silentLog,
  })
).close();
fill(file);
await using postgres = await startPostgres();
const report = await moveStore({
  dataDirectory,
  target: postgres,
  operator: () => {
    throw new Error('no server runs');
  },
  clock: systemClock,
  random: systemRandom,
});
rmSync(dataDirectory, { recursive: true });
const peak = process.resourceUsage().maxRSS / 1_024;
process.stdout.write(
  `${frames} frames and ${others} other rows: ${(report.durationMs / 1_000).toFixed(1)} s, of which read-only ${(report.readOnlyMs / 1_000).toFixed(1)} s; at most ${peak.toFixed(0)} MiB\n`,
);

function fill(databaseFile: string): void {
  const database = new Database(databaseFile);
  const insertFrame = database.prepare('insert into sealed_frames values (?, ?, ?, ?, ?, ?, ?, ?)');
  const insertNode = database.prepare('insert into sealed_subtrees values (?, ?, ?, ?, ?)');
  database.transaction(() => {
    for (let index = 0; index < frames; index++) {
      const [group, seq] = [`group ${Math.floor(index / framesPerGroup)}`, index % framesPerGroup];
      const [hash, frame] = [systemRandom.bytes(32), systemRandom.bytes(700)];
      insertFrame.run(group, seq, 'message', 1, 1_800_000_000_000 + index, hash, frame, 1_800_000_000_000);
    }
    for (let index = 0; index < others; index++) {
      const [content, hash] = [systemRandom.bytes(200), systemRandom.bytes(32)];
      insertNode.run(`group ${index % 300}`, index, 1, content, hash);
    }
  })();
  database.close();
}
