/** Accounts: creating, proving, changing and ending them. Knows nothing of HTTP; the routes are thin above it. */
import { isUniqueViolation, type Clock, type RandomSource, type Store } from '@conclave/platform';
import { ApiError } from '../errors/api-error.ts';
import type { ServerDatabase } from '../schema/server-database.ts';
import { maxPasswordBytes, type PasswordHasher } from './password-hasher.ts';
import type { RegistrationTokens } from './registration-tokens.ts';
import type { IssuedTokens, OpenSessionRequest, Session, Sessions } from './sessions.ts';
import { formatUserId, generateLocalpart, parseUsername } from './user-id.ts';

export interface AccountsDeps {
  readonly store: Store<ServerDatabase>;
  readonly clock: Clock;
  readonly random: RandomSource;
  readonly passwords: PasswordHasher;
  readonly sessions: Sessions;
  readonly registrationTokens: RegistrationTokens;
  readonly serverName: string;
  readonly minPasswordLength: number;
}

export interface CreateAccountRequest {
  readonly username: string | undefined;
  readonly password: string;
  /** Counted in the same unit; undefined where registration is open. */
  readonly registrationToken: string | undefined;
  /** undefined: create the account without logging in. */
  readonly session: Omit<OpenSessionRequest, 'localpart'> | undefined;
}

export interface OpenedSession extends IssuedTokens {
  readonly userId: string;
  readonly deviceId: string;
}

export type CreateAccountResult =
  | { readonly ok: true; readonly userId: string; readonly session?: OpenedSession }
  /** The registration token was used up or revoked meanwhile. */
  | { readonly ok: false };

export type Accounts = ReturnType<typeof createAccounts>;

export function createAccounts(deps: AccountsDeps) {
  const { store, clock, random, passwords, sessions, registrationTokens, serverName } = deps;

  /** Throws {@link ApiError} `M_INVALID_USERNAME` or `M_USER_IN_USE`. Reserves nothing. */
  async function assertAvailable(username: string): Promise<void> {
    const localpart = requireUsername(username);
    const taken = await store.db
      .selectFrom('accounts')
      .select('localpart')
      .where('localpart', '=', localpart)
      .executeTakeFirst();
    if (taken !== undefined) throw userInUse();
  }

  function requireUsername(username: string): string {
    const parsed = parseUsername(username, serverName);
    if (!parsed.ok) throw new ApiError('M_INVALID_USERNAME', parsed.reason);
    return parsed.localpart;
  }

  /** Throws {@link ApiError} `M_WEAK_PASSWORD`. */
  function assertAcceptable(password: string): void {
    // Code points: an emoji is one character to whoever typed it.
    if (Array.from(password).length < deps.minPasswordLength) {
      throw new ApiError('M_WEAK_PASSWORD', `A password has at least ${deps.minPasswordLength} characters`);
    }
    if (Buffer.byteLength(password) > maxPasswordBytes) {
      throw new ApiError('M_WEAK_PASSWORD', `A password has at most ${maxPasswordBytes} octets`);
    }
  }

  /** Account, device, tokens and the count of the registration token: one unit. */
  async function create(request: CreateAccountRequest): Promise<CreateAccountResult> {
    const localpart =
      request.username === undefined ? generateLocalpart(random) : requireUsername(request.username);
    assertAcceptable(request.password);
    const passwordHash = await passwords.hash(request.password);
    const userId = formatUserId(localpart, serverName);
    try {
      return await store.write(async (trx): Promise<CreateAccountResult> => {
        const { registrationToken } = request;
        if (registrationToken !== undefined && !(await registrationTokens.use(trx, registrationToken))) {
          return { ok: false };
        }
        await trx
          .insertInto('accounts')
          .values({
            localpart,
            password_hash: passwordHash,
            created_at_ms: clock.nowMs(),
            deactivated_at_ms: null,
          })
          .execute();
        if (request.session === undefined) return { ok: true, userId };
        const opened = await sessions.open(trx, { localpart, ...request.session });
        return { ok: true, userId, session: { ...opened, userId } };
      });
    } catch (error) {
      // Somebody took the name since it was looked up. The unit is undone, the token's count included.
      if (isUniqueViolation(error)) throw userInUse();
      throw error;
    }
  }

  /**
   * Whether the password is that account's. Takes the same time for accounts that do not exist or are
   * deactivated, and answers false for them.
   */
  async function hasPassword(localpart: string | undefined, password: string): Promise<boolean> {
    const account =
      localpart === undefined
        ? undefined
        : await store.db
            .selectFrom('accounts')
            .select('password_hash')
            .where('localpart', '=', localpart)
            .executeTakeFirst();
    return passwords.verify(password, account?.password_hash ?? undefined);
  }

  /** For callers that have checked the password. Undefined when the account was deactivated meanwhile. */
  async function logIn(request: OpenSessionRequest): Promise<OpenedSession | undefined> {
    return store.write(async (trx) => {
      const account = await trx
        .selectFrom('accounts')
        .select('password_hash')
        .where('localpart', '=', request.localpart)
        .executeTakeFirst();
      if (account === undefined || account.password_hash === null) return undefined;
      const opened = await sessions.open(trx, request);
      return { ...opened, userId: formatUserId(request.localpart, serverName) };
    });
  }

  /** Keeps the calling device; ends the others when `logoutDevices`. */
  async function changePassword(
    session: Session,
    newPassword: string,
    logoutDevices: boolean,
  ): Promise<void> {
    assertAcceptable(newPassword);
    const passwordHash = await passwords.hash(newPassword);
    await store.write(async (trx) => {
      await trx
        .updateTable('accounts')
        .set({ password_hash: passwordHash })
        .where('localpart', '=', session.localpart)
        .where('deactivated_at_ms', 'is', null)
        .execute();
      if (logoutDevices) await sessions.closeAllDevices(trx, session.localpart, session.deviceId);
    });
  }

  /** Wipes the password, every device and every token. The name stays taken. False when there is no such account. */
  async function deactivate(localpart: string): Promise<boolean> {
    const nowMs = clock.nowMs();
    return store.write(async (trx) => {
      await sessions.closeAllDevices(trx, localpart);
      const result = await trx
        .updateTable('accounts')
        .set({ password_hash: null, deactivated_at_ms: nowMs })
        .where('localpart', '=', localpart)
        .where('deactivated_at_ms', 'is', null)
        .executeTakeFirst();
      return result.numUpdatedRows > 0n;
    });
  }

  return { assertAvailable, assertAcceptable, create, hasPassword, logIn, changePassword, deactivate };
}

function userInUse(): ApiError {
  return new ApiError('M_USER_IN_USE', 'This user name is taken');
}
