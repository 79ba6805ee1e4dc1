/**
 * The database's clock: the one that all processes of an installation share, however far their own are apart.
 *
 *     this process         database
 *     before ───────────▶  now
 *     after  ◀───────────   │        now is that of some moment between before and after:
 *                                    offset = now − (before + after) / 2, wrong by (after − before) / 2 at most
 *
 * Between two looks this process's monotonic clock carries it on, so that setting the machine's clock changes nothing.
 */
import { sql } from 'kysely';
import type { Kysely, RawBuilder } from 'kysely';
import type { Clock } from '../clock/clock.ts';
import type { Log } from '../log/log.ts';
import type { SchemaEngine } from './migration.ts';

/** An expression for the milliseconds since the Unix epoch, at the time of the statement's execution. */
export function databaseNowMs(engine: SchemaEngine['name']): RawBuilder<number> {
  return engine === 'sqlite'
    ? sql`cast(unixepoch('subsec') * 1000 as integer)`
    : sql`cast(extract(epoch from clock_timestamp()) * 1000 as bigint)`;
}

export interface DatabaseClockDeps<DB> {
  readonly engine: SchemaEngine['name'];
  readonly db: Kysely<DB>;
  readonly clock: Clock;
  readonly log: Log;
  /** How often to look; default: every minute. A monotonic clock drifts by less than a millisecond in that time. */
  readonly everyMs?: number;
}

export interface DatabaseClock {
  /** Undefined until the database was asked for the first time. */
  nowMs(): number | undefined;
  /** Looks at once; also done by itself. Never rejects: without an answer the last one is carried on. */
  look(): Promise<void>;
  close(): Promise<void>;
}

const defaultEveryMs = 60_000;
/** Looks per measurement; the fastest one counts, since a slow one may have waited on either way. */
const looks = 3;

/** Starts to look at once. */
export function startDatabaseClock<DB>(deps: DatabaseClockDeps<DB>): DatabaseClock {
  const { engine, db, clock, log, everyMs = defaultEveryMs } = deps;
  const query = sql<{ now: number | string }>`select ${databaseNowMs(engine)} as now`;
  let offsetMs: number | undefined;
  let timer: Disposable | undefined;
  let looking: Promise<void> | undefined;
  let isClosed = false;

  async function measure(): Promise<void> {
    let best = Infinity;
    let found = offsetMs;
    try {
      for (let look = 0; look < looks; look++) {
        const before = clock.monotonicMs();
        const { rows } = await query.execute(db);
        const after = clock.monotonicMs();
        if (after - before >= best) continue;
        best = after - before;
        // PostgreSQL's client hands over 64 bits as text.
        found = Number(rows[0]?.now) - (before + after) / 2;
      }
      offsetMs = found;
    } catch (err) {
      log.debug({ err }, 'the database was not asked for the time');
    }
  }

  function look(): Promise<void> {
    looking ??= measure().finally(() => {
      looking = undefined;
    });
    return looking;
  }

  function arm(): void {
    if (isClosed) return;
    timer = clock.schedule(everyMs, () => {
      void look().then(arm);
    });
  }

  void look().then(arm);
  return {
    nowMs: () => (offsetMs === undefined ? undefined : clock.monotonicMs() + offsetMs),
    look,
    async close() {
      isClosed = true;
      timer?.[Symbol.dispose]();
      await looking;
    },
  };
}
