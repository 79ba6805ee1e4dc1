/** `conclave migrate-store` on a real PostgreSQL: every row of every table, whenever the mover is broken off. */
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import {
  openSqliteStore,
  silentLog,
  systemClock,
  systemRandom,
  type Migration,
  type MigrationSequence,
  type Store,
} from '@conclave/platform';
import {
  missingPostgres,
  startPostgres,
  type PostgresAddress,
  type PostgresServer,
} from '@conclave/testkit/servers';
import { requireServer } from '@conclave/testkit/servers/require-server';
import { createOperatorClient, createServer, parseConfig, type OperatorClient } from '../src/index.ts';
import {
  moveStore,
  type MoveReport,
  type MoveStep,
  type MoveStoreDeps,
} from '../src/migrate-store/move-store.ts';
import { TargetDatabase } from '../src/migrate-store/target-database.ts';
import { moveRecordFile, readMoveRecord } from '../src/migrate-store/move-record.ts';
import { serverMigrations } from '../src/schema/server-migrations.ts';
import { startTestServer, type TestServer } from './test-server.ts';

/** Every type of value, a key of three columns, a numbered column, and a unique value that wanders. */
const oddTables: Migration = {
  id: 1,
  name: 'odd tables',
  async up(db, engine) {
    await db.schema
      .createTable('odd_keys')
      .addColumn('name', 'text', (column) => column.notNull())
      .addColumn('octets', engine.bytes, (column) => column.notNull())
      .addColumn('number', engine.integer, (column) => column.notNull())
      .addColumn('note', 'text')
      .addColumn('body', engine.bytes)
      .addPrimaryKeyConstraint('odd_keys_pk', ['number', 'name', 'octets'])
      .execute();
    await db.schema
      .createTable('numbered')
      .addColumn('id', engine.serial.type, engine.serial.define)
      .addColumn('note', 'text')
      .execute();
    await db.schema
      .createTable('wandering')
      .addColumn('id', 'text', (column) => column.primaryKey())
      .addColumn('place', 'text', (column) => column.notNull().unique())
      .execute();
  },
};
const migrations: readonly MigrationSequence[] = [serverMigrations, { name: 'odd', migrations: [oddTables] }];

interface OddTables {
  odd_keys: {
    name: string;
    octets: Uint8Array;
    number: bigint;
    note: string | null;
    body: Uint8Array | null;
  };
  numbered: { id?: number; note: string };
  wandering: { id: string; place: string };
  outbox: never;
  outbox_parked: never;
  sealed_frames: Record<string, unknown>;
}

const names = [
  '',
  'a',
  'A',
  'ä',
  'z',
  'Z',
  '𝕫',
  'é',
  'e\u0301',
  '\u{10ffff}',
  "it's",
  '"',
  '\\',
  ' ',
  'ß',
  'ss',
];

