/** Leases in a real PostgreSQL: processes that die, are stopped or cut off; see lease-holder.ts for what they print. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { silentLog, systemClock, type Leases } from '@conclave/platform';
import { openPostgresLeases } from '@conclave/platform/postgres';
import { leasesContract } from '@conclave/testkit/contracts';
import {
  missingPostgres,
  startLink,
  startPostgres,
  type PostgresAddress,
  type PostgresServer,
} from '@conclave/testkit/servers';
import { requireServer } from '@conclave/testkit/servers/require-server';

const holderScript = fileURLToPath(new URL('lease-holder.ts', import.meta.url));

requireServer(missingPostgres())('PostgreSQL', () => {
  let postgres: PostgresServer;
  let database: PostgresAddress;
  const owned: Leases[] = [];
  const children: ChildProcess[] = [];

  beforeAll(async () => {
    postgres = await startPostgres({ settings: { fsync: 'off' } });
  });
  afterAll(() => postgres[Symbol.asyncDispose]());

  beforeEach(async () => {
    database = await postgres.createDatabase();
    await query(`create table leases (name text primary key, holder text not null, session bigint not null,
      token bigint not null, expires_at timestamptz not null)`);
  });
  afterEach(async () => {
    for (const leases of owned.splice(0)) await leases.close();
    for (const child of children.splice(0)) child.kill('SIGKILL');
  });

  const query = async (text: string): Promise<pg.QueryResult<{ pid: number; token: string }>> => {
    const url = new URL(database.url);
    url.password = database.password;
    const client = new pg.Client({ connectionString: url.href });
    await client.connect();
    try {
      return await client.query(text);
    } finally {
      await client.end();
    }
  };

  const open = async ({ leaseMs = 60_000, url = database.url, holder = 'test' } = {}): Promise<Leases> => {
    const leases = await openPostgresLeases({
      url,
      password: database.password,
      leaseMs,
      holder,
      clock: systemClock,
      log: silentLog,
    });
    owned.push(leases);
    return leases;
  };

  const startHolder = async (options: { leaseMs: number; skewMs?: number; holder: string }) => {
    const { url, passwordFile } = database;
    const child = spawn(
      process.execPath,
      [holderScript, JSON.stringify({ url, passwordFile, skewMs: 0, ...options })],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    children.push(child);
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
    const lines = () => output.split('\n').slice(0, -1);
    const until = async (condition: (lines: string[]) => boolean) => {
      while (!condition(lines())) await Promise.race([once(child.stdout, 'data'), once(child, 'exit')]);
    };
    await until((all) => all.includes('ready'));
    return {
      child,
      lines,
      until,
      beliefs: () =>
        lines()
          .filter((line) => line.startsWith('held '))
          .map((line) => ({ token: Number(line.split(' ')[1]), atNs: BigInt(line.split(' ')[2]!) })),
    };
  };
  type Holder = Awaited<ReturnType<typeof startHolder>>;

  /** Nobody believed in an older token at or after the time at which anybody believed in a newer one. */
  const expectNeverTwo = (...holders: Holder[]) => {
    const beliefs = holders.flatMap((holder) => holder.beliefs());
    expect(beliefs.length).toBeGreaterThan(0);
    const byTime = beliefs.toSorted((a, b) => (a.atNs < b.atNs ? -1 : 1));
    const tokens = byTime.map(({ token }) => token);
    expect(tokens).toEqual(tokens.toSorted((a, b) => a - b));
    // A token is of one holder.
    const holdersOf = new Map<number, Set<Holder>>();
    for (const holder of holders) {
      for (const { token } of holder.beliefs()) {
        holdersOf.set(token, (holdersOf.get(token) ?? new Set()).add(holder));
      }
    }
    expect([...holdersOf.values()].every((of) => of.size === 1)).toBe(true);
  };

  leasesContract('PostgreSQL', () => open());

  describe('across processes', () => {
    const longMs = 60_000;

    test('a released lease goes to another process, which does not wait for its expiry', async () => {
      const [a, b] = [await open(), await open()];
      const first = await a.acquire('x');
      const waiting = b.acquire('x');
      await first.release();
      expect((await waiting).token).toBe(2);
    });

    test('a process that is killed loses its lease at once, not when it expires', async () => {
      const holder = await startHolder({ leaseMs: longMs, holder: 'dies' });
      await holder.until((lines) => lines.some((line) => line.startsWith('held 1 ')));
      const b = await open({ holder: 'heir' });
      const waiting = b.acquire('the-one');
      expect(await b.list()).toMatchObject([{ name: 'the-one', holder: 'dies', token: 1 }]);
      holder.child.kill('SIGKILL');
      expect((await waiting).token).toBe(2);
      expect(await b.list()).toMatchObject([{ name: 'the-one', holder: 'heir', token: 2 }]);
    });

    test('a process that is stopped loses its lease when it expires, and knows it when it goes on', async () => {
      const leaseMs = 1_000;
      const [first, second] = [
        await startHolder({ leaseMs, holder: 'first' }),
        await startHolder({ leaseMs, holder: 'second', skewMs: -3_600_000 }),
      ];
      await first.until((lines) => lines.some((line) => line.startsWith('held 1 ')));
      first.child.kill('SIGSTOP');
      await second.until((lines) => lines.some((line) => line.startsWith('held 2 ')));
      first.child.kill('SIGCONT');
      await first.until((lines) => lines.includes('over 1'));
      second.child.kill('SIGSTOP');
      await first.until((lines) => lines.some((line) => line.startsWith('held 3 ')));
      second.child.kill('SIGCONT');
      await second.until((lines) => lines.includes('over 2'));
      expect([...first.beliefs(), ...second.beliefs()].map(({ token }) => token)).toContain(3);
      expectNeverTwo(first, second);
    });

    test('never two at a time, with skewed clocks, while holders are stopped and killed at random', async () => {
      const leaseMs = 400;
      const holders: Holder[] = [];
      for (const skewMs of [0, 3_600_000, -86_400_000]) {
        holders.push(await startHolder({ leaseMs, skewMs, holder: `skew ${skewMs}` }));
      }
      for (let round = 0; round < 12; round += 1) {
        const newest = (holder: Holder) => holder.beliefs().at(-1)?.token ?? 0;
        const victim = holders.toSorted((a, b) => newest(b) - newest(a))[0]!;
        const others = holders.filter((holder) => holder !== victim);
        const before = newest(victim);
        if (round % 3 === 0) {
          victim.child.kill('SIGKILL');
          holders.push(await startHolder({ leaseMs, skewMs: round * 1_000, holder: `round ${round}` }));
        } else if (round % 3 === 1) {
          victim.child.kill('SIGSTOP');
          while (!others.some((holder) => newest(holder) > before)) await delay(Math.random() * leaseMs);
          victim.child.kill('SIGCONT');
        } else {
          // Around the moment at which the lease is over.
          victim.child.kill('SIGSTOP');
          await delay((0.7 + Math.random() * 0.6) * leaseMs);
          victim.child.kill('SIGCONT');
        }
        await delay(Math.random() * leaseMs);
      }
      expectNeverTwo(...holders);
      expect(
        new Set(holders.flatMap((holder) => holder.beliefs().map(({ token }) => token))).size,
      ).toBeGreaterThanOrEqual(8);
    });

    test('a holder whose connection the server ends has lost its leases before another has them', async () => {
      const [a, b] = [await open({ holder: 'a' }), await open({ holder: 'b' })];
      const lease = await a.acquire('x');
      const waiting = b.acquire('x');
      const { rows } =
        await query(`select pid from pg_stat_activity where application_name = 'conclave leases'
        and datname = current_database() order by backend_start limit 1`);
      await query(`select pg_terminate_backend(${rows[0]!.pid})`);
      const successor = await waiting;
      expect([lease.isHeld(), successor.isHeld()]).toEqual([false, true]);
      expect(lease.lost.aborted).toBe(true);
      await successor.release();
      expect((await a.acquire('x')).token).toBe(3);
    });

    test('a holder whose connection is cut has lost its leases, and has them again when it is back', async () => {
      const { port, hostname } = new URL(database.url);
      await using link = await startLink('leases', { host: hostname, port: Number(port) });
      const throughLink = new URL(database.url);
      throughLink.port = String(link.port);
      const [a, b] = [await open({ url: throughLink.href }), await open()];
      const lease = await a.acquire('x');
      const waiting = b.acquire('x');
      link.cut();
      const successor = await waiting;
      expect(lease.isHeld()).toBe(false);
      const again = a.acquire('x');
      await expect(a.list()).rejects.toMatchObject({ code: 'LEASES_UNAVAILABLE' });
      link.restore();
      await successor.release();
      expect((await again).token).toBe(3);
    });

    test('a holder that hears nothing has lost its leases before another has them', async () => {
      const { port, hostname } = new URL(database.url);
      await using link = await startLink('leases', { host: hostname, port: Number(port) });
      const throughLink = new URL(database.url);
      throughLink.port = String(link.port);
      const leaseMs = 1_000;
      const [a, b] = [await open({ url: throughLink.href, leaseMs }), await open({ leaseMs })];
      const lease = await a.acquire('x');
      const waiting = b.acquire('x');
      link.stall();
      const successor = await waiting;
      expect([lease.isHeld(), successor.isHeld()]).toEqual([false, true]);
      link.restore();
      await successor.release();
      expect((await a.acquire('x')).token).toBe(3);
    });

    test('all leases are lost with the database, and tokens go on after it', async () => {
      const a = await open();
      const lease = await a.acquire('x');
      await postgres.restart();
      expect((await a.acquire('x')).token).toBe(2);
      expect(lease.isHeld()).toBe(false);
    });

    test('a database that does not answer is a typed error at the start', async () => {
      await expect(open({ url: 'postgres://conclave@127.0.0.1:1/x' })).rejects.toMatchObject({
        code: 'LEASES_UNAVAILABLE',
      });
    });
  });
});
