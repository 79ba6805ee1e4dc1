/** Numbers that people compare over another channel: as 60 decimal digits in twelve groups of five. */
import { hkdf } from '@noble/hashes/hkdf.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { utf8 } from '../encoding/bytes.ts';

/** Whoever shows the same number is in the same epoch of the same group and holds the same keys. */
export function formatFingerprint(authenticator: Uint8Array): string {
  const bytes = hkdf(sha256, authenticator, undefined, utf8('conclave group fingerprint'), 96);
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  return Array.from({ length: 12 }, (_, group) =>
    (view.getBigUint64(group * 8) % 100_000n).toString().padStart(5, '0'),
  ).join(' ');
}
