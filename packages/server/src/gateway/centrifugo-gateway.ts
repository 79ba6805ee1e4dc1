/**
 * Centrifugo instead of a gateway in this process. It is fed by the bus without us; here is what this server asks of it:
 * how it is, and that it ends subscriptions soon after somebody was removed, also while the bus is down.
 */
import type { Clock } from '@conclave/platform';
import { CentrifugoError, createCentrifugoApi, type CentrifugoApi } from './centrifugo-api.ts';
import type { RunningGateway, StartGatewayDeps } from './start-gateway.ts';

/** Channels that wait to be ended. Beyond them the command through the bus has to do. */
const maxPendingEnds = 1_000;
/**
 * The removal itself is the last that is said on a channel, by way of the bus, and so is the command that ends it: who was
 * removed hears why before he is cut off. The API is for when that has not come by now.
 */
const endAfterMs = 2_000;
/** From 4000 to 4499 clients come back. */
const comeBack = { code: 4000, reason: 'messages may have been missed' };
/** Before Centrifugo, which did not answer, is asked again to let its clients come back. */
const resetAgainMs = 2_000;

export function startCentrifugoGateway(deps: StartGatewayDeps): RunningGateway {
  const { clock, log, metrics, settings } = deps;
  const { apiUrl } = settings;
  const connect = (attempts: number): CentrifugoApi | undefined =>
    apiUrl === null ? undefined : createCentrifugoApi({ apiUrl, apiKey: deps.apiKey, clock, attempts });
  const api = connect(3);
  const probe = connect(1);
  const ends = metrics.counter('gateway_channel_ends_total', 'Channels that Centrifugo was asked to end.', [
    'outcome',
  ]);
  const pending = new Map<string, Promise<void>>();
  let resetting: Promise<void> | undefined;
  const closing = new AbortController();
  if (probe !== undefined) {
    // Told, and not part of readiness: without the gateway this server loses nothing and clients read the log, later; taking
    // it out of the load balancer would take that away too.
    metrics.observe('gateway_up', 'Whether Centrifugo answers (1) or not (0).', () => isUp(probe));
  }

  async function end(to: CentrifugoApi, channel: string): Promise<void> {
    await pause(clock, endAfterMs, closing.signal);
    try {
      // Subscribers of groups are anonymous.
      await to.unsubscribe({ channel, user: '' });
      ends.inc({ outcome: 'ok' });
    } catch (error) {
      ends.inc({ outcome: 'failed' });
      // Not the channel: it names a group. The command in the outbox ends it as soon as the bus and Centrifugo meet.
      log.warn({ err: error }, 'Centrifugo did not end a channel');
    } finally {
      pending.delete(channel);
    }
  }

  /** Again until it is done: clients of quiet groups would miss what was lost until somebody writes again. */
  async function reset(to: CentrifugoApi): Promise<void> {
    for (let failures = 0; !closing.signal.aborted; failures += 1) {
      try {
        await to.disconnect({ user: '' }, comeBack);
        break;
      } catch (error) {
        const level = failures === 0 ? 'warn' : 'debug';
        log[level]({ err: error }, 'Centrifugo did not let its clients come back');
        if (!(error instanceof CentrifugoError && error.isTransient)) break;
      }
      await pause(clock, resetAgainMs, closing.signal);
    }
    resetting = undefined;
  }

  const required = (): CentrifugoApi => {
    if (api !== undefined) return api;
    throw new CentrifugoError('CENTRIFUGO_UNREACHABLE', 'gateway.apiUrl is not set', false);
  };

  return {
    handleRequest: () => false,
    handleUpgrade: () => false,
    endChannel(channel) {
      if (api === undefined || pending.has(channel)) return;
      if (pending.size >= maxPendingEnds) return ends.inc({ outcome: 'skipped' });
      pending.set(channel, end(api, channel));
    },
    resetAll() {
      if (api !== undefined) resetting ??= reset(api);
    },
    describe: async () => ({ engine: 'centrifugo', nodes: await required().info() }),
    disconnectClient: (client) => required().disconnect({ user: '', client }),
    async drain() {},
    async close() {
      closing.abort();
      await Promise.all([...pending.values(), resetting]);
    },
  };
}

/** Ends early when the signal does. */
function pause(clock: Clock, delayMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      timer[Symbol.dispose]();
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = clock.schedule(delayMs, end);
    signal.addEventListener('abort', end);
    if (signal.aborted) end();
  });
}

async function isUp(api: CentrifugoApi): Promise<number> {
  try {
    await api.info();
    return 1;
  } catch (error) {
    if (error instanceof CentrifugoError) return 0;
    throw error;
  }
}
