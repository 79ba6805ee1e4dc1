/**
 * Numbers that people compare over another channel, as 60 decimal digits in twelve groups of five (199 bits): enough that
 * even someone who may choose both sides cannot make two that agree.
 */
import { hashTuple } from '../hash/index.ts';
import type { EpochKeys } from '../schedule/epoch-keys.ts';
import { expandLabel } from '../schedule/expand-label.ts';
import { scheduleLabels } from '../schedule/labels.ts';

const groups = 12;
const bytesPerGroup = 8;
const digitsPerGroup = 5;

/** Whether everyone is in the same epoch of the same group: whoever computes this number has the same keys. */
export function formatAuthenticator(keys: EpochKeys): string {
  return formatDigits(hashTuple('authenticator-digits', keys.authenticator));
}

/** One person's number. */
export function formatIdentity(identityKey: Uint8Array): string {
  return formatDigits(hashTuple('identity-digits', identityKey));
}

/** The same number for both people, whoever computes it. */
export function formatSafetyNumber(one: Uint8Array, other: Uint8Array): string {
  const [first, second] = compareBytes(one, other) <= 0 ? [one, other] : [other, one];
  return formatDigits(hashTuple('pair-digits', first, second));
}

/** Each group is 64 bits modulo 100,000, its bias below 2^-47. */
function formatDigits(digest: Uint8Array): string {
  const bytes = expandLabel(digest, scheduleLabels.digits, [], groups * bytesPerGroup);
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const parts: string[] = [];
  for (let at = 0; at < groups; at++) {
    const number = view.getBigUint64(at * bytesPerGroup) % BigInt(10 ** digitsPerGroup);
    parts.push(number.toString().padStart(digitsPerGroup, '0'));
  }
  return parts.join(' ');
}

/** Of equal length. */
function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const at = a.findIndex((byte, i) => byte !== b[i]);
  return at === -1 ? 0 : a[at]! - b[at]!;
}
