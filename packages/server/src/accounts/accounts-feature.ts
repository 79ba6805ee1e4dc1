/**
 * Accounts as the Matrix client-server API v1.19 has them: the part that creating a sealed group needs.
 * Each route stands in a file named after its operation in the specification.
 */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Clock, RandomSource, RateLimiter, Store } from '@conclave/platform';
import type { Config } from '../config/config-schema.ts';
import { ApiError } from '../errors/api-error.ts';
import { addLenientJsonParser } from '../http/body-parsers.ts';
import type { ServerDatabase } from '../schema/server-database.ts';
import { createAccounts, type Accounts } from './accounts.ts';
import { createInteractiveAuth, type InteractiveAuth } from './interactive-auth.ts';
import { createPasswordHasher } from './password-hasher.ts';
import { createRegistrationTokens, type RegistrationTokens } from './registration-tokens.ts';
import { addChangePasswordRoute } from './routes/change-password.ts';
import { addCheckUsernameAvailabilityRoute } from './routes/check-username-availability.ts';
import { addDeactivateAccountRoute } from './routes/deactivate-account.ts';
import { addGetCapabilitiesRoute } from './routes/get-capabilities.ts';
import { addGetTokenOwnerRoute } from './routes/get-token-owner.ts';
import { addGetVersionsRoute } from './routes/get-versions.ts';
import { addGetWellknownRoute } from './routes/get-wellknown.ts';
import { addLoginRoutes } from './routes/login.ts';
import { addLogoutRoutes } from './routes/logout.ts';
import { addRefreshRoute } from './routes/refresh.ts';
import { addRegisterRoute } from './routes/register.ts';
import { addRegistrationTokenValidityRoute } from './routes/registration-token-validity.ts';
import { createSessions, type Session, type Sessions } from './sessions.ts';
import { formatUserId } from './user-id.ts';

export interface AccountsFeatureDeps {
  readonly store: Store<ServerDatabase>;
  readonly clock: Clock;
  readonly random: RandomSource;
  readonly settings: Config['accounts'];
  readonly serverName: string;
  /** The origin of clients, known once the server listens. */
  readonly publicUrl: () => string;
  /** MACs the sessions of user-interactive authentication. */
  readonly interactiveAuthKey: Uint8Array;
  /** Of which the registration token for the first account is made. */
  readonly firstAccountKey: Uint8Array;
  /** Bounds attempts per account, whatever address they come from. */
  readonly passwordLimiter: RateLimiter;
}

/** What the routes share. */
export interface AccountsContext {
  readonly accounts: Accounts;
  readonly sessions: Sessions;
  readonly registrationTokens: RegistrationTokens;
  readonly interactiveAuth: InteractiveAuth;
  readonly store: Store<ServerDatabase>;
  readonly passwordLimiter: RateLimiter;
  readonly registration: Config['accounts']['registration'];
  readonly serverName: string;
  readonly publicUrl: () => string;
  /** Whom the request comes from; throws {@link ApiError} `M_MISSING_TOKEN` or `M_UNKNOWN_TOKEN`. */
  readonly requireSession: (request: FastifyRequest) => Promise<Session>;
}

export interface AccountsFeature extends AccountsContext {
  /** Password operations that run or wait, for metrics. */
  readonly pendingPasswords: () => number;
  readonly addRoutes: (app: FastifyInstance) => Promise<void>;
  readonly sweepExpired: () => Promise<number>;
}

export function createAccountsFeature(deps: AccountsFeatureDeps): AccountsFeature {
  const { store, clock, random, settings, serverName } = deps;
  const passwords = createPasswordHasher({
    random,
    concurrency: settings.hashConcurrency,
    maxWaiting: settings.hashQueue,
  });
  const sessions = createSessions({
    store,
    clock,
    random,
    formatUserId: (localpart) => formatUserId(localpart, serverName),
    accessTokenLifetimeMs: settings.accessTokenLifetimeMs,
    refreshTokenLifetimeMs: settings.refreshTokenLifetimeMs,
  });
  const registrationTokens = createRegistrationTokens({
    store,
    clock,
    random,
    firstAccountKey: deps.firstAccountKey,
  });
  const accounts = createAccounts({
    store,
    clock,
    random,
    passwords,
    sessions,
    registrationTokens,
    serverName,
    minPasswordLength: settings.minPasswordLength,
  });
  const interactiveAuth = createInteractiveAuth({ clock, random, macKey: deps.interactiveAuthKey });

  const context: AccountsContext = {
    accounts,
    sessions,
    registrationTokens,
    interactiveAuth,
    store,
    passwordLimiter: deps.passwordLimiter,
    registration: settings.registration,
    serverName,
    publicUrl: deps.publicUrl,
    requireSession: (request) => requireSession(sessions, request),
  };

  return {
    ...context,
    pendingPasswords: () => passwords.pending,
    async addRoutes(app) {
      await app.register(async (matrix) => {
        addLenientJsonParser(matrix);
        for (const add of routes) add(matrix, context);
      });
    },
    async sweepExpired() {
      return (await sessions.sweepExpired()) + (await registrationTokens.sweepExpired());
    },
  };
}

const routes = [
  addGetVersionsRoute,
  addGetWellknownRoute,
  addGetCapabilitiesRoute,
  addRegisterRoute,
  addCheckUsernameAvailabilityRoute,
  addRegistrationTokenValidityRoute,
  addLoginRoutes,
  addLogoutRoutes,
  addRefreshRoute,
  addGetTokenOwnerRoute,
  addChangePasswordRoute,
  addDeactivateAccountRoute,
];

async function requireSession(sessions: Sessions, request: FastifyRequest): Promise<Session> {
  const match = /^Bearer +([\x21-\x7e]{1,256})$/i.exec(request.headers.authorization ?? '');
  if (match?.[1] === undefined) throw new ApiError('M_MISSING_TOKEN', 'An access token is needed');
  const result = await sessions.authenticate(match[1]);
  if (result.ok) return result.session;
  throw new ApiError('M_UNKNOWN_TOKEN', 'The access token is unknown, expired or revoked', {
    fields: { soft_logout: result.softLogout },
  });
}
