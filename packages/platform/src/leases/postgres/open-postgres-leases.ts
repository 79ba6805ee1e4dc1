/**
 * Leases in PostgreSQL: a row per lease with holder, token and expiry, and a lock that tells whether the holder lives.
 *
 *   holder dies ────────── its connection ends, its lock is free ───▶ taken at the next look (a quarter of a second)
 *   holder releases ────── row expired, NOTIFY ─────────────────────▶ taken at once
 *   holder is stopped ──── lock stays, the row expires ─────────────▶ taken after `leaseMs`; the holder, continued, sees
 *                                                                     by the monotonic clock that it is over
 *   connection is lost ─── both sides hear it ──────────────────────▶ the holder has lost all leases at that moment
 *
 * The holder counts from before it asked, the database from when it answered, so the holder's time is over first; a tenth
 * of the length is left for good measure. Needs a connection of its own to the server itself, or through a pooler
 * that keeps sessions.
 */
import type { Clock } from '../../clock/clock.ts';
import type { Log } from '../../log/log.ts';
import type { RandomSource } from '../../random/random-source.ts';
import { systemRandom } from '../../random/system-random.ts';
import { Signal } from '../../relay/signal.ts';
import type { PostgresTarget } from '../../store/postgres/postgres-config.ts';
import { LeaseError, type Lease, type LeaseRecord, type Leases } from '../leases.ts';
import { LeaseWaiters } from '../lease-waiters.ts';
import { HeldLease } from './held-lease.ts';
import { LeaseSession } from './lease-session.ts';
import * as statements from './leases-table.ts';

export interface PostgresLeasesDeps extends PostgresTarget {
  /** How long a holder that is stuck keeps a lease. One that died loses it at once. */
  readonly leaseMs: number;
  /** The name of this process, for operators. */
  readonly holder: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly random?: RandomSource | undefined;
}

const MAX_POLL_MS = 250;
const RECONNECT_MS = 250;

/** The database has the platform's schema. Rejects with {@link LeaseError} `LEASES_UNAVAILABLE`. */
export async function openPostgresLeases(deps: PostgresLeasesDeps): Promise<Leases> {
  const leases = new PostgresLeases(deps);
  await leases.start();
  return leases;
}

class PostgresLeases implements Leases {
  readonly #deps: PostgresLeasesDeps;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #waiters = new LeaseWaiters();
  readonly #heldByName = new Map<string, HeldLease>();
  /** Released by their holder, and not yet in the database. */
  #toGiveBack: { readonly lease: HeldLease; readonly done: () => void }[] = [];
  readonly #wake = new Signal();
  #session: LeaseSession | undefined;
  #renewAtMs = 0;
  #closed = false;
  #loop: Promise<void> | undefined;

  constructor(deps: PostgresLeasesDeps) {
    this.#deps = deps;
    this.#clock = deps.clock;
    this.#log = deps.log;
  }

  async start(): Promise<void> {
    this.#session = await this.#connect();
    this.#loop = this.#run();
  }

  acquire(name: string, { signal }: { signal?: AbortSignal | undefined } = {}): Promise<Lease> {
    const waiting = this.#waiters.wait(name, signal);
    this.#wake.raise();
    return waiting;
  }

  async list(): Promise<LeaseRecord[]> {
    const session = this.#session;
    if (session === undefined) {
      throw new LeaseError(
        'LEASES_UNAVAILABLE',
        'there is no connection to the database that keeps the leases',
      );
    }
    let rows: { name: string; holder: string; token: number; expires_in_ms: number }[];
    try {
      rows = await session.query(statements.listHeld, [session.key]);
    } catch (cause) {
      throw new LeaseError('LEASES_UNAVAILABLE', 'the leases could not be read', { cause });
    }
    return rows.map(({ name, holder, token, expires_in_ms }) => ({
      name,
      holder,
      token,
      expiresInMs: expires_in_ms,
    }));
  }

