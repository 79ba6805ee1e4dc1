/** vectors/reading.json by hand (docs/sealed-groups.md §7). */
import { describe, expect, it } from 'vitest';
import { flipBit } from '../vectors/flip-bit.ts';
import type { ReadingVectors } from '../vectors/reading-vectors.ts';
import { readVectors } from '../vectors/write-vectors.ts';
import {
  bytes,
  contextOf,
  hashTuple,
  hex,
  hmac,
  publicKeyOf,
  schnorrHolds,
  u64,
  utf8,
} from './primitives.ts';

const vectors = readVectors('reading.json') as ReadingVectors;
const groupId = bytes(vectors.groupId);
const macOf = (key: string, label: string, fields: Uint8Array) =>
  hmac(bytes(key), hashTuple(label, utf8(vectors.origin), groupId, fields));

describe('a second reading', () => {
  it('of the challenge: expiry, nonce, MAC', () => {
    const challenge = bytes(vectors.challenge);
    expect(challenge.length).toBe(56);
    expect(hex(challenge.subarray(0, 8))).toBe(hex(u64(vectors.challengeExpiresAtMs)));
    const fields = challenge.subarray(0, 24);
    expect(hex(challenge.subarray(24))).toBe(hex(macOf(vectors.challengeKey, 'read-challenge', fields)));
  });

  it('of the token: epoch, expiry, MAC', () => {
    const { epoch, expiresAtMs } = vectors.tokenContent;
    const fields = Buffer.concat([u64(epoch), u64(expiresAtMs)]);
    expect(vectors.token).toBe(hex(Buffer.concat([fields, macOf(vectors.tokenKey, 'read-token', fields)])));
  });

  it('of what is signed to read and to store a blob', () => {
    const { read, blob, node, challenge } = vectors;
    const publicKey = bytes(node.publicKey);
    expect(hex(publicKeyOf(bytes(node.secret)))).toBe(node.publicKey);
    const readContext = Buffer.concat([contextOf(vectors.origin, groupId, 0), bytes(challenge)]);
    expect(read.context).toBe(hex(readContext));
    const blobContext = Buffer.concat([
      contextOf(vectors.origin, groupId, blob.epoch),
      hashTuple('blob', bytes(blob.blobId), u64(blob.sizeBytes), bytes(blob.sha256)),
    ]);
    expect(blob.context).toBe(hex(blobContext));
    for (const [purpose, context, text] of [
      ['read', readContext, read.signature],
      ['blob', blobContext, blob.signature],
    ] as const) {
      const said = { purpose, context, publicKey, signature: bytes(text) };
      expect(schnorrHolds(said)).toBe(true);
      expect(schnorrHolds({ ...said, context: flipBit(context, 300) })).toBe(false);
      expect(schnorrHolds({ ...said, signature: flipBit(said.signature, 256) })).toBe(false);
      expect(schnorrHolds({ ...said, purpose: 'message' })).toBe(false);
    }
  });
});
