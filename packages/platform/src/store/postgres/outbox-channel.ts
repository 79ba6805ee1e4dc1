/**
 * Tells other processes that a unit has enqueued outbox rows, and hears it from them: LISTEN and NOTIFY.
 *
 *   commit ─▶ notify() ─▶ one NOTIFY under way, one more to come if anything happened meanwhile ─▶ other processes' listeners
 *
 * NOTIFY runs after the commit and outside of its transaction: inside, every commit of the database would wait for one lock. So a
 * process that dies in between tells nothing; the relay looks by itself from time to time. Whoever reconnects may
 * have missed something and is told so as if he had heard it.
 */
import pg from 'pg';
import type { Clock } from '../../clock/clock.ts';
import type { Log } from '../../log/log.ts';

export interface OutboxChannelDeps {
  readonly config: pg.ClientConfig;
  /** Of this store: what it says itself it need not hear. */
  readonly sender: string;
  readonly clock: Clock;
  readonly log: Log;
  /** Called when another process has enqueued, or may have. Must not throw. */
  readonly onHeard: () => void;
}

export interface OutboxChannel {
  notify(): void;
  close(): Promise<void>;
}

const channel = 'conclave_outbox';
/** A connection that nothing comes from is asked whether it still stands. */
const probeMs = 5_000;
const reconnectMs = 250;

export function openOutboxChannel(deps: OutboxChannelDeps): OutboxChannel {
  const { clock, log } = deps;
  let client: pg.Client | undefined;
  let timer: Disposable | undefined;
  let closed = false;
  let isFirst = true;
  let hasNews = false;
  let sending = false;
  let working: Promise<void> = connect();

  async function connect(): Promise<void> {
    const next = new pg.Client(deps.config);
    next.on('error', () => lose(next));
    next.on('end', () => lose(next));
    next.on('notification', ({ payload }) => {
      if (payload !== deps.sender) deps.onHeard();
    });
    try {
      await next.connect();
      await next.query(`listen ${channel}`);
    } catch (err) {
      if (isFirst) log.warn({ err }, 'other processes cannot be heard; trying again');
      isFirst = false;
      end(next);
      if (!closed) timer = clock.schedule(reconnectMs, reconnect);
      return;
    }
    if (closed) return end(next);
    client = next;
    if (!isFirst) {
      log.info({}, 'other processes are heard again');
      deps.onHeard();
    }
    isFirst = false;
    timer = clock.schedule(probeMs, () => void probe(next));
    // What was to be told while nobody could be reached.
    send();
  }

  function lose(lost: pg.Client): void {
    if (lost !== client) return;
    client = undefined;
    timer?.[Symbol.dispose]();
    end(lost);
    if (!closed) reconnect();
  }

  function reconnect(): void {
    working = connect();
  }

  async function probe(probed: pg.Client): Promise<void> {
    if (probed !== client) return;
    timer = clock.schedule(probeMs, () => lose(probed));
    try {
      await probed.query('select 1');
    } catch {
      lose(probed);
    }
    if (probed !== client) return;
    timer[Symbol.dispose]();
    timer = clock.schedule(probeMs, () => void probe(probed));
  }

  function send(): void {
    const sender = client;
    if (!hasNews || sending || sender === undefined) return;
    hasNews = false;
    sending = true;
    sender
      .query(`select pg_notify($1, $2)`, [channel, deps.sender])
      .catch(() => {
        // Said again on the next connection.
        hasNews = true;
        lose(sender);
      })
      .finally(() => {
        sending = false;
        send();
      });
  }

  return {
    notify() {
      hasNews = true;
      send();
    },
    async close() {
      closed = true;
      timer?.[Symbol.dispose]();
      const last = client;
      client = undefined;
      await working;
      if (last !== undefined) end(last);
    },
  };
}

/** Does not wait: a connection that no longer answers would never say that it has ended. */
function end(client: pg.Client): void {
  client.end().catch(() => undefined);
}