requireServer(missingPostgres())('moving a database that nobody uses', () => {
  let postgres: PostgresServer;
  let target: PostgresAddress;
  let dataDirectory: string;

  beforeAll(async () => {
    postgres = await startPostgres({ settings: { fsync: 'off' } });
  });
  afterAll(() => postgres[Symbol.asyncDispose]());
  beforeEach(async () => {
    target = await postgres.createDatabase();
    dataDirectory = await mkdtemp(join(tmpdir(), 'conclave-move-'));
    await withStore(fill);
  });
  afterEach(() => rm(dataDirectory, { recursive: true }));

  const databaseFile = () => join(dataDirectory, 'conclave.db');
  async function withStore(use: (store: Store<any>) => Promise<void>): Promise<void> {
    const store = await openSqliteStore<any>({
      file: databaseFile(),
      migrations,
      clock: systemClock,
      log: silentLog,
    });
    try {
      await use(store);
    } finally {
      await store.close();
    }
  }
  async function fill(store: Store<OddTables>): Promise<void> {
    for (let number = -5; number < 45; number++) {
      await store.write(async (trx) => {
        await trx
          .insertInto('odd_keys')
          .values(
            names.map((name, index) => ({
              name,
              octets: index % 3 === 0 ? new Uint8Array() : randomBytes(1 + index),
              number: number === 44 ? 2n ** 63n - 1n : number === -5 ? -(2n ** 63n) : BigInt(number),
              note: index % 2 === 0 ? null : `note ${name}`,
              body: index % 4 === 0 ? null : randomBytes(1_000),
            })),
          )
          .execute();
        await trx
          .insertInto('numbered')
          .values({ note: `number ${number}` })
          .execute();
        await trx
          .insertInto('wandering')
          .values({ id: `id ${number}`, place: `place ${number}` })
          .execute();
        await trx
          .insertInto('sealed_frames')
          .values(
            names.map((name, seq) => ({
              group_id: `${number} ${name}`,
              seq,
              kind: 'message',
              epoch: 1,
              sent_at_ms: 1,
              body_hash: randomBytes(32),
              frame: randomBytes(300),
              accepted_at_ms: 1,
            })),
          )
          .execute();
      });
    }
    await store.write((trx) => trx.deleteFrom('numbered').where('id', '>', 40).execute());
  }
  const move = (onStep?: (step: MoveStep) => void, limits = { maxRows: 50, maxBytes: 10_000 }) =>
    moveStore({
      dataDirectory,
      target,
      migrations,
      limits,
      operator: () => {
        throw new Error('no server runs');
      },
      clock: systemClock,
      random: systemRandom,
      ...(onStep === undefined ? {} : { onStep }),
    });
  const withTarget = async <T>(use: (client: pg.Client) => Promise<T>): Promise<T> => {
    const url = new URL(target.url);
    url.password = target.password;
    const client = new pg.Client(url.href);
    await client.connect();
    try {
      return await use(client);
    } finally {
      await client.end();
    }
  };

  /** Both sides as sorted lines, read with nothing of the mover. */
  async function expectSame(): Promise<void> {
    const source = new Database(databaseFile(), { readonly: true });
    const tables = source
      .prepare(`select name from sqlite_master where type = 'table' and name not like 'sqlite_%'`)
      .pluck()
      .all() as string[];
    expect(tables.length).toBeGreaterThan(15);
    await withTarget(async (client) => {
      for (const table of tables.filter((name) => name !== 'schema_migrations')) {
        const { rows } = await client.query<Record<string, unknown>>(`select * from ${table}`);
        const expected = source.prepare(`select * from ${table}`).safeIntegers(true).all() as Record<
          string,
          unknown
        >[];
        expect([table, linesOf(rows)]).toEqual([table, linesOf(expected)]);
      }
    });
    source.close();
  }

  test('copies every table and says what it has', async () => {
    const report = await move();
    await expectSame();
    const counts = new Map(report.tables.map(({ name, rows }) => [name, rows]));
    expect([counts.get('odd_keys'), counts.get('numbered'), counts.get('sealed_frames')]).toEqual([
      800, 40, 800,
    ]);
    expect(counts.get('transfer_totals')).toBe(1);
    expect(report).toMatchObject({ isLive: false, resumed: false });
    // What was numbered is never given out again; nothing of the mover is left.
    await withTarget(async (client) => {
      const { rows } = await client.query(`insert into numbered (note) values ('next') returning id`);
      expect(rows).toEqual([{ id: '51' }]);
      const left = await client.query(`select relname from pg_class where relname like 'store_move%'`);
      expect(left.rows).toEqual([]);
    });
    expect(readMoveRecord(dataDirectory)?.state).toBe('moved');
    await expect(move()).rejects.toMatchObject({ code: 'MOVE_SOURCE' });
  });

  test('into a database that sorts text like people do', async () => {
    await withTarget((client) =>
      client.query(
        `create database "people_${process.pid}" template template0 locale_provider icu icu_locale 'en-US'`,
      ),
    );
    const url = new URL(target.url);
    url.pathname = `/people_${process.pid}`;
    target = { ...target, url: url.href };
    await breakOff(3);
    await change();
    expect((await move()).resumed).toBe(true);
    await expectSame();
  });

  /** Ends a move after `steps` reports of copied rows. */
  async function breakOff(steps: number): Promise<void> {
    let left = steps;
    const broken = new Error('broken off');
    await expect(
      move(({ step }) => {
        if (step === 'copied' && (left -= 1) === 0) throw broken;
      }),
    ).rejects.toBe(broken);
  }

  /** Changes something everywhere: first and last keys, a unique value that goes from one row to another. */
  async function change(): Promise<void> {
    await withStore(async (store: Store<OddTables>) => {
      await store.write(async (trx) => {
        await trx.deleteFrom('odd_keys').where('name', 'in', ['', 'ä', '\u{10ffff}']).execute();
        await trx.updateTable('odd_keys').set({ note: 'changed' }).where('number', '=', 7n).execute();
        await trx
          .insertInto('odd_keys')
          .values(
            Array.from({ length: 300 }, (_, index) => ({
              name: 'm',
              octets: Buffer.from([index >> 8, index & 255]),
              number: 20n,
              note: null,
              body: null,
            })),
          )
          .execute();
        await trx.deleteFrom('wandering').where('id', '=', 'id 40').execute();
        await trx.updateTable('wandering').set({ place: 'place 40' }).where('id', '=', 'id 1').execute();
        await trx.updateTable('wandering').set({ place: 'place 1' }).where('id', '=', 'id 30').execute();
        await trx.updateTable('wandering').set({ place: 'place 30' }).where('id', '=', 'id 0').execute();
        await trx.insertInto('numbered').values({ note: 'later' }).execute();
        await trx
          .insertInto('sealed_frames')
          .values({
            group_id: '!',
            seq: 1,
            kind: 'message',
            epoch: 1,
            sent_at_ms: 1,
            body_hash: randomBytes(32),
            frame: randomBytes(300),
            accepted_at_ms: 2,
          })
          .execute();
      });
    });
  }

  /** The share of all rows that the second run copies at most: not everything anew, once most of it is there. */
  test.each([
    [1, 1],
    [5, 1],
    [30, 1],
    [60, 1],
    [85, 0.8],
  ])('goes on where it was broken off after %i pieces, with what changed since', async (steps, share) => {
    await breakOff(steps);
    expect(readMoveRecord(dataDirectory)?.state).toBe('moving');
    await change();
    let copied = 0;
    const report = await move((step) => {
      if (step.step === 'copied') copied += step.rows;
    });
    expect(report.resumed).toBe(true);
    await expectSame();
    const total = report.tables.reduce((sum, { rows }) => sum + rows, 0);
    expect(copied).toBeLessThanOrEqual(total * share);
  });

  test('is finished by the next run when it died after the hand-over', async () => {
    const broken = new Error('broken off');
    let report: MoveReport | undefined;
    await expect(
      move(({ step }) => {
        if (step === 'verified') throw broken;
      }),
    ).rejects.toBe(broken);
    expect(readMoveRecord(dataDirectory)?.state).toBe('moving');
    // As a hand-over whose mover died at once would leave it.
    await withTarget((client) => client.query(`update store_move set state = 'verified'`));
    const { writeMoveRecord } = await import('../src/migrate-store/move-record.ts');
    writeMoveRecord(dataDirectory, { ...readMoveRecord(dataDirectory)!, state: 'moved' });
    report = await move();
    expect(report.resumed).toBe(true);
    await expectSame();
  });

  test('notices what was changed behind its back in the target', async () => {
    for (const spoil of [
      `update sealed_frames set frame = '\\x00' where ctid = (select min(ctid) from sealed_frames)`,
      `update odd_keys set note = 'spoilt' where name = 'z' and number = 3`,
      `delete from numbered where id = 3`,
      `insert into numbered (id, note) values (1000, 'more')`,
    ]) {
      target = await postgres.createDatabase();
      await breakOff(85);
      await withTarget((client) => client.query(spoil));
      await expect(move()).rejects.toMatchObject({ code: 'MOVE_DIFFERS' });
      expect(readMoveRecord(dataDirectory)?.state).toBe('moving');
    }
  });

  /** Changes rows of one number, as a server would, just before the source stands still. */
  const changeAtTheLastMoment = ({ step }: MoveStep): void => {
    if (step !== 'rehearsed') return;
    const source = new Database(databaseFile());
    source.exec(`update odd_keys set note = 'late' where number = 7`);
    source.close();
  };

  test('while the source stands still, reads of the target what was copied since, and no more', async () => {
    const ranges = vi.spyOn(TargetDatabase.prototype, 'readRange');
    const tables = vi.spyOn(TargetDatabase.prototype, 'readAll');
    let before = 0;
    await move((step) => {
      changeAtTheLastMoment(step);
      if (step.step === 'rehearsed') before = ranges.mock.calls.length;
      if (step.step === 'rehearsed') tables.mockClear();
    });
    const wholeTables = tables.mock.calls.length;
    const during = ranges.mock.calls.slice(before).map(([table]) => table.name);
    vi.restoreAllMocks();
    // Sixteen rows in pieces of ten thousand octets.
    expect(new Set(during)).toEqual(new Set(['odd_keys']));
    expect(during.length).toBeLessThanOrEqual(6);
    expect(before).toBeGreaterThan(50);
    expect(wholeTables).toBe(0);
    await expectSame();
  });

  test('notices that what it copied at the last moment did not arrive as it was', async () => {
    await breakOff(5);
    await withTarget((client) =>
      client.query(`
        create function spoil() returns trigger language plpgsql as
          $$ begin if new.note = 'late' then new.note = 'spoilt'; end if; return new; end $$;
        create trigger spoil before insert on odd_keys for each row execute function spoil()`),
    );
    await expect(move(changeAtTheLastMoment)).rejects.toMatchObject({ code: 'MOVE_DIFFERS' });
    expect(readMoveRecord(dataDirectory)?.state).toBe('moving');
  });

  test('refuses a target with anything else in it, and leaves it alone', async () => {
    await withTarget((client) => client.query('create table others (id integer)'));
    await expect(move()).rejects.toMatchObject({ code: 'MOVE_TARGET_NOT_EMPTY' });
    await withTarget(async (client) => {
      const { rows } = await client.query(
        `select relname from pg_class where relnamespace = 'public'::regnamespace and relkind = 'r'`,
      );
      expect(rows).toEqual([{ relname: 'others' }]);
    });
    // What another installation's move has begun is not this one's.
    target = await postgres.createDatabase();
    await breakOff(5);
    await rm(moveRecordFile(dataDirectory));
    await expect(move()).rejects.toMatchObject({ code: 'MOVE_TARGET_NOT_EMPTY' });
  });

  test('refuses a second mover at the same time', async () => {
    await withTarget(async (client) => {
      await client.query('select pg_advisory_lock(7165066919187279734)');
      await expect(move()).rejects.toMatchObject({ code: 'MOVE_RUNNING' });
    });
    await move();
  });

  test('refuses a source of another version', async () => {
    await withStore(async (store) => {
      await store.write((trx: any) =>
        trx.deleteFrom('schema_migrations').where('sequence', '=', 'odd').execute(),
      );
    });
    const source = new Database(databaseFile());
    source.exec(`delete from schema_migrations where sequence = 'server' and id = 5`);
    source.close();
    await expect(move()).rejects.toMatchObject({ code: 'MOVE_SCHEMA' });
  });

  test('refuses what PostgreSQL could not hold', async () => {
    await withStore(async (store: Store<OddTables>) => {
      await store.write((trx) => trx.insertInto('numbered').values({ note: 'nul \0 in text' }).execute());
    });
    await expect(move()).rejects.toMatchObject({ code: 'MOVE_VALUE' });
  });
});

