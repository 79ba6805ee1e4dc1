/**
 * Registration tokens (Matrix v1.19, "Token-authenticated registration"). Kept as hashes: a token is shown once,
 * when it is made. While there is no account there is one for the first account; it follows from the installation's root key, so
 * that every process shows the same one.
 */
import type { Transaction } from 'kysely';
import type { Clock, RandomSource, Store } from '@conclave/platform';
import type { ServerDatabase } from '../schema/server-database.ts';
import { base32Lower, createToken, hashToken } from './opaque-token.ts';

export interface CreateRegistrationToken {
  /** null: any number of accounts. */
  readonly usesAllowed: number | null;
  /** null: until revoked. */
  readonly lifetimeMs: number | null;
}

/** What the operator sees of a token; the token itself cannot be shown again. */
export interface RegistrationTokenSummary {
  readonly id: string;
  readonly purpose: 'operator' | 'first-account';
  readonly uses: number;
  readonly usesAllowed: number | null;
  readonly createdAtMs: number;
  readonly expiresAtMs: number | null;
}

export interface RegistrationTokensDeps {
  readonly store: Store<ServerDatabase>;
  readonly clock: Clock;
  readonly random: RandomSource;
  /** Of which the token for the first account is made; 15 octets or more. */
  readonly firstAccountKey: Uint8Array;
}

type Unit = Transaction<ServerDatabase>;
export type RegistrationTokens = ReturnType<typeof createRegistrationTokens>;

export function createRegistrationTokens(deps: RegistrationTokensDeps) {
  const { store, clock, random } = deps;
  const firstAccountToken = createToken('registration', {
    bytes: (length) => deps.firstAccountKey.slice(0, length),
  });

  async function insert(
    trx: Unit,
    purpose: 'operator' | 'first-account',
    request: CreateRegistrationToken,
    token = createToken('registration', random),
  ) {
    const id = base32Lower(random.bytes(5));
    const nowMs = clock.nowMs();
    await trx
      .insertInto('registration_tokens')
      .values({
        token_id: id,
        token_hash: hashToken(token),
        purpose,
        uses: 0,
        uses_allowed: request.usesAllowed,
        created_at_ms: nowMs,
        expires_at_ms: request.lifetimeMs === null ? null : nowMs + request.lifetimeMs,
      })
      .execute();
    return { id, token };
  }

  return {
    /** Resolves with the token itself: the only time that it can be seen. */
    create(request: CreateRegistrationToken): Promise<{ id: string; token: string }> {
      return store.write((trx) => insert(trx, 'operator', request));
    },

    /** The token for the first account, or undefined when there is an account already. */
    offerFirstAccountToken(): Promise<string | undefined> {
      return store.write(async (trx) => {
        const hash = hashToken(firstAccountToken);
        const isAccount = await trx.selectFrom('accounts').select('localpart').limit(1).executeTakeFirst();
        // Those of another root key, and all of them once there is an account.
        const stale = trx.deleteFrom('registration_tokens').where('purpose', '=', 'first-account');
        await (isAccount === undefined ? stale.where('token_hash', '!=', hash) : stale).execute();
        if (isAccount !== undefined) return undefined;
        const known = await trx
          .selectFrom('registration_tokens')
          .select('token_id')
          .where('token_hash', '=', hash)
          .executeTakeFirst();
        if (known === undefined) {
          await insert(trx, 'first-account', { usesAllowed: 1, lifetimeMs: null }, firstAccountToken);
        }
        return firstAccountToken;
      });
    },

    async isValid(token: string): Promise<boolean> {
      const row = await store.db
        .selectFrom('registration_tokens')
        .select(['uses', 'uses_allowed', 'expires_at_ms'])
        .where('token_hash', '=', hashToken(token))
        .executeTakeFirst();
      if (row === undefined) return false;
      if (row.expires_at_ms !== null && row.expires_at_ms <= clock.nowMs()) return false;
      return row.uses_allowed === null || row.uses < row.uses_allowed;
    },

    /** Counts one use in the unit that creates the account. False when the token is not valid (any more). */
    async use(trx: Unit, token: string): Promise<boolean> {
      const nowMs = clock.nowMs();
      const result = await trx
        .updateTable('registration_tokens')
        .set((eb) => ({ uses: eb('uses', '+', 1) }))
        .where('token_hash', '=', hashToken(token))
        .where((eb) => eb.or([eb('expires_at_ms', 'is', null), eb('expires_at_ms', '>', nowMs)]))
        .where((eb) => eb.or([eb('uses_allowed', 'is', null), eb('uses', '<', eb.ref('uses_allowed'))]))
        .executeTakeFirst();
      return result.numUpdatedRows > 0n;
    },

    async list(): Promise<RegistrationTokenSummary[]> {
      const rows = await store.db
        .selectFrom('registration_tokens')
        .selectAll()
        .orderBy('created_at_ms')
        .execute();
      return rows.map((row) => ({
        id: row.token_id,
        purpose: row.purpose,
        uses: row.uses,
        usesAllowed: row.uses_allowed,
        createdAtMs: row.created_at_ms,
        expiresAtMs: row.expires_at_ms,
      }));
    },

    /** False when there is no token with this id. */
    async revoke(id: string): Promise<boolean> {
      return store.write(async (trx) => {
        const result = await trx
          .deleteFrom('registration_tokens')
          .where('token_id', '=', id)
          .executeTakeFirst();
        return result.numDeletedRows > 0n;
      });
    },

    /** Deletes what has expired. */
    async sweepExpired(): Promise<number> {
      const nowMs = clock.nowMs();
      return store.write(async (trx) => {
        const result = await trx
          .deleteFrom('registration_tokens')
          .where('expires_at_ms', '<=', nowMs)
          .executeTakeFirst();
        return Number(result.numDeletedRows);
      });
    },
  };
}
