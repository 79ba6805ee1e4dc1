/** vectors/identity.json by hand (docs/sealed-groups.md §8.2, §8.4, §6.6). */
import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { flipBit } from '../vectors/flip-bit.ts';
import type { IdentityVectors } from '../vectors/identity-vectors.ts';
import { readVectors } from '../vectors/write-vectors.ts';
import { epochOf } from './epoch.ts';
import { readFields } from './fields.ts';
import {
  bytes,
  ed25519Holds,
  ed25519PublicKey,
  expand,
  hashTuple,
  hex,
  openAead,
  publicKeyOf,
  schnorrHolds,
  u32,
  u64,
  unpad,
  utf8,
} from './primitives.ts';

const vectors = readVectors('identity.json') as IdentityVectors;
const groupId = bytes(vectors.groupId);

/** Form and both signatures of an encoded entry; undefined if one does not hold. */
function readEntry(encoded: Uint8Array) {
  const entry = readFields(encoded);
  const [leafKey, signingKey, identityKey] = [entry.octets(3), entry.octets(4), entry.octets(5)];
  const picture = entry.has(8) ? readFields(entry.octets(8)) : undefined;
  const digest = hashTuple(
    'identity-entry',
    u32(1),
    utf8(vectors.origin),
    groupId,
    u32(entry.value(1)),
    u64(entry.value(2)),
    leafKey,
    signingKey,
    identityKey,
    entry.octets(6),
    entry.octets(7),
    ...(picture === undefined ? [] : [picture.octets(1), picture.octets(2), picture.octets(3)]),
  );
  const said = { purpose: 'identity', context: digest, publicKey: leafKey, signature: entry.octets(10) };
  if (!ed25519Holds(identityKey, digest, entry.octets(9))) return 'identity/entry-identity-signature';
  if (!schnorrHolds(said)) return 'identity/entry-leaf-signature';
  return {
    leaf: entry.value(1),
    leafEpoch: entry.value(2),
    leafKey: hex(leafKey),
    signingKey: hex(signingKey),
    identityKey: hex(identityKey),
    name: entry.octets(6).toString(),
    deviceName: entry.octets(7).toString(),
    picture:
      picture === undefined
        ? null
        : { blobId: hex(picture.octets(1)), key: hex(picture.octets(2)), sha256: hex(picture.octets(3)) },
    digest: hex(digest),
  };
}

describe('a second reading', () => {
  it('of identity entries: fields, digest and both signatures', () => {
    for (const vector of vectors.entries) {
      const { leafSecret, signingSeed, identitySeed, encoded, refused: _refused, ...said } = vector;
      expect(readEntry(bytes(encoded))).toEqual(said);
      expect(hex(publicKeyOf(bytes(leafSecret)))).toBe(vector.leafKey);
      expect(hex(ed25519PublicKey(bytes(signingSeed)))).toBe(vector.signingKey);
      expect(hex(ed25519PublicKey(bytes(identitySeed)))).toBe(vector.identityKey);
    }
  });

  it('refuses a changed bit by the same rule, but for what only the tree tells', () => {
    const byTree = 'identity/entry-leaf';
    for (const { encoded, refused } of vectors.entries) {
      for (const { bit, rule } of refused.filter((flip) => flip.rule !== byTree)) {
        expect(readEntry(flipBit(bytes(encoded), bit))).toBe(rule);
      }
    }
  });

  it('opens the roster snapshot and finds the entries and the profile', () => {
    const { epoch, key, sha256, sealed, profile } = vectors.snapshot;
    expect(createHash('sha256').update(bytes(sealed)).digest('hex')).toBe(sha256);
    const cipher = {
      key: expand(bytes(key), 'snapshot-key', [], 32),
      nonce: expand(bytes(key), 'snapshot-nonce', [], 12),
      aad: hashTuple('roster-snapshot', groupId, u64(epoch)),
    };
    const snapshot = readFields(unpad(openAead('aes-256-gcm', cipher, bytes(sealed)), 256));
    expect(hex(snapshot.octets(1))).toBe(vectors.groupId);
    expect(snapshot.value(2)).toBe(epoch);
    expect(snapshot.all(3).map(hex)).toEqual(vectors.entries.map(({ encoded }) => encoded));
    const said = readFields(snapshot.octets(4));
    expect({ name: said.octets(1).toString(), description: said.octets(2).toString() }).toEqual(profile);
    expect(() => openAead('aes-256-gcm', cipher, flipBit(bytes(sealed), 77))).toThrow(/authenticate/);
  });

  it('opens the payload of a commit', () => {
    const { payload } = vectors;
    const open = (sealed: Uint8Array, treeHash: Uint8Array) => {
      const epoch = epochOf({
        origin: vectors.origin,
        groupId,
        mode: payload.mode,
        epoch: payload.epoch,
        chain: bytes(payload.chain),
        headSecret: bytes(payload.headSecret),
        treeHash,
        confirmedTranscript: bytes(payload.confirmedTranscript),
      });
      const bodyHash = bytes(payload.bodyHash);
      const cipher = {
        key: expand(epoch.derive('payload'), 'payload-seal-key', [bodyHash], 32),
        nonce: expand(epoch.derive('payload'), 'payload-seal-nonce', [bodyHash], 12),
        aad: hashTuple('payload-additional-data', epoch.context, bodyHash),
      };
      return readFields(unpad(openAead('aes-256-gcm', cipher, sealed), 1024));
    };
    const opened = open(bytes(payload.sealed), bytes(payload.treeHash));
    expect([opened.octets(1), ...opened.all(2)].map(hex)).toEqual(
      vectors.entries.map(({ encoded }) => encoded),
    );
    expect(readFields(opened.octets(3)).octets(1).toString()).toBe(vectors.snapshot.profile.name);
    expect(() => open(bytes(payload.sealed), flipBit(bytes(payload.treeHash), 9))).toThrow(/authenticate/);
    expect(() => open(flipBit(bytes(payload.sealed), 0), bytes(payload.treeHash))).toThrow(/authenticate/);
  });
});
