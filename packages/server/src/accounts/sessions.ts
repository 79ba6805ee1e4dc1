/**
 * Devices and their tokens: issuing, recognising, refreshing, revoking. The states of a token pair are drawn in
 * ./account-tables.ts.
 *
 * Refreshing (Matrix v1.19, POST /refresh): the old refresh token stays valid until the new access or refresh
 * token is used. A refresh token that is used after that is in two hands, so every token of the device is
 * revoked; the device itself stays, and its owner logs in again (soft logout).
 */
import type { Transaction } from 'kysely';
import type { Clock, RandomSource, Store } from '@conclave/platform';
import type { ServerDatabase } from '../schema/server-database.ts';
import type { TokenPairsTable } from './account-tables.ts';
import { base32Lower, createToken, hashToken } from './opaque-token.ts';

/** Whom a request comes from. */
export interface Session {
  readonly localpart: string;
  readonly userId: string;
  readonly deviceId: string;
}

export type AuthenticateResult =
  | { readonly ok: true; readonly session: Session }
  /** `softLogout`: the device still exists; a refresh or a new login with its id continues it. */
  | { readonly ok: false; readonly softLogout: boolean };

export interface IssuedTokens {
  readonly accessToken: string;
  readonly refreshToken?: string;
  readonly expiresInMs?: number;
}

export type RefreshResult =
  | { readonly ok: true; readonly tokens: IssuedTokens }
  | { readonly ok: false; readonly reused: boolean };

export interface OpenSessionRequest {
  readonly localpart: string;
  readonly deviceId: string | undefined;
  readonly displayName: string | undefined;
  /** Whether the client said that it can refresh; only then do its access tokens expire. */
  readonly refreshable: boolean;
}

export interface SessionsDeps {
  readonly store: Store<ServerDatabase>;
  readonly clock: Clock;
  readonly random: RandomSource;
  readonly formatUserId: (localpart: string) => string;
  readonly accessTokenLifetimeMs: number;
  readonly refreshTokenLifetimeMs: number;
}

type Unit = Transaction<ServerDatabase>;
export type Sessions = ReturnType<typeof createSessions>;

