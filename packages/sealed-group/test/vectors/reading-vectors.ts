/**
 * Known answers for proofs of membership and of blobs (docs/sealed-groups.md §7): challenge, read token, and the octets that
 * are signed. All bytes are hexadecimal. `checkReadingVectors` reads them with this package, in Node and in the browser.
 */
import { bytesToHex as hex, concatBytes, hexToBytes } from '@noble/hashes/utils.js';
import { encodeContext, verifyClaimsOfOne } from '../../src/commit/index.ts';
import type { Claim, GroupHead } from '../../src/commit/index.ts';
import { hashTuple, hedgedScalar } from '../../src/hash/index.ts';
import {
  blobClaim,
  checkChallenge,
  checkReadToken,
  issueChallenge,
  issueReadToken,
  readClaim,
  signBlob,
  signChallenge,
} from '../../src/read/index.ts';
import type { Result } from '../../src/result.ts';
import { accept } from '../../src/result.ts';
import { uint64 } from '../../src/schedule/uint64.ts';
import type { SecretScalar } from '../../src/signature/keys.ts';
import { parsePublicKey, publicKeyOf } from '../../src/signature/keys.ts';
import { createSuite } from '../../src/suite.ts';
import { seededRandom } from '../schedule/seeded-random.ts';
import type { RefusedFlip } from './flip-bit.ts';
import { flipBit } from './flip-bit.ts';
import { expectRule } from './identity-vectors.ts';

const suite = createSuite();
const origin = 'https://chat.example';

export interface ReadingVectors {
  readonly description: string;
  readonly origin: string;
  readonly groupId: string;
  /** The server's clock. */
  readonly nowMs: number;
  readonly challengeKey: string;
  readonly challenge: string;
  readonly challengeExpiresAtMs: number;
  readonly node: { readonly secret: string; readonly publicKey: string };
  readonly read: { readonly context: string; readonly signature: string };
  readonly tokenKey: string;
  readonly token: string;
  readonly tokenContent: { readonly epoch: number; readonly expiresAtMs: number };
  readonly blob: {
    readonly epoch: number;
    readonly blobId: string;
    readonly sizeBytes: number;
    readonly sha256: string;
    readonly context: string;
    readonly signature: string;
  };
  readonly refused: readonly RefusedFlip[];
}

export function readingVectors(): ReadingVectors {
  const random = seededRandom('reading');
  const groupId = random.bytes(16);
  const nowMs = 1_800_000_000_000;
  const [challengeKey, tokenKey] = [random.bytes(32), random.bytes(32)];
  const hedge = { secret: random.bytes(32), random, context: new Uint8Array(0) };
  const secret = hedgedScalar(suite, 'test node', hedge, 0) as SecretScalar;
  const publicKey = publicKeyOf(suite, secret);
  const issued = issueChallenge({ key: challengeKey, origin, groupId, nowMs, random });
  const { challenge } = issued;
  const tokenContent = { epoch: 12, expiresAtMs: nowMs + 600_000 };
  const blob = { blobId: random.bytes(16), sizeBytes: 70_016, sha256: random.bytes(32) };
  const source = { origin, groupId, epoch: 12 };
  return {
    description:
      'A challenge, a signature over it by a node, the token that it buys, and the proof for a blob by the same key as epoch key. context: what the Schnorr signatures of purpose "read" and "blob" are over. refused: one bit of a part is changed.',
    origin,
    groupId: hex(groupId),
    nowMs,
    challengeKey: hex(challengeKey),
    challenge: hex(challenge),
    challengeExpiresAtMs: issued.expiresAtMs,
    node: { secret: hex(secret), publicKey: hex(publicKey) },
    read: {
      context: hex(concatBytes(encodeContext({ origin, groupId, epoch: 0 }), challenge)),
      signature: hex(signChallenge(suite, { origin, groupId, challenge, secret, publicKey, hedge })),
    },
    tokenKey: hex(tokenKey),
    token: hex(issueReadToken({ key: tokenKey, origin, groupId }, tokenContent)),
    tokenContent,
    blob: {
      epoch: source.epoch,
      blobId: hex(blob.blobId),
      sizeBytes: blob.sizeBytes,
      sha256: hex(blob.sha256),
      context: hex(
        concatBytes(
          encodeContext(source),
          hashTuple('blob', blob.blobId, uint64(blob.sizeBytes), blob.sha256),
        ),
      ),
      signature: hex(signBlob(suite, { source, blob, secret, publicKey, hedge })),
    },
    refused: [
      { part: 'challenge', bit: 63, rule: 'read/challenge' },
      { part: 'challenge', bit: 447, rule: 'read/challenge' },
      { part: 'signed challenge', bit: 100, rule: 'read/proof' },
      { part: 'read signature', bit: 256, rule: 'read/proof' },
      { part: 'token', bit: 56, rule: 'read/token' },
      { part: 'token', bit: 383, rule: 'read/token' },
      { part: 'blob id', bit: 0, rule: 'read/blob-proof' },
      { part: 'blob sha256', bit: 9, rule: 'read/blob-proof' },
      { part: 'blob signature', bit: 256, rule: 'read/blob-proof' },
    ],
  };
}

/** Throws unless this package reads the vectors as they are meant, and refuses what it is meant to refuse. */
export function checkReadingVectors(vectors: ReadingVectors): void {
  const { blob, nowMs } = vectors;
  const scope = { origin: vectors.origin, groupId: hexToBytes(vectors.groupId) };
  const publicKey = parsePublicKey(suite, hexToBytes(vectors.node.publicKey))!;
  const parts: Record<string, Uint8Array> = {
    challenge: hexToBytes(vectors.challenge),
    'signed challenge': hexToBytes(vectors.challenge),
    'read signature': hexToBytes(vectors.read.signature),
    token: hexToBytes(vectors.token),
    'blob id': hexToBytes(blob.blobId),
    'blob sha256': hexToBytes(blob.sha256),
    'blob signature': hexToBytes(blob.signature),
  };
  const challengeKey = hexToBytes(vectors.challengeKey);
  const tokenKey = hexToBytes(vectors.tokenKey);
  const holds = (claim: Claim): Result<void> =>
    verifyClaimsOfOne({ suite, random: seededRandom('verifier') }, [claim]) ?? accept(undefined);
  const blobHolds = (of: typeof parts): Result<void> => {
    const head = { ...scope, epochKeys: [{ epoch: blob.epoch, publicKey }] } as unknown as GroupHead;
    const claim = blobClaim(head, {
      epoch: blob.epoch,
      blob: { blobId: of['blob id']!, sizeBytes: blob.sizeBytes, sha256: of['blob sha256']! },
      signature: of['blob signature']!,
    });
    return claim.ok ? holds(claim.value) : claim;
  };
  const check = (part: string, of: typeof parts): Result<unknown> => {
    if (part === 'challenge') return checkChallenge({ ...scope, key: challengeKey, nowMs }, of['challenge']!);
    if (part === 'token') {
      const lastRemovalEpoch = vectors.tokenContent.epoch;
      return checkReadToken({ ...scope, key: tokenKey }, of['token']!, { nowMs, lastRemovalEpoch });
    }
    if (part.startsWith('blob')) return blobHolds(of);
    const signature = of['read signature']!;
    return holds(readClaim(scope, { challenge: of['signed challenge']!, publicKey, signature }));
  };
  for (const part of Object.keys(parts)) expectRule(check(part, parts), 'accepted');
  for (const { part, bit, rule } of vectors.refused) {
    expectRule(check(part, { ...parts, [part]: flipBit(parts[part]!, bit) }), rule);
  }
}
