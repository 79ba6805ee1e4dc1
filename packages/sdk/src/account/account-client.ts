/**
 * The account at a server (Matrix client-server API v1.19: register, login, refresh, logout, whoami). Only creating a
 * group needs one; nothing here is ever sent with a request to a group [F12].
 */
import {
  createHttpClient,
  numberOf,
  stringOf,
  type Fetch,
  type HttpClient,
  type HttpRequest,
} from '../http/http-client.ts';
import { ConclaveError, isConclaveError } from '../errors/conclave-error.ts';
import { createSystemRandom } from '../random/system-random.ts';
import { createSystemClock, type Clock } from '../time/clock.ts';
import type { RandomSource } from '@conclave/ristretto';

/** What a login gives. Keep it like a password. */
export interface AccountSession {
  readonly userId: string;
  readonly deviceId: string;
  readonly accessToken: string;
  /** Present when the server rotates access tokens. */
  readonly refreshToken?: string;
  /** When the access token ends, in ms since the Unix epoch. */
  readonly expiresAtMs?: number;
}

export interface AccountClientOptions {
  readonly server: string;
  readonly clock?: Clock;
  readonly random?: RandomSource;
  readonly fetch?: Fetch;
}

export interface Credentials {
  readonly username: string;
  readonly password: string;
  readonly deviceName?: string;
  readonly signal?: AbortSignal;
}

export interface AccountClient {
  /** Creates an account; `registrationToken` where the operator demands one. */
  register(credentials: Credentials & { readonly registrationToken?: string }): Promise<AccountSession>;
  login(credentials: Credentials): Promise<AccountSession>;
  /** A new pair of tokens; the old refresh token is used up. `M_UNKNOWN_TOKEN` means: log in again. */
  refresh(session: AccountSession, options?: { readonly signal?: AbortSignal }): Promise<AccountSession>;
  logout(session: AccountSession, options?: { readonly signal?: AbortSignal }): Promise<void>;
  whoami(
    session: AccountSession,
    options?: { readonly signal?: AbortSignal },
  ): Promise<{ userId: string; deviceId: string }>;
}

const BASE = '/_matrix/client/v3';

export function createAccountClient(options: AccountClientOptions): AccountClient {
  const clock = options.clock ?? createSystemClock();
  const http: HttpClient = createHttpClient({
    server: options.server,
    clock,
    random: options.random ?? createSystemRandom(),
    ...(options.fetch === undefined ? {} : { fetch: options.fetch }),
  });

  function post(path: string, json: unknown, rest: Partial<HttpRequest> = {}) {
    return http.requestJson({ method: 'POST', path: `${BASE}/${path}`, body: { json }, ...rest });
  }

  function sessionOf(answer: Readonly<Record<string, unknown>>): AccountSession {
    return {
      userId: stringOf(answer, 'user_id'),
      deviceId: stringOf(answer, 'device_id'),
      ...tokensOf(answer),
    };
  }

  function tokensOf(answer: Readonly<Record<string, unknown>>) {
    return {
      accessToken: stringOf(answer, 'access_token'),
      ...(answer['refresh_token'] === undefined ? {} : { refreshToken: stringOf(answer, 'refresh_token') }),
      ...(answer['expires_in_ms'] === undefined
        ? {}
        : { expiresAtMs: clock.nowMs() + numberOf(answer, 'expires_in_ms') }),
    };
  }

  const wishes = (deviceName: string | undefined) => ({
    refresh_token: true,
    ...(deviceName === undefined ? {} : { initial_device_display_name: deviceName }),
  });

  return {
    async register({ username, password, deviceName, registrationToken, signal }) {
      const body = { username, password, ...wishes(deviceName) };
      const stage = (challenge: Readonly<Record<string, unknown>>) => ({
        session: stringOf(challenge, 'session'),
        ...(registrationToken === undefined
          ? { type: 'm.login.dummy' }
          : { type: 'm.login.registration_token', token: registrationToken }),
      });
      try {
        return sessionOf(await post('register', body, { signal, attempts: 1 }));
      } catch (error) {
        // 401 without an errcode is the first half of user-interactive authentication (Matrix v1.19, 5.4).
        if (!(error instanceof ConclaveError) || error.status !== 401 || error.code !== 'BAD_RESPONSE')
          throw error;
        const auth = stage(error.details);
        return sessionOf(await post('register', { ...body, auth }, { signal, attempts: 1 }));
      }
    },
    async login({ username, password, deviceName, signal }) {
      const identifier = { type: 'm.id.user', user: username };
      return sessionOf(
        await post(
          'login',
          { type: 'm.login.password', identifier, password, ...wishes(deviceName) },
          { signal },
        ),
      );
    },
    async refresh(session, { signal } = {}) {
      if (session.refreshToken === undefined)
        throw new ConclaveError('MISUSE', 'This session has no refresh token');
      const answer = await post('refresh', { refresh_token: session.refreshToken }, { signal });
      return { userId: session.userId, deviceId: session.deviceId, ...tokensOf(answer) };
    },
    async logout(session, { signal } = {}) {
      await post('logout', {}, { signal, bearer: session.accessToken }).catch(ignoreUnknownToken);
    },
    async whoami(session, { signal } = {}) {
      const path = `${BASE}/account/whoami`;
      const answer = await http.requestJson({ method: 'GET', path, signal, bearer: session.accessToken });
      return { userId: stringOf(answer, 'user_id'), deviceId: stringOf(answer, 'device_id') };
    },
  };
}

/** A session that the server no longer knows is logged out already. */
function ignoreUnknownToken(error: unknown): void {
  if (!isConclaveError(error, 'M_UNKNOWN_TOKEN')) throw error;
}
