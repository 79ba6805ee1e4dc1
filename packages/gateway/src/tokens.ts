/**
 * Connection and subscription tokens: HS256 JWTs with Centrifugo's claims, so that the same tokens open a
 * connection here and at a Centrifugo server that has the same key.
 *
 * Source: centrifugal.dev/docs/server/authentication and /channel_token_auth.
 */
import { createSecretKey, type KeyObject } from 'node:crypto';
import { errors, jwtVerify, SignJWT, type JWTPayload } from 'jose';
import type { Clock } from './deps.ts';
import { JsonPayload } from './json-payload.ts';

const ALGORITHM = 'HS256';
const MIN_KEY_BYTES = 32;

export interface ConnectionClaims {
  /** '' is an anonymous user. */
  readonly user: string;
  /** Unix milliseconds; 0 means never. */
  readonly expireAtMs: number;
  readonly info: JsonPayload | undefined;
  /** Server-side subscriptions, made on connect. */
  readonly channels: readonly string[];
}

export interface SubscriptionClaims {
  readonly user: string;
  readonly channel: string;
  /** When set, only this client id may use the token. */
  readonly client: string;
  readonly expireAtMs: number;
  readonly info: JsonPayload | undefined;
}

export type Verified<Claims> =
  | { readonly ok: true; readonly claims: Claims }
  | { readonly ok: false; readonly reason: 'expired' | 'invalid' };

export interface TokenVerifier {
  verifyConnection(token: string): Promise<Verified<ConnectionClaims>>;
  verifySubscription(token: string): Promise<Verified<SubscriptionClaims>>;
}

export interface TokenVerifierOptions {
  readonly tokenSecret: Uint8Array | KeyObject;
  readonly tokenAudience?: string;
  readonly tokenIssuer?: string;
}

/** Throws a `RangeError` when the key is shorter than the hash's output. */
export function createTokenVerifier(clock: Clock, options: TokenVerifierOptions): TokenVerifier {
  // A KeyObject: jose imports it once and remembers the result.
  const key = toKey(options.tokenSecret);

  async function verify<Claims>(
    token: string,
    read: (payload: JWTPayload) => Claims | undefined,
  ): Promise<Verified<Claims>> {
    try {
      const { payload } = await jwtVerify(token, key, {
        algorithms: [ALGORITHM],
        currentDate: new Date(clock.nowMs()),
        ...(options.tokenAudience === undefined ? {} : { audience: options.tokenAudience }),
        ...(options.tokenIssuer === undefined ? {} : { issuer: options.tokenIssuer }),
      });
      const claims = read(payload);
      return claims === undefined ? { ok: false, reason: 'invalid' } : { ok: true, claims };
    } catch (error) {
      if (error instanceof errors.JWTExpired) return { ok: false, reason: 'expired' };
      if (error instanceof errors.JOSEError || error instanceof TypeError)
        return { ok: false, reason: 'invalid' };
      throw error;
    }
  }

  return {
    verifyConnection: (token) => verify(token, readConnectionClaims),
    verifySubscription: (token) => verify(token, readSubscriptionClaims),
  };
}

function readConnectionClaims(payload: JWTPayload): ConnectionClaims | undefined {
  const user = payload.sub ?? '';
  const channels = payload['channels'] ?? [];
  const subs = payload['subs'] ?? {};
  if (typeof user !== 'string' || !isStringArray(channels)) return undefined;
  if (typeof subs !== 'object' || subs === null || Array.isArray(subs)) return undefined;
  return {
    user,
    expireAtMs: expiry(payload),
    info: readInfo(payload),
    channels: [...new Set([...channels, ...Object.keys(subs)])],
  };
}

function readSubscriptionClaims(payload: JWTPayload): SubscriptionClaims | undefined {
  const user = payload.sub ?? '';
  const channel = payload['channel'];
  const client = payload['client'] ?? '';
  if (typeof user !== 'string' || typeof channel !== 'string' || typeof client !== 'string') return undefined;
  return { user, channel, client, expireAtMs: expiry(payload), info: readInfo(payload) };
}

function expiry(payload: JWTPayload): number {
  return payload.exp === undefined ? 0 : payload.exp * 1000;
}

function readInfo(payload: JWTPayload): JsonPayload | undefined {
  return payload['info'] === undefined ? undefined : JsonPayload.fromValue(payload['info']);
}

function isStringArray(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string');
}

export interface IssueConnectionToken {
  readonly user: string;
  readonly expiresAtMs: number;
  readonly issuedAtMs?: number;
  /** Server-side subscriptions, for clients that cannot subscribe themselves (unidirectional SSE). */
  readonly channels?: readonly string[];
  readonly info?: unknown;
  readonly audience?: string;
  readonly issuer?: string;
}

export interface IssueSubscriptionToken {
  /** Must equal the user of the connection token. */
  readonly user: string;
  readonly channel: string;
  readonly expiresAtMs: number;
  readonly issuedAtMs?: number;
  readonly client?: string;
  readonly info?: unknown;
  readonly audience?: string;
  readonly issuer?: string;
}

/** Expiry and issue time are rounded down to whole seconds, as JWT has them. */
export async function issueConnectionToken(
  secret: Uint8Array | KeyObject,
  { channels, info, ...claims }: IssueConnectionToken,
): Promise<string> {
  return await sign(
    secret,
    { ...(channels && { channels: [...channels] }), ...(info === undefined ? {} : { info }) },
    claims,
  );
}

export async function issueSubscriptionToken(
  secret: Uint8Array | KeyObject,
  { channel, client, info, ...claims }: IssueSubscriptionToken,
): Promise<string> {
  return await sign(
    secret,
    { channel, ...(client && { client }), ...(info === undefined ? {} : { info }) },
    claims,
  );
}

async function sign(
  secret: Uint8Array | KeyObject,
  payload: JWTPayload,
  claims: Pick<IssueConnectionToken, 'user' | 'expiresAtMs' | 'issuedAtMs' | 'audience' | 'issuer'>,
): Promise<string> {
  const token = new SignJWT(payload)
    .setProtectedHeader({ alg: ALGORITHM, typ: 'JWT' })
    .setSubject(claims.user)
    .setExpirationTime(Math.floor(claims.expiresAtMs / 1000));
  if (claims.issuedAtMs !== undefined) token.setIssuedAt(Math.floor(claims.issuedAtMs / 1000));
  if (claims.audience !== undefined) token.setAudience(claims.audience);
  if (claims.issuer !== undefined) token.setIssuer(claims.issuer);
  return await token.sign(toKey(secret));
}

function toKey(secret: Uint8Array | KeyObject): KeyObject {
  const key = secret instanceof Uint8Array ? createSecretKey(secret) : secret;
  if ((key.symmetricKeySize ?? 0) < MIN_KEY_BYTES) {
    throw new RangeError(`a token key needs at least ${MIN_KEY_BYTES} bytes`);
  }
  return key;
}
