/**
 * What feeds an embedded gateway from the bus: per subject, and only while somebody here listens.
 *
 * ```
 *   first listener ─▶ subscribe to the bus ─▶ followed ──last one leaves──▶ lingers ──linger time──▶ ended
 *                                               ▲                             │
 *                                               └────── another listener ─────┘
 *   gap on the bus ─▶ histories forgotten, subscriptions ended with 2500: clients subscribe anew and read the log
 * ```
 *
 * Invariants:
 * - A client is told that it is subscribed only once the bus brings what is published from then on.
 * - A history spans no time in which its subject was not followed, and no gap: its epoch ends with either.
 * - Subjects that are followed, and those that linger, are bounded in number.
 */
import type { ChannelSource, Gateway } from '@conclave/gateway';
import {
  SubjectIndex,
  type Bus,
  type BusMessage,
  type Clock,
  type Log,
  type Metrics,
} from '@conclave/platform';
import { subjectOfChannel } from './channel-subject.ts';
import type { Deliveries } from './deliveries.ts';

export interface GatewayFeedLimits {
  /** How long a subject is followed after its last listener has gone, so that a client that reconnects finds its history. */
  readonly lingerMs: number;
  /** Subjects that linger; of more, the longest idle ones end at once. */
  readonly maxLingering: number;
  /** Subjects that are followed in all; listeners of more are told to try again. */
  readonly maxSubjects: number;
  /** How long the bus may take to subscribe. The official client gives up after 5 seconds, and reconnects. */
  readonly subscribeTimeoutMs: number;
  /** After a gap on all subjects: how many are reset at once, and the pause between. Clients come back in that pace. */
  readonly resetsPerStep: number;
  readonly resetStepMs: number;
}

export interface GatewayFeedDeps {
  readonly bus: Bus;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
  /** Who watches what is handed to the gateway. */
  readonly deliveries?: Deliveries;
  readonly limits?: Partial<GatewayFeedLimits>;
}

export interface GatewayFeed extends ChannelSource {
  /** Begins to feed this gateway. Called once, before the first `hold`. */
  attach(gateway: Pick<Gateway, 'handleCommand' | 'reset'>): void;
  /** Follows nothing any more. May be called more than once. */
  close(): Promise<void>;
}

const DEFAULT_LIMITS: GatewayFeedLimits = {
  lingerMs: 60_000,
  maxLingering: 10_000,
  maxSubjects: 200_000,
  subscribeTimeoutMs: 3_000,
  resetsPerStep: 256,
  resetStepMs: 10,
};

/** Channels of one subject, from which on those that nobody holds are forgotten. */
const maxSilentChannels = 8;

/** The gateway cannot follow a channel now; its client tries again. */
export class FeedError extends Error {
  override readonly name = 'FeedError';
  readonly code: 'FEED_CLOSED' | 'FEED_FULL' | 'FEED_TIMEOUT';

  constructor(code: FeedError['code'], message: string) {
    super(message);
    this.code = code;
  }
}

/** One subject that is followed. */
interface Follow {
  readonly subject: string;
  /** How often each channel is held. Those that are held no longer may still have a history. */
  readonly channels: Map<string, number>;
  holders: number;
  /** Set until the bus has subscribed. */
  starting: Promise<void> | undefined;
  subscription: AsyncDisposable | undefined;
  ended: boolean;
}

