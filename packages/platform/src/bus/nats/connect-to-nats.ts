/** The connection to NATS: addresses, credentials, patience, and what becomes of it later. */
import {
  connect,
  AuthorizationError,
  UserAuthenticationExpiredError,
  type NatsConnection,
} from '@nats-io/transport-node';
import type { Clock } from '../../clock/clock.ts';
import type { Log } from '../../log/log.ts';
import { BusError } from '../bus-error.ts';

export interface NatsAddress {
  readonly url: string;
  readonly password?: string | undefined;
  readonly name?: string | undefined;
}

/** A connection that says nothing for twice this long is given up. */
const PING_INTERVAL_MS = 3_000;
const RECONNECT_WAIT_MS = 250;

/**
 * Connects within the time, trying again while nobody answers, which is said once; from then on the client reconnects for ever. Wrong
 * credentials fail at once at the start; later they may be those of a server that is being set up, and are tried again.
 */
export async function connectToNats(
  deps: NatsAddress & { readonly clock: Clock; readonly log: Log },
  timeoutMs: number,
): Promise<NatsConnection> {
  let isSaid = false;
  const deadlineMs = deps.clock.monotonicMs() + timeoutMs;
  for (;;) {
    try {
      return await connect({
        ...addressOf(deps),
        ...(deps.name === undefined ? {} : { name: deps.name }),
        timeout: Math.max(1_000, Math.min(5_000, timeoutMs)),
        maxReconnectAttempts: -1,
        reconnectTimeWait: RECONNECT_WAIT_MS,
        reconnectJitter: RECONNECT_WAIT_MS,
        ignoreAuthErrorAbort: true,
        pingInterval: PING_INTERVAL_MS,
        maxPingOut: 2,
        noAsyncTraces: true,
      });
    } catch (cause) {
      if (cause instanceof AuthorizationError || cause instanceof UserAuthenticationExpiredError) {
        throw new BusError('BUS_DENIED', 'the bus server refuses our credentials', { cause });
      }
      if (deps.clock.monotonicMs() >= deadlineMs) {
        throw new BusError('BUS_UNAVAILABLE', `the bus server did not answer within ${timeoutMs} ms`, {
          cause,
        });
      }
      if (!isSaid) deps.log.warn({ err: cause }, 'the bus server does not answer yet: trying again');
      isSaid = true;
    }
    await new Promise<void>((resolve) => {
      deps.clock.schedule(RECONNECT_WAIT_MS, resolve);
    });
  }
}

export function addressOf({ url, password }: NatsAddress) {
  const urls = url.split(',').map((each) => new URL(each.trim()));
  const user = urls.map(({ username }) => decodeURIComponent(username)).find((name) => name !== '');
  return {
    servers: urls.map(({ host }) => host),
    ...(urls.some(({ protocol }) => protocol === 'tls:') ? { tls: {} } : {}),
    ...(user === undefined ? {} : { user }),
    ...(password === undefined ? {} : user === undefined ? { token: password } : { pass: password }),
  };
}

/** Resolves when the connection is closed for good. */
export async function followConnection(
  connection: NatsConnection,
  on: { onLost: () => void; onReconnected: () => void; onError: (error: Error) => void },
): Promise<void> {
  for await (const status of connection.status()) {
    if (status.type === 'disconnect') on.onLost();
    else if (status.type === 'reconnect') on.onReconnected();
    else if (status.type === 'error') on.onError(status.error);
  }
}