export function createSessions(deps: SessionsDeps) {
  const { store, clock, random } = deps;

  /** Creates the device if it is new and replaces whatever tokens it had. Part of the caller's unit. */
  async function open(trx: Unit, request: OpenSessionRequest): Promise<IssuedTokens & { deviceId: string }> {
    const { localpart } = request;
    const deviceId = request.deviceId ?? base32Lower(random.bytes(10)).toUpperCase();
    await trx
      .insertInto('devices')
      .values({
        localpart,
        device_id: deviceId,
        display_name: request.displayName ?? null,
        created_at_ms: clock.nowMs(),
      })
      .onConflict((conflict) => conflict.columns(['localpart', 'device_id']).doNothing())
      .execute();
    await revokeTokens(trx, localpart, deviceId);
    const tokens = await issue(trx, { localpart, device_id: deviceId }, undefined, request.refreshable);
    return { ...tokens, deviceId };
  }

  async function issue(
    trx: Unit,
    device: Pick<TokenPairsTable, 'localpart' | 'device_id'>,
    parentPairId: string | undefined,
    refreshable: boolean,
  ): Promise<IssuedTokens> {
    const nowMs = clock.nowMs();
    const accessToken = createToken('access', random);
    const refreshToken = refreshable ? createToken('refresh', random) : undefined;
    await trx
      .insertInto('token_pairs')
      .values({
        pair_id: Buffer.from(random.bytes(16)).toString('base64url'),
        localpart: device.localpart,
        device_id: device.device_id,
        parent_pair_id: parentPairId ?? null,
        state: parentPairId === undefined ? 'live' : 'fresh',
        access_hash: hashToken(accessToken),
        access_expires_at_ms: refreshable ? nowMs + deps.accessTokenLifetimeMs : null,
        refresh_hash: refreshToken === undefined ? null : hashToken(refreshToken),
        refresh_expires_at_ms: refreshable ? nowMs + deps.refreshTokenLifetimeMs : null,
      })
      .execute();
    return refreshToken === undefined
      ? { accessToken }
      : { accessToken, refreshToken, expiresInMs: deps.accessTokenLifetimeMs };
  }

  /** The first use of a refreshed pair is what retires its parent, access token included. */
  async function confirm(
    trx: Unit,
    pair: Pick<TokenPairsTable, 'pair_id' | 'parent_pair_id'>,
  ): Promise<void> {
    if (pair.parent_pair_id === null) return;
    await trx
      .updateTable('token_pairs')
      .set({ state: 'spent' })
      .where('pair_id', '=', pair.parent_pair_id)
      .execute();
    await trx
      .updateTable('token_pairs')
      .set({ state: 'live' })
      .where('pair_id', '=', pair.pair_id)
      .where('state', '=', 'fresh')
      .execute();
  }

  /** Whom an access token belongs to. Unknown, expired and superseded are values. */
  async function authenticate(accessToken: string): Promise<AuthenticateResult> {
    const accessHash = hashToken(accessToken);
    const pair = await store.db
      .selectFrom('token_pairs')
      .select(['pair_id', 'parent_pair_id', 'localpart', 'device_id', 'state', 'access_expires_at_ms'])
      .where('access_hash', '=', accessHash)
      .executeTakeFirst();
    if (pair === undefined) return { ok: false, softLogout: false };
    if (pair.state === 'spent') return { ok: false, softLogout: true };
    if (pair.access_expires_at_ms !== null && pair.access_expires_at_ms <= clock.nowMs()) {
      return { ok: false, softLogout: true };
    }
    if (pair.state === 'fresh') {
      // Between the read and this unit a second refresh may have replaced the pair, or a logout removed it.
      const confirmed = await store.write(async (trx) => {
        const current = await trx
          .selectFrom('token_pairs')
          .select('state')
          .where('pair_id', '=', pair.pair_id)
          .executeTakeFirst();
        if (current === undefined || current.state === 'spent') return false;
        await confirm(trx, pair);
        return true;
      });
      if (!confirmed) return { ok: false, softLogout: true };
    }
    const { localpart } = pair;
    return {
      ok: true,
      session: { localpart, userId: deps.formatUserId(localpart), deviceId: pair.device_id },
    };
  }

  function refresh(refreshToken: string): Promise<RefreshResult> {
    const refreshHash = hashToken(refreshToken);
    return store.write(async (trx): Promise<RefreshResult> => {
      const pair = await trx
        .selectFrom('token_pairs')
        .selectAll()
        .where('refresh_hash', '=', refreshHash)
        .executeTakeFirst();
      if (pair === undefined) return { ok: false, reused: false };
      if (pair.state === 'spent') {
        await revokeTokens(trx, pair.localpart, pair.device_id);
        return { ok: false, reused: true };
      }
      if (pair.refresh_expires_at_ms !== null && pair.refresh_expires_at_ms <= clock.nowMs()) {
        return { ok: false, reused: false };
      }
      if (pair.state === 'fresh') await confirm(trx, pair);
      // An earlier answer to this same request was lost: what it carried was never used and is replaced.
      await trx
        .deleteFrom('token_pairs')
        .where('parent_pair_id', '=', pair.pair_id)
        .where('state', '=', 'fresh')
        .execute();
      return { ok: true, tokens: await issue(trx, pair, pair.pair_id, true) };
    });
  }

  /** Revokes the tokens of one device, or of all devices of the account. */
  async function revokeTokens(trx: Unit, localpart: string, deviceId?: string): Promise<void> {
    const ofAccount = trx.deleteFrom('token_pairs').where('localpart', '=', localpart);
    await (deviceId === undefined ? ofAccount : ofAccount.where('device_id', '=', deviceId)).execute();
  }

  /** Ends one device: its tokens and itself. */
  async function closeDevice(trx: Unit, { localpart, deviceId }: Session): Promise<void> {
    await revokeTokens(trx, localpart, deviceId);
    await trx
      .deleteFrom('devices')
      .where('localpart', '=', localpart)
      .where('device_id', '=', deviceId)
      .execute();
  }

  /** Ends every device of the account, except the one given. */
  async function closeAllDevices(trx: Unit, localpart: string, exceptDeviceId?: string): Promise<void> {
    const keep = exceptDeviceId ?? '';
    await trx
      .deleteFrom('token_pairs')
      .where('localpart', '=', localpart)
      .where('device_id', '!=', keep)
      .execute();
    await trx
      .deleteFrom('devices')
      .where('localpart', '=', localpart)
      .where('device_id', '!=', keep)
      .execute();
  }

  /** Deletes pairs whose refresh token has expired: neither of their tokens can be used, or misused, again. */
  async function sweepExpired(): Promise<number> {
    const nowMs = clock.nowMs();
    return store.write(async (trx) => {
      const result = await trx
        .deleteFrom('token_pairs')
        .where('refresh_expires_at_ms', '<=', nowMs)
        .executeTakeFirst();
      return Number(result.numDeletedRows);
    });
  }

  return { open, authenticate, refresh, closeDevice, closeAllDevices, sweepExpired };
}
