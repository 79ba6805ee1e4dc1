/**
 * What is kept of an account: no address, no time of last use, no client name beyond what the client gave.
 *
 * Tokens are kept as SHA-256 hashes only: they are random, so a plain hash cannot be reversed, and a stolen
 * database opens no session.
 */
export interface AccountTables {
  accounts: AccountsTable;
  devices: DevicesTable;
  token_pairs: TokenPairsTable;
  registration_tokens: RegistrationTokensTable;
}

export interface AccountsTable {
  /** The user id is `@localpart:serverName`. Kept after deactivation, so that nobody inherits the name. */
  localpart: string;
  /** Argon2id in PHC format; null once deactivated. */
  password_hash: string | null;
  created_at_ms: number;
  deactivated_at_ms: number | null;
}

export interface DevicesTable {
  localpart: string;
  device_id: string;
  display_name: string | null;
  created_at_ms: number;
}

/**
 * One issue of an access token, with the refresh token that came with it (none for clients that cannot refresh).
 *
 *     login ──▶ live ──refresh──▶ spent          fresh: issued by a refresh, not used yet
 *                 └──────────────▶ fresh ──first use──▶ live
 *
 * The parent becomes `spent` at the first use of its child, not before: an answer that was lost on the way can be
 * asked for again (Matrix v1.19, POST /refresh). A spent row stays, to recognise that its token is used again.
 */
export interface TokenPairsTable {
  pair_id: string;
  localpart: string;
  device_id: string;
  parent_pair_id: string | null;
  state: 'fresh' | 'live' | 'spent';
  access_hash: Uint8Array;
  /** null: until logout. */
  access_expires_at_ms: number | null;
  refresh_hash: Uint8Array | null;
  refresh_expires_at_ms: number | null;
}

export interface RegistrationTokensTable {
  /** For the operator's lists; opens nothing. */
  token_id: string;
  token_hash: Uint8Array;
  /** `first-account` tokens are printed at every start while there is no account. */
  purpose: 'operator' | 'first-account';
  uses: number;
  /** null: any number. */
  uses_allowed: number | null;
  created_at_ms: number;
  expires_at_ms: number | null;
}
