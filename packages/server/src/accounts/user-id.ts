/** User ids and the names people type (Matrix v1.19, appendices, "User Identifiers"). */
import { base32Lower } from './opaque-token.ts';
import type { RandomSource } from '@conclave/platform';

/** A user id may have at most this many octets, sigil and server name included. */
const maxUserIdLength = 255;

export type ParseUsernameResult =
  | { readonly ok: true; readonly localpart: string }
  | { readonly ok: false; readonly reason: string };

/** A wished-for name as a localpart. Capitals become small, as the specification recommends. */
export function parseUsername(username: string, serverName: string): ParseUsernameResult {
  const localpart = username.toLowerCase();
  if (!/^[a-z0-9._=\-/+]+$/.test(localpart)) {
    return { ok: false, reason: 'A user name has one or more of the characters a-z 0-9 . _ = - / +' };
  }
  if (formatUserId(localpart, serverName).length > maxUserIdLength) {
    return { ok: false, reason: `The user id would be longer than ${maxUserIdLength} characters` };
  }
  return { ok: true, localpart };
}

/** The localpart meant by what somebody typed to log in: a name, or a whole user id of this server. */
export function localpartOfLogin(user: string, serverName: string): string | undefined {
  if (!user.startsWith('@')) return user.toLowerCase();
  const colon = user.indexOf(':');
  if (colon === -1 || user.slice(colon + 1) !== serverName) return undefined;
  return user.slice(1, colon).toLowerCase();
}

/** A name for those who wish none. */
export function generateLocalpart(random: RandomSource): string {
  return base32Lower(random.bytes(10));
}

export function formatUserId(localpart: string, serverName: string): string {
  return `@${localpart}:${serverName}`;
}