function linesOf(rows: readonly Record<string, unknown>[]): string[] {
  return rows
    .map((row) =>
      Object.keys(row)
        .sort()
        .map((name) => {
          const value = row[name];
          return value instanceof Uint8Array ? `x${Buffer.from(value).toString('hex')}` : String(value);
        })
        .join('|'),
    )
    .sort();
}

requireServer(missingPostgres())('moving a database whose server runs', () => {
  let postgres: PostgresServer;
  let target: PostgresAddress;
  let running: TestServer;

  beforeAll(async () => {
    postgres = await startPostgres({ settings: { fsync: 'off' } });
  });
  afterAll(() => postgres[Symbol.asyncDispose]());
  beforeEach(async () => {
    target = await postgres.createDatabase();
    running = await startTestServer();
    for (let count = 0; count < 30; count++) await postTransfer();
  });
  afterEach(() => running[Symbol.asyncDispose]());

  const postTransfer = async (): Promise<number> => {
    const headers = { 'content-type': 'application/octet-stream' };
    const answer = await fetch(`${running.url}/_conclave/transfer/v1`, {
      method: 'POST',
      headers,
      body: 'x',
    });
    return answer.status;
  };
  const move = (more: Partial<MoveStoreDeps> = {}, wrap = (operator: OperatorClient) => operator) =>
    moveStore({
      dataDirectory: running.dataDirectory,
      target,
      operator: () => wrap(operatorOf(running)),
      clock: systemClock,
      random: systemRandom,
      ...more,
    });
  const transfersOf = (report: MoveReport) => report.tables.find(({ name }) => name === 'transfers')?.rows;

  test('takes what is written until the standstill, and nothing after it', async () => {
    const steps: string[] = [];
    let late: Promise<number> | undefined;
    const report = await move({
      onStep({ step }) {
        steps.push(step);
        if (step === 'rehearsed') late = postTransfer();
      },
    });
    // What came during the last steps was either answered and moved, or refused.
    expect([30, 31]).toContain(transfersOf(report));
    expect(transfersOf(report)).toBe((await late) === 201 ? 31 : 30);
    expect(report.isLive).toBe(true);
    expect(steps.filter((step) => step !== 'copied')).toEqual([
      'begin',
      'round',
      'rehearsed',
      'read-only',
      'verified',
    ]);
    expect(await postTransfer()).toBe(503);
  });

  test('gives up, and lets the server write again, when it would stand still for too long', async () => {
    await expect(move({ maxReadOnlyMs: 0 })).rejects.toMatchObject({ code: 'MOVE_NOT_STILL' });
    expect(await postTransfer()).toBe(201);
    expect(transfersOf(await move())).toBe(31);
  });

  test('does not hand over when the server wrote in between, and the next run has that too', async () => {
    let ended: Promise<boolean> | undefined;
    const interrupted = move(
      {
        onStep({ step }) {
          if (step === 'verified')
            ended = operatorOf(running)
              .readOnly()
              .then(({ session }) => operatorOf(running).endReadOnly(session!));
        },
      },
      (operator) => ({
        ...operator,
        async retireMoved(session, to) {
          expect(await ended).toBe(true);
          expect(await postTransfer()).toBe(201);
          return await operator.retireMoved(session, to);
        },
      }),
    );
    await expect(interrupted).rejects.toMatchObject({ code: 'MOVE_NOT_STILL' });
    expect(readMoveRecord(running.dataDirectory)?.state).toBe('moving');
    expect(await postTransfer()).toBe(201);
    expect(transfersOf(await move())).toBe(32);
  });

  test('is broken off by its signal, and leaves the server writing', async () => {
    const abort = new AbortController();
    const reason = new Error('as asked');
    const moving = move({
      signal: abort.signal,
      onStep: ({ step }) => {
        if (step === 'read-only') abort.abort(reason);
      },
    });
    await expect(moving).rejects.toBe(reason);
    expect(await postTransfer()).toBe(201);
    expect(transfersOf(await move())).toBe(31);
  });

  test('goes on after PostgreSQL was killed under it', async () => {
    let killed: Promise<void> | undefined;
    const moving = move({
      onStep({ step }) {
        if (step === 'begin') killed = postgres.kill();
      },
    });
    await expect(moving).rejects.toMatchObject({ code: 'MOVE_TARGET_LOST' });
    await killed;
    expect(await postTransfer()).toBe(201);
    await postgres.restart();
    const report = await move();
    expect([report.resumed, transfersOf(report)]).toEqual([true, 31]);
  });

  test('no server starts on a target that is not finished', async () => {
    const broken = new Error('broken off');
    await expect(
      move({
        onStep({ step }) {
          if (step === 'round') throw broken;
        },
      }),
    ).rejects.toBe(broken);
    const folder = await mkdtemp(join(tmpdir(), 'conclave-move-'));
    const store = { engine: 'postgres' as const, url: target.url, passwordFile: target.passwordFile };
    await expect(createServer(parseConfig({ dataDirectory: folder, store }))).rejects.toMatchObject({
      problems: [
        expect.objectContaining({ key: 'store.url', remedy: expect.stringContaining('migrate-store again') }),
      ],
    });
    await rm(folder, { recursive: true });
    await move();
    await running.server.close();
    const { dataDirectory } = running;
    const after = await createServer(parseConfig({ dataDirectory, store, serverName: '127.0.0.1' }));
    await after.close();
  });
});

function operatorOf({ dataDirectory, adminUrl }: TestServer): OperatorClient {
  const { hostname, port } = new URL(adminUrl);
  return createOperatorClient({
    dataDirectory,
    secretsFile: null,
    admin: { enabled: true, host: hostname, port: Number(port) },
  });
}
