/**
 * Random tokens and ids. A token says nothing by itself; the database knows it by its hash only.
 * The prefixes let secret scanners recognise a leaked token.
 */
import { createHash } from 'node:crypto';
import type { RandomSource } from '@conclave/platform';

export type TokenKind = 'access' | 'refresh' | 'registration';

const prefixByKind = { access: 'cncl_at_', refresh: 'cncl_rt_' } as const;

/** 256 random bits for sessions; 120 for registration tokens, which people copy by hand. */
export function createToken(kind: TokenKind, random: RandomSource): string {
  if (kind === 'registration') {
    const text = base32Lower(random.bytes(15));
    return text.match(/.{6}/g)?.join('-') ?? text;
  }
  return prefixByKind[kind] + Buffer.from(random.bytes(32)).toString('base64url');
}

/** SHA-256: enough for a secret of 120 random bits or more. */
export function hashToken(token: string): Uint8Array {
  return new Uint8Array(createHash('sha256').update(token, 'utf8').digest());
}

/** RFC 4648 base32 alphabet in small letters, without padding; for lengths that are multiples of 5. */
export function base32Lower(bytes: Uint8Array): string {
  const alphabet = 'abcdefghijklmnopqrstuvwxyz234567';
  let text = '';
  let bits = 0;
  let buffer = 0;
  for (const byte of bytes) {
    buffer = (buffer << 8) | byte;
    bits += 8;
    while (bits >= 5) {
      bits -= 5;
      text += alphabet[(buffer >> bits) & 31];
    }
    buffer &= (1 << bits) - 1;
  }
  return text;
}
