/**
 * The challenge that a reader signs (§7): made by the server, bound to origin and group, good for a minute. The server keeps
 * nothing; a signature made for one server, group or minute is worth nothing elsewhere [F4].
 */
import type { RandomSource } from '@conclave/ristretto';
import { concatBytes } from '@noble/hashes/utils.js';
import type { Result } from '../result.ts';
import { accept, violation } from '../result.ts';
import { uint64 } from '../schedule/index.ts';
import { appendMac, checkMac, readUint64 } from './server-mac.ts';

export const maxChallengeMs = 60_000;
/**
 * By how much the clock of the process that made a challenge may be ahead of the one that checks it. Several processes are one
 * server, and no two clocks agree to the millisecond.
 */
export const maxServerSkewMs = 60_000;
const nonceBytes = 16;
const fieldsBytes = 8 + nonceBytes;

export interface ChallengeScope {
  /** The server's MAC key. */
  readonly key: Uint8Array;
  readonly origin: string;
  readonly groupId: Uint8Array;
  readonly nowMs: number;
}

/** 56 bytes: expiry, nonce, MAC. Unknown groups get one like any other. */
export function issueChallenge(scope: ChallengeScope & { readonly random: RandomSource }): {
  readonly challenge: Uint8Array;
  readonly expiresAtMs: number;
} {
  const expiresAtMs = scope.nowMs + maxChallengeMs;
  const fields = concatBytes(uint64(expiresAtMs), scope.random.bytes(nonceBytes));
  return { challenge: appendMac({ ...scope, label: 'read-challenge', fields }), expiresAtMs };
}

export function checkChallenge(scope: ChallengeScope, challenge: Uint8Array): Result<void> {
  const fields = checkMac({ ...scope, label: 'read-challenge' }, challenge, fieldsBytes);
  if (fields === undefined) return violation('read/challenge');
  const expiresAtMs = readUint64(fields, 0);
  const lives = scope.nowMs < expiresAtMs && expiresAtMs <= scope.nowMs + maxChallengeMs + maxServerSkewMs;
  return lives ? accept(undefined) : violation('read/challenge');
}