  async close(): Promise<void> {
    this.#waiters.close();
    const given = [...this.#heldByName.values()].map((lease) => lease.release());
    this.#closed = true;
    this.#wake.raise();
    await Promise.all(given);
    await this.#loop;
  }

  /** Never rejects. */
  async #run(): Promise<void> {
    let failures = 0;
    for (;;) {
      try {
        this.#session ??= await this.#connect();
        failures = 0;
        await this.#work(this.#session);
        break;
      } catch (err) {
        failures += 1;
        if (this.#closed) break;
        if (this.#session?.endedBy !== undefined) this.#session = undefined;
        // A database that is away for an hour is one line, not thousands.
        this.#log[failures > 1 ? 'debug' : 'warn'](
          { err, failures },
          'the connection that holds leases is lost',
        );
        await this.#waitAtMost(RECONNECT_MS, false);
      }
    }
    this.#session?.end(new Error('leases are closed'));
    this.#forgiveReleases();
  }

  /** Until closed; rejects when the session ends. One query at a time, whatever is due first. */
  async #work(session: LeaseSession): Promise<void> {
    const { leaseMs } = this.#deps;
    const pollMs = Math.min(MAX_POLL_MS, leaseMs / 4);
    this.#renewAtMs = this.#clock.monotonicMs();
    for (;;) {
      if (this.#toGiveBack.length > 0) await this.#giveBack(session);
      if (this.#closed) return;
      if (this.#clock.monotonicMs() >= this.#renewAtMs) await this.#renew(session);
      const wanted = this.#waiters.names().filter((name) => !this.#heldByName.has(name));
      if (wanted.length > 0) await this.#takeFree(session, wanted);
      const untilRenewalMs = this.#renewAtMs - this.#clock.monotonicMs();
      await this.#waitAtMost(wanted.length > 0 ? Math.min(pollMs, untilRenewalMs) : untilRenewalMs, true);
      if (session.endedBy !== undefined) throw session.endedBy;
    }
  }

  async #renew(session: LeaseSession): Promise<void> {
    const { leaseMs } = this.#deps;
    const sentMs = this.#clock.monotonicMs();
    this.#renewAtMs = sentMs + leaseMs / 3;
    const held = [...this.#heldByName.values()];
    if (held.length === 0) return;
    const rows = await session.query<{ name: string }>(statements.renew, [
      session.key,
      leaseMs,
      held.map(({ name }) => name),
      held.map(({ token }) => token),
    ]);
    const renewed = new Set(rows.map(({ name }) => name));
    for (const lease of held) {
      if (renewed.has(lease.name)) lease.renewed(this.#deadlineFrom(sentMs));
      else lease.lose();
    }
  }

  async #takeFree(session: LeaseSession, wanted: readonly string[]): Promise<void> {
    const free = await session.query<{ name: string }>(statements.findFree, [wanted]);
    for (const { name } of free) {
      const sentMs = this.#clock.monotonicMs();
      const { leaseMs, holder } = this.#deps;
      const [taken] = await session.query<{ token: number }>(statements.take, [
        name,
        holder,
        session.key,
        leaseMs,
      ]);
      if (taken === undefined) continue;
      const lease = new HeldLease({
        name,
        token: taken.token,
        deadlineMs: this.#deadlineFrom(sentMs),
        clock: this.#clock,
        onOver: () => {
          this.#heldByName.delete(name);
          this.#wake.raise();
        },
        giveBack: (over) => this.#queueGivingBack(over),
      });
      this.#heldByName.set(name, lease);
      // Whoever waited may have given up meanwhile.
      if (!this.#waiters.give(lease)) void lease.release();
    }
  }

  async #giveBack(session: LeaseSession): Promise<void> {
    const over = this.#toGiveBack;
    this.#toGiveBack = [];
    try {
      await session.query(statements.release, [
        session.key,
        over.map(({ lease }) => lease.name),
        over.map(({ lease }) => lease.token),
      ]);
    } finally {
      // If it failed, the session is gone, and every lease with it.
      for (const { done } of over) done();
    }
  }

  #queueGivingBack(lease: HeldLease): Promise<void> {
    if (this.#session === undefined) return Promise.resolve();
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#toGiveBack.push({ lease, done: resolve });
    this.#wake.raise();
    return promise;
  }

  #connect(): Promise<LeaseSession> {
    const { url, password, holder, leaseMs, clock, random = systemRandom } = this.#deps;
    return LeaseSession.open({
      target: { url, password },
      holder,
      timeoutMs: leaseMs,
      clock,
      random,
      onRelease: () => this.#wake.raise(),
      onEnd: () => this.#lostSession(),
    });
  }

  #lostSession(): void {
    this.#session = undefined;
    for (const lease of this.#heldByName.values()) lease.lose();
    this.#forgiveReleases();
    this.#wake.raise();
  }

  #forgiveReleases(): void {
    for (const { done } of this.#toGiveBack) done();
    this.#toGiveBack = [];
  }

  #deadlineFrom(sentMs: number): number {
    return sentMs + this.#deps.leaseMs * 0.9;
  }

  /** Until the time is over or, if asked, until woken. */
  async #waitAtMost(delayMs: number, wakeable: boolean): Promise<void> {
    if (!wakeable) {
      const over = Promise.withResolvers<void>();
      this.#clock.schedule(delayMs, over.resolve);
      await over.promise;
      return;
    }
    using _timer = this.#clock.schedule(Math.max(0, delayMs), () => this.#wake.raise());
    await this.#wake.wait();
  }
}
