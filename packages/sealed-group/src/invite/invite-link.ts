/**
 * The link form of an invite, also for QR codes:
 *
 *     https://HOST/i#TRANSFER.SECRET
 *
 * Both parts are Crockford's base32: no letters that look alike, no difference between cases, so the fragment survives
 * being read aloud, and a QR encoder can put it into alphanumeric mode. SECRET is the 16-byte secret and four bytes of
 * checksum over everything: the store gives an invite once, so a damaged link has to be noticed *before* it is read.
 * The fragment never reaches a server.
 */
import { base32crockford, base64urlnopad } from '@scure/base';
import { equalBytes } from '@noble/ciphers/utils.js';
import { concatBytes } from '@noble/hashes/utils.js';
import { hashTuple } from '../hash/index.ts';
import type { Result } from '../result.ts';
import { accept, violation } from '../result.ts';
import { Secret } from '../schedule/secret.ts';
import { linkSecretBytes } from './sealed-invite.ts';

const checksumBytes = 4;
const minTransferIdBytes = 8;
const maxTransferIdBytes = 32;
const path = '/i';

export interface InviteLink {
  /** Scheme, host and port of the server whose store holds the invite: `https://chat.example`. */
  readonly serverOrigin: string;
  /** The store's id: base64url without padding, of 8 to 32 bytes. */
  readonly transferId: string;
  readonly secret: Secret;
}

/** Throws RangeError for an origin or id that are not of that form: they come from the caller's own server. */
export function formatInviteLink({ serverOrigin, transferId, secret }: InviteLink): string {
  const id = decodeOrUndefined(base64urlnopad, transferId);
  if (id === undefined || id.length < minTransferIdBytes || id.length > maxTransferIdBytes) {
    throw new RangeError('transfer id');
  }
  const origin = parseOrigin(serverOrigin)?.origin;
  if (origin === undefined) throw new RangeError('server origin');
  const checksum = linkChecksum(origin, id, secret.reveal());
  const key = concatBytes(secret.reveal(), checksum);
  const link = `${origin}${path}#${base32crockford.encode(id)}.${base32crockford.encode(key)}`;
  key.fill(0);
  return link;
}

/** From what someone pasted, scanned or typed. No detail of a violation holds a part of the link. */
export function parseInviteLink(text: string): Result<InviteLink> {
  const url = parseOrigin(text.trim());
  if (url === undefined || url.pathname.toLowerCase() !== path) return violation('invite/link-form');
  const [idText, keyText, ...rest] = url.hash.slice(1).split('.');
  if (idText === undefined || idText === '' || keyText === undefined || keyText === '') {
    return violation('invite/link-complete');
  }
  const id = decodeOrUndefined(base32crockford, idText);
  const key = decodeOrUndefined(base32crockford, keyText);
  if (rest.length > 0 || id === undefined || key === undefined)
    return violation('invite/link-checksum', 'letters');
  if (
    key.length !== linkSecretBytes + checksumBytes ||
    id.length < minTransferIdBytes ||
    id.length > maxTransferIdBytes
  ) {
    return violation('invite/link-checksum', 'length');
  }
  const secret = key.subarray(0, linkSecretBytes);
  const expected = linkChecksum(url.origin, id, secret);
  if (!equalBytes(expected, key.subarray(linkSecretBytes))) return violation('invite/link-checksum');
  const parsed = {
    serverOrigin: url.origin,
    transferId: base64urlnopad.encode(id),
    secret: Secret.copyOf(secret),
  };
  key.fill(0);
  return accept(parsed);
}

function linkChecksum(origin: string, id: Uint8Array, secret: Uint8Array): Uint8Array {
  return hashTuple('invite-link', new TextEncoder().encode(origin), id, secret).subarray(0, checksumBytes);
}

/** http is for a server on the own machine or in the own network: what travels over it is encrypted either way. */
function parseOrigin(text: string): URL | undefined {
  const url = URL.parse(text);
  return url?.protocol === 'https:' || url?.protocol === 'http:' ? url : undefined;
}

function decodeOrUndefined(
  coder: { decode(text: string): Uint8Array },
  text: string,
): Uint8Array | undefined {
  try {
    return coder.decode(text);
  } catch {
    // The library throws on foreign letters and stray bits: to us both are a damaged link.
    return undefined;
  }
}
