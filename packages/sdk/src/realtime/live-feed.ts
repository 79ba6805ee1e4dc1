/**
 * Hints that the log of one group has grown, over Centrifugo's client protocol. A feed promises nothing: publications
 * may be lost, doubled or late, and whoever listens reads the log by its own cursor (`onReady` says: look now).
 *
 * One connection per group, so that groups are not linked by it. The channel changes with every removal: the server
 * ends the old subscription, and the feed asks for a new one, which only members get.
 */
import type { RandomSource } from '@conclave/ristretto';
import {
  Centrifuge,
  UnauthorizedError,
  type PublicationContext,
  type Subscription as Channel,
} from 'centrifuge';
import { isConclaveError } from '../errors/conclave-error.ts';
import { backoffDelayMs } from '../http/backoff.ts';
import type { Subscription } from '../http/sealed-api.ts';
import { sleep, type Clock } from '../time/clock.ts';
import { parsePublication, type Hint } from './parse-publication.ts';

export interface LiveFeedDeps {
  readonly server: string;
  readonly clock: Clock;
  readonly random: RandomSource;
  /** Asks the server for channel and tokens. `CONCLAVE_READ_DENIED` ends the feed. */
  readonly subscribe: (signal: AbortSignal) => Promise<Subscription>;
  readonly onPublication: (hint: Hint) => void;
  /** Subscribed, for the first time or again: whatever was published meanwhile may have been missed. */
  readonly onReady: () => void;
  /** Not subscribed any more; the feed tries again by itself unless `denied`. */
  readonly onLost: (reason: { readonly denied: boolean }) => void;
}

export interface LiveFeed {
  close(): Promise<void>;
}

/** However long the server was away, a client hears again within seconds of its return. */
const BACKOFF = { baseMs: 200, maxMs: 5_000 };
/** After this long without a connection the server is asked again where the gateway is: it may have moved. */
const LOST_MS = 30_000;

export function openLiveFeed(deps: LiveFeedDeps): LiveFeed {
  const stop = new AbortController();
  const running = run(deps, stop.signal);
  return {
    async close() {
      stop.abort();
      await running;
    },
  };
}

/** One round per channel, until closed or denied. */
async function run(deps: LiveFeedDeps, signal: AbortSignal): Promise<void> {
  for (let attempt = 0; !signal.aborted; attempt++) {
    try {
      const subscription = await deps.subscribe(signal);
      const wasReady = await follow(deps, subscription, signal);
      if (wasReady) attempt = 0;
    } catch (error) {
      if (isConclaveError(error, 'CONCLAVE_READ_DENIED', 'REMOVED')) {
        deps.onLost({ denied: true });
        return;
      }
    }
    if (signal.aborted) return;
    deps.onLost({ denied: false });
    await sleep(deps.clock, backoffDelayMs(attempt, BACKOFF, deps.random), signal).catch(() => undefined);
  }
}

/** Follows one channel until the server ends it for good; resolves with whether it ever was subscribed. */
async function follow(deps: LiveFeedDeps, first: Subscription, signal: AbortSignal): Promise<boolean> {
  let wasReady = false;
  let current = first;
  let unused = true;
  /** The tokens at hand the first time, fresh ones afterwards. */
  const renew = async (): Promise<Subscription> => {
    if (!unused) current = await deps.subscribe(signal);
    unused = false;
    return current;
  };
  const gateway = first.gatewayUrl ?? deps.server;
  const client = new Centrifuge(`${gateway.replace(/^http/, 'ws')}/connection/websocket`, {
    token: first.connectionToken,
    getToken: async () => {
      const renewed = await deps.subscribe(signal);
      if (renewed.gatewayUrl !== first.gatewayUrl) throw new UnauthorizedError('the gateway has moved');
      return renewed.connectionToken;
    },
    minReconnectDelay: BACKOFF.baseMs,
    maxReconnectDelay: BACKOFF.maxMs,
  });
  const channel: Channel = client.newSubscription(first.channel, {
    minResubscribeDelay: BACKOFF.baseMs,
    maxResubscribeDelay: BACKOFF.maxMs,
    getToken: async () => {
      const renewed = await renew();
      // A removal happened meanwhile: this channel is silent for ever.
      if (renewed.channel !== first.channel) throw new UnauthorizedError('the channel has changed');
      return renewed.subscriptionToken;
    },
  });
  const over = new AbortController();
  const ended = AbortSignal.any([signal, over.signal]);
  let connected = new AbortController();
  await new Promise<void>((resolve) => {
    const onAbort = (): void => resolve();
    signal.addEventListener('abort', onAbort, { once: true });
    // It may have fired while the tokens were on their way.
    if (signal.aborted) resolve();
    const leaveIfStale = async (): Promise<void> => {
      if (!(await isCurrent(deps, first.channel, ended))) resolve();
    };
    channel.on('subscribed', () => {
      wasReady = true;
      deps.onReady();
      void leaveIfStale();
    });
    channel.on('publication', ({ data }: PublicationContext) => {
      const hint = parsePublication(data);
      if (hint !== undefined) deps.onPublication(hint);
    });
    channel.on('subscribing', () => {
      if (wasReady) deps.onLost({ denied: false });
    });
    channel.on('unsubscribed', () => resolve());
    client.on('disconnected', () => resolve());
    const giveUpUnlessConnected = async (): Promise<void> => {
      connected = new AbortController();
      const until = AbortSignal.any([ended, connected.signal]);
      await sleep(deps.clock, LOST_MS, until).then(resolve, () => undefined);
    };
    client.on('connecting', () => void giveUpUnlessConnected());
    client.on('connected', () => connected.abort());
    channel.subscribe();
    client.connect();
  });
  over.abort();
  channel.removeAllListeners();
  client.removeAllListeners();
  client.disconnect();
  return wasReady;
}

/**
 * Whether this is still the group's channel. A removal between asking for the subscription and being subscribed leaves one
 * on a channel that is silent for ever, and the server's order to leave it came too early to be heard. Asking once after
 * being subscribed is enough: a removal from then on is told.
 */
async function isCurrent(deps: LiveFeedDeps, channel: string, signal: AbortSignal): Promise<boolean> {
  for (let attempt = 0; !signal.aborted; attempt++) {
    try {
      return (await deps.subscribe(signal)).channel === channel;
    } catch (error) {
      // Whoever asks next is told the same, and says so.
      if (isConclaveError(error, 'CONCLAVE_READ_DENIED', 'REMOVED')) return false;
      await sleep(deps.clock, backoffDelayMs(attempt, BACKOFF, deps.random), signal).catch(() => undefined);
    }
  }
  return true;
}
