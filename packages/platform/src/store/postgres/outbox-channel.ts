/**
 * Tells other processes that a unit has enqueued outbox rows, and hears it from them: LISTEN and NOTIFY.
 *
 *   commit ─▶ notify() ─▶ one NOTIFY under way, one more to come if anything happened meanwhile ─▶ other processes' listeners
 *
 * NOTIFY runs after the commit and outside of its transaction: inside, every commit of the database would wait for one lock. So a
 * process that dies in between tells nothing; the relay looks by itself from time to time. Whoever reconnects may
 * have missed something and is told so as if he had heard it.
 */
import type pg from 'pg';
import type { Clock } from '../../clock/clock.ts';
import type { Log } from '../../log/log.ts';
import { PipelinedConnection } from './pipelined-connection.ts';

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
/** It is given up when it does not answer for so long. */
const answerMs = 5_000;
const reconnectMs = 250;

export function openOutboxChannel(deps: OutboxChannelDeps): OutboxChannel {
  const { clock, log } = deps;
  /** The connection that listens, and the one that is about to. */
  let current: PipelinedConnection | undefined;
  let joining: PipelinedConnection | undefined;
  let timer: Disposable | undefined;
  let closed = false;
  let isFirst = true;
  let hasNews = false;
  let sending = false;
  let working: Promise<void> = connect();

  /** Never rejects. */
  async function connect(): Promise<void> {
    let next: PipelinedConnection | undefined;
    try {
      next = joining = await PipelinedConnection.open(deps.config, clock);
      if (closed) return next.destroy(closing());
      next.onNotification((payload) => {
        if (payload !== deps.sender) deps.onHeard();
      });
      await next.queryWithin(answerMs, { text: `listen ${channel}` });
    } catch (err) {
      next?.destroy(err as Error);
      if (closed) return;
      if (isFirst) log.warn({ err }, 'other processes cannot be heard; trying again');
      isFirst = false;
      timer = clock.schedule(reconnectMs, reconnect);
      return;
    } finally {
      joining = undefined;
    }
    if (closed) return next.destroy(closing());
    follow(next);
  }

  function follow(next: PipelinedConnection): void {
    current = next;
    if (!isFirst) {
      log.info({}, 'other processes are heard again');
      deps.onHeard();
    }
    isFirst = false;
    timer = clock.schedule(probeMs, () => void probe(next));
    // What was to be told while nobody could be reached.
    send();
    next.onLost(() => {
      current = undefined;
      timer?.[Symbol.dispose]();
      if (!closed) reconnect();
    });
  }

  function reconnect(): void {
    working = connect();
  }

  /** Never rejects. */
  async function probe(probed: PipelinedConnection): Promise<void> {
    try {
      await probed.queryWithin(answerMs, { text: 'select 1' });
    } catch (err) {
      probed.destroy(err as Error);
    }
    if (probed === current) timer = clock.schedule(probeMs, () => void probe(probed));
  }

  function send(): void {
    const sender = current;
    if (!hasNews || sending || sender === undefined) return;
    hasNews = false;
    sending = true;
    sender
      .queryWithin(answerMs, { text: `select pg_notify($1, $2)`, values: [channel, deps.sender] })
      .catch((err: Error) => {
        // Said again on the next connection.
        hasNews = true;
        sender.destroy(err);
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
      const last = current;
      current = undefined;
      joining?.destroy(closing());
      await working;
      await last?.close();
    },
  };
}

function closing(): Error {
  return new Error('the channel is closed');
}