export function createGatewayFeed(deps: GatewayFeedDeps): GatewayFeed {
  const { bus, clock, log } = deps;
  const limits = { ...DEFAULT_LIMITS, ...deps.limits };
  const metrics = feedMetrics(deps.metrics);
  const followBySubject = new Map<string, Follow>();
  /** Without listeners, and since when; longest idle first. */
  const lingering = new Map<Follow, number>();
  const ending = new Set<Promise<void>>();
  let toReset = new Set<Follow>();
  let gateway: Pick<Gateway, 'handleCommand' | 'reset'> | undefined;
  let lingerTimer: Disposable | undefined;
  let resetTimer: Disposable | undefined;
  let closed = false;
  const gaps = bus.onGap(noteGap);
  deps.metrics.observe(
    'gateway_subjects',
    'Subjects of the bus that the gateway follows.',
    () => followBySubject.size,
  );

  function hold(channel: string): Promise<void> | undefined {
    const subject = subjectOfChannel(channel);
    if (subject === undefined) return undefined;
    if (closed) return Promise.reject(new FeedError('FEED_CLOSED', 'the gateway is closing'));
    let follow = followBySubject.get(subject);
    if (follow === undefined) {
      if (followBySubject.size >= limits.maxSubjects) endLongestIdle();
      if (followBySubject.size >= limits.maxSubjects) {
        return Promise.reject(new FeedError('FEED_FULL', 'too many subjects are followed'));
      }
      follow = begin(subject);
    }
    if (!follow.channels.has(channel)) forgetSilentChannels(follow);
    follow.channels.set(channel, (follow.channels.get(channel) ?? 0) + 1);
    follow.holders += 1;
    lingering.delete(follow);
    return follow.starting;
  }

  function release(channel: string): void {
    const subject = subjectOfChannel(channel);
    const follow = subject === undefined ? undefined : followBySubject.get(subject);
    if (follow === undefined) return;
    follow.channels.set(channel, (follow.channels.get(channel) ?? 1) - 1);
    follow.holders -= 1;
    if (follow.holders > 0) return;
    lingering.set(follow, clock.nowMs());
    if (lingering.size > limits.maxLingering) endLongestIdle();
    lingerTimer ??= clock.schedule(limits.lingerMs, sweepLingering);
  }

  function begin(subject: string): Follow {
    const follow: Follow = {
      subject,
      channels: new Map(),
      holders: 0,
      starting: undefined,
      subscription: undefined,
      ended: false,
    };
    followBySubject.set(subject, follow);
    follow.starting = start(follow);
    return follow;
  }

  /** When it rejects, the subject is not followed any more: everybody who held it is told so, and holds nothing. */
  async function start(follow: Follow): Promise<void> {
    const subscribing = bus.subscribe(follow.subject, async (message) => deliver(follow, message));
    try {
      follow.subscription = await withinTime(subscribing);
    } catch (error) {
      end(follow);
      // The bus may subscribe after all, when nobody waits for it any more.
      settle(subscribing.then(dispose, () => undefined));
      throw error;
    }
    follow.starting = undefined;
    if (!follow.ended) return;
    settle(dispose(follow.subscription));
    throw new FeedError('FEED_CLOSED', 'the gateway is closing');
  }

  async function withinTime<T>(work: Promise<T>): Promise<T> {
    const timeUp = Promise.withResolvers<never>();
    using _timer = clock.schedule(limits.subscribeTimeoutMs, () =>
      timeUp.reject(new FeedError('FEED_TIMEOUT', 'the bus did not subscribe in time')),
    );
    return await Promise.race([work, timeUp.promise]);
  }

  function deliver(follow: Follow, message: BusMessage): void {
    const to = gateway;
    if (follow.ended || to === undefined) return;
    const hand = () => to.handleCommand(message.payload);
    const result = deps.deliveries === undefined ? hand() : deps.deliveries.deliver(message, hand);
    metrics.commands.inc({ outcome: result.ok ? 'ok' : 'refused' });
    // The command came from our own outbox: a refusal is a mistake of the feature that enqueued it.
    if (!result.ok) log.error({ code: result.error.code }, 'the gateway refused a command from the bus');
  }

  function sweepLingering(): void {
    const now = clock.nowMs();
    lingerTimer = undefined;
    for (const [follow, sinceMs] of lingering) {
      const leftMs = sinceMs + limits.lingerMs - now;
      if (leftMs > 0) {
        lingerTimer = clock.schedule(leftMs, sweepLingering);
        return;
      }
      end(follow);
    }
  }

  function endLongestIdle(): void {
    const [oldest] = lingering.keys();
    if (oldest !== undefined) end(oldest);
  }

  function end(follow: Follow): void {
    if (follow.ended) return;
    follow.ended = true;
    followBySubject.delete(follow.subject);
    lingering.delete(follow);
    toReset.delete(follow);
    resetChannels(follow);
    if (follow.subscription !== undefined) settle(dispose(follow.subscription));
  }

  /** Closing waits for it. */
  function settle(work: Promise<void>): void {
    const done = work.finally(() => ending.delete(done));
    ending.add(done);
  }

  /** A subscription that cannot be ended is silent here all the same: it delivers nothing any more. */
  async function dispose(subscription: AsyncDisposable): Promise<void> {
    try {
      await subscription[Symbol.asyncDispose]();
    } catch (err) {
      log.warn({ err }, 'a subscription to the bus could not be ended');
    }
  }

  function resetChannels(follow: Follow): void {
    for (const channel of follow.channels.keys()) metrics.resets.inc(gateway?.reset(channel) ?? 0);
  }

  /** Each removal begins another channel of a group; the one before is silent for ever once it is left. */
  function forgetSilentChannels({ channels }: Follow): void {
    if (channels.size < maxSilentChannels) return;
    for (const [channel, holders] of channels) {
      if (holders > 0) continue;
      gateway?.reset(channel);
      channels.delete(channel);
    }
  }

  function noteGap(pattern: string | undefined): void {
    metrics.gaps.inc();
    for (const follow of concernedBy(pattern)) toReset.add(follow);
    if (resetTimer === undefined) resetSome();
  }

  function concernedBy(pattern: string | undefined): Iterable<Follow> {
    if (pattern === undefined) return followBySubject.values();
    const exact = followBySubject.get(pattern);
    if (exact !== undefined) return [exact];
    const index = new SubjectIndex<true>();
    index.add(pattern, true);
    return [...followBySubject.values()].filter(({ subject }) => index.match(subject).length > 0);
  }

  /** Each reset makes clients come back and ask for the log, so not all at once. */
  function resetSome(): void {
    resetTimer = undefined;
    let count = 0;
    for (const follow of toReset) {
      if (count === limits.resetsPerStep) {
        resetTimer = clock.schedule(limits.resetStepMs, resetSome);
        return;
      }
      count += 1;
      toReset.delete(follow);
      resetChannels(follow);
    }
  }

  return {
    attach(to) {
      gateway = to;
    },
    hold,
    release,
    async close() {
      closed = true;
      gaps[Symbol.dispose]();
      lingerTimer?.[Symbol.dispose]();
      resetTimer?.[Symbol.dispose]();
      toReset = new Set();
      for (const follow of followBySubject.values()) end(follow);
      await Promise.all(ending);
    },
  };
}

function feedMetrics(metrics: Metrics) {
  return {
    commands: metrics.counter('gateway_bus_commands_total', 'Commands from the bus to the gateway.', [
      'outcome',
    ]),
    gaps: metrics.counter('gateway_bus_gaps_total', 'Times that messages of the bus may have been missed.'),
    resets: metrics.counter(
      'gateway_resets_total',
      'Subscriptions ended so that their clients read the log: after a gap.',
    ),
  };
}
