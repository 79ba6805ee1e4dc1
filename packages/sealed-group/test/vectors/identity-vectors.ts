/**
 * Known answers for identity entries, roster snapshots and commit payloads (docs/sealed-groups.md §8.2, §8.4, §6.6), and what is refused of them.
 * All bytes are hexadecimal. `checkIdentityVectors` reads them with this package, in Node and in the browser.
 */
import { toBinary } from '@bufbuild/protobuf';
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex as hex, hexToBytes } from '@noble/hashes/utils.js';
import { hashTuple, hedgedScalar, uint32 } from '../../src/hash/index.ts';
import { openCommitPayload, sealCommitPayload } from '../../src/identity/commit-payload.ts';
import { decodeEntry, encodeEntry, signIdentityEntry } from '../../src/identity/identity-entry.ts';
import type { UnverifiedEntry } from '../../src/identity/identity-entry.ts';
import { verifyIdentityEntry } from '../../src/identity/identity-entry.ts';
import type { Picture } from '../../src/identity/profile.ts';
import {
  openRosterSnapshot,
  sealRosterSnapshot,
  verifyRosterSnapshot,
} from '../../src/identity/roster-snapshot.ts';
import { Roster } from '../../src/identity/roster.ts';
import { SigningKey } from '../../src/identity/signing-key.ts';
import type { Result } from '../../src/result.ts';
import { decodeCanonical } from '../../src/schedule/decode-canonical.ts';
import { EpochKeys } from '../../src/schedule/epoch-keys.ts';
import { uint64 } from '../../src/schedule/uint64.ts';
import type { SecretScalar } from '../../src/signature/keys.ts';
import { parsePublicKey, publicKeyOf } from '../../src/signature/keys.ts';
import { createSuite } from '../../src/suite.ts';
import type { GroupMode } from '../../src/tree/roles.ts';
import type { LeafIndex } from '../../src/tree/tree-math.ts';
import type { LeafNode } from '../../src/tree/tree-node.ts';
import { IdentityEntrySchema } from '../../src/wire/gen/member_pb.js';
import { seededRandom } from '../schedule/seeded-random.ts';
import type { RefusedFlip } from './flip-bit.ts';
import { flipBit } from './flip-bit.ts';

const suite = createSuite();
const origin = 'https://chat.example';
const leafCount = 4;
const epoch = 5;
const mode = { leafProof: true, minWriter: 'admin', ownDevices: false } as const;

export interface EntryVector {
  readonly leaf: number;
  readonly leafEpoch: number;
  readonly leafSecret: string;
  readonly leafKey: string;
  readonly signingSeed: string;
  readonly signingKey: string;
  readonly identitySeed: string;
  readonly identityKey: string;
  readonly name: string;
  readonly deviceName: string;
  readonly picture: { readonly blobId: string; readonly key: string; readonly sha256: string } | null;
  /** What both signatures are over. */
  readonly digest: string;
  /** An IdentityEntry. */
  readonly encoded: string;
  readonly refused: readonly RefusedFlip[];
}

export interface IdentityVectors {
  readonly description: string;
  readonly origin: string;
  readonly groupId: string;
  readonly entries: readonly EntryVector[];
  readonly snapshot: {
    readonly epoch: number;
    readonly profile: { readonly name: string; readonly description: string };
    readonly key: string;
    readonly sha256: string;
    readonly sealed: string;
    readonly refused: readonly RefusedFlip[];
  };
  /** What a commit by the first entry's leaf carries, with the other entry and the profile. */
  readonly payload: {
    readonly epoch: number;
    readonly chain: string;
    readonly headSecret: string;
    readonly mode: { readonly leafProof: boolean; readonly minWriter: string; readonly ownDevices: boolean };
    readonly treeHash: string;
    readonly confirmedTranscript: string;
    readonly bodyHash: string;
    readonly sealed: string;
    readonly refused: readonly RefusedFlip[];
  };
}

export function identityVectors(): IdentityVectors {
  const random = seededRandom('identity entries');
  const groupId = random.bytes(16);
  const picture = { blobId: random.bytes(16), key: random.bytes(32), sha256: random.bytes(32) };
  const made = [
    makeEntry(groupId, { leaf: 0, leafEpoch: 0, name: 'Ada', deviceName: 'laptop', picture: undefined }),
    makeEntry(groupId, { leaf: 2, leafEpoch: 4, name: 'Zoë 世界', deviceName: '', picture }),
  ];
  const profile = { name: 'Reading club', description: 'Every\nThursday', picture: undefined };
  const tree = treeOf(made.map(({ vector }) => vector));
  const entries = made.map(({ entry }) => {
    const verified = verifyIdentityEntry(suite, entry, { origin, groupId, tree, random });
    if (!verified.ok) throw new Error(verified.rule);
    return verified.value;
  });
  const sealed = sealRosterSnapshot({ groupId, epoch }, Roster.of(entries, epoch, profile), random);
  const [chain, headSecret, treeHash, confirmedTranscript, bodyHash] = Array.from({ length: 5 }, () =>
    random.bytes(32),
  ) as [Uint8Array, Uint8Array, Uint8Array, Uint8Array, Uint8Array];
  const context = { origin, groupId, mode, epoch, treeHash, confirmedTranscript };
  const keys = EpochKeys.derive({ chain, headSecret, context, leafCount });
  const [entry, other] = made.map((one) => one.entry);
  const payload = sealCommitPayload(keys, bodyHash, { entry: entry!, others: [other!], profile });
  return {
    description:
      'Identity entries for joined leaves of the given keys, the roster snapshot of both, and the payload of a commit by the first leaf that repeats the other. refused: one bit of a part is changed, of "sealed" with the hash as it was, of "hashed" with the hash of the changed octets.',
    origin,
    groupId: hex(groupId),
    entries: made.map(({ vector }) => vector),
    snapshot: {
      epoch,
      profile: { name: profile.name, description: profile.description },
      key: hex(sealed.key),
      sha256: hex(sealed.sha256),
      sealed: hex(sealed.bytes),
      refused: [
        { part: 'sealed', bit: 77, rule: 'identity/snapshot-hash' },
        { part: 'hashed', bit: 77, rule: 'identity/snapshot-decrypts' },
        { part: 'key', bit: 255, rule: 'identity/snapshot-decrypts' },
      ],
    },
    payload: {
      epoch,
      chain: hex(chain),
      headSecret: hex(headSecret),
      mode,
      treeHash: hex(treeHash),
      confirmedTranscript: hex(confirmedTranscript),
      bodyHash: hex(bodyHash),
      sealed: hex(payload),
      refused: [
        { part: 'sealed', bit: 0, rule: 'identity/payload-decrypts' },
        { part: 'bodyHash', bit: 9, rule: 'identity/payload-decrypts' },
        { part: 'treeHash', bit: 9, rule: 'identity/payload-decrypts' },
      ],
    },
  };
}

/** Throws unless this package reads every vector as it is meant, and refuses what it is meant to refuse. */
export function checkIdentityVectors(vectors: IdentityVectors): void {
  const groupId = hexToBytes(vectors.groupId);
  const random = seededRandom('verifier');
  const tree = treeOf(vectors.entries);
  const scope = { origin: vectors.origin, groupId, tree, random };
  for (const { encoded, refused } of vectors.entries) {
    const bytes = hexToBytes(encoded);
    expectRule(verifyIdentityEntry(suite, entryFrom(bytes), scope), 'accepted');
    for (const { bit, rule } of refused) {
      expectRule(verifyIdentityEntry(suite, entryFrom(flipBit(bytes, bit)), scope), rule);
    }
  }
  const { snapshot } = vectors;
  const at = { groupId, epoch: snapshot.epoch };
  const sealed = {
    bytes: hexToBytes(snapshot.sealed),
    sha256: hexToBytes(snapshot.sha256),
    key: hexToBytes(snapshot.key),
  };
  const opened = openRosterSnapshot(at, sealed);
  if (!opened.ok) throw new Error(opened.rule);
  const { roster, dropped } = verifyRosterSnapshot(suite, opened.value, { ...scope, ...at });
  const names = roster.entries().map(({ name }) => name);
  if (dropped.length > 0 || names.join() !== vectors.entries.map(({ name }) => name).join()) {
    throw new Error(`the snapshot gives ${names.join()}`);
  }
  for (const { part, bit, rule } of snapshot.refused) {
    const changed = flipBit(part === 'key' ? sealed.key : sealed.bytes, bit);
    const lie = {
      sealed: { ...sealed, bytes: changed },
      hashed: { ...sealed, bytes: changed, sha256: sha256(changed) },
      key: { ...sealed, key: changed },
    }[part];
    if (lie === undefined) throw new Error(part);
    expectRule(openRosterSnapshot(at, lie), rule);
  }
  checkPayload(vectors);
}

function checkPayload({ payload, origin, groupId, entries }: IdentityVectors): void {
  const parts: Record<string, Uint8Array> = {
    sealed: hexToBytes(payload.sealed),
    bodyHash: hexToBytes(payload.bodyHash),
    treeHash: hexToBytes(payload.treeHash),
  };
  const open = (of: typeof parts) => {
    const keys = EpochKeys.derive({
      chain: hexToBytes(payload.chain),
      headSecret: hexToBytes(payload.headSecret),
      context: {
        origin,
        groupId: hexToBytes(groupId),
        mode: payload.mode as GroupMode,
        epoch: payload.epoch,
        treeHash: of['treeHash']!,
        confirmedTranscript: hexToBytes(payload.confirmedTranscript),
      },
      leafCount,
    });
    return openCommitPayload(keys, of['bodyHash']!, of['sealed']!);
  };
  const opened = open(parts);
  if (!opened.ok) throw new Error(opened.rule);
  const names = [opened.value.entry, ...opened.value.others].map((entry) => entry?.name);
  if (names.join() !== entries.map(({ name }) => name).join())
    throw new Error(`the payload says ${names.join()}`);
  for (const { part, bit, rule } of payload.refused) {
    expectRule(open({ ...parts, [part]: flipBit(parts[part]!, bit) }), rule);
  }
}

export function expectRule(result: Result<unknown>, rule: string): void {
  const found = result.ok ? 'accepted' : result.rule;
  if (found !== rule) throw new Error(`expected ${rule}, found ${found}`);
}

function entryFrom(bytes: Uint8Array): UnverifiedEntry {
  const entry = decodeCanonical(IdentityEntrySchema, bytes);
  if (entry === undefined) throw new Error('not an entry');
  return decodeEntry(entry);
}

interface EntryInput {
  readonly leaf: number;
  readonly leafEpoch: number;
  readonly name: string;
  readonly deviceName: string;
  readonly picture: Picture | undefined;
}

function makeEntry(groupId: Uint8Array, input: EntryInput): { vector: EntryVector; entry: UnverifiedEntry } {
  const { leaf, leafEpoch, name, deviceName, picture } = input;
  const random = seededRandom(`identity entry ${leaf}`);
  const hedge = { secret: random.bytes(32), random, context: new Uint8Array(0) };
  const leafSecret = hedgedScalar(suite, 'test leaf', hedge, 0) as SecretScalar;
  const leafKey = publicKeyOf(suite, leafSecret);
  const [signingSeed, identitySeed] = [random.bytes(32), random.bytes(32)];
  const signingKey = SigningKey.fromSeed(signingSeed);
  const identity = SigningKey.fromSeed(identitySeed);
  const signed = signIdentityEntry({
    suite,
    origin,
    groupId,
    leaf: leaf as LeafIndex,
    leafEpoch,
    leafSecret,
    signingKey,
    identity,
    profile: { name, deviceName, picture },
    hedge,
  });
  if (!signed.ok) throw new Error(signed.rule);
  const text = (value: string) => new TextEncoder().encode(value);
  const digest = hashTuple(
    'identity-entry',
    uint32(1),
    text(origin),
    groupId,
    uint32(leaf),
    uint64(leafEpoch),
    leafKey,
    signingKey.publicKey,
    identity.publicKey,
    text(name),
    text(deviceName),
    ...(picture === undefined ? [] : [picture.blobId, picture.key, picture.sha256]),
  );
  const encoded = toBinary(IdentityEntrySchema, encodeEntry(signed.value));
  /** Both signatures stand last, each behind two octets of tag and length. */
  const bitFromEnd = (octets: number) => 8 * (encoded.length - octets);
  const identityKeyAt = 8 * indexOf(encoded, identity.publicKey);
  const leafKeyAt = 8 * indexOf(encoded, leafKey);
  const entry = {
    leaf,
    leafEpoch,
    leafSecret: hex(leafSecret),
    leafKey: hex(leafKey),
    signingSeed: hex(signingSeed),
    signingKey: hex(signingKey.publicKey),
    identitySeed: hex(identitySeed),
    identityKey: hex(identity.publicKey),
    name,
    deviceName,
    picture:
      picture === undefined
        ? null
        : { blobId: hex(picture.blobId), key: hex(picture.key), sha256: hex(picture.sha256) },
    digest: hex(digest),
    encoded: hex(encoded),
    refused: [
      { part: 'encoded', bit: leafKeyAt, rule: 'identity/entry-leaf' },
      { part: 'encoded', bit: identityKeyAt, rule: 'identity/entry-identity-signature' },
      { part: 'encoded', bit: bitFromEnd(64 + 2 + 64), rule: 'identity/entry-identity-signature' },
      { part: 'encoded', bit: bitFromEnd(32), rule: 'identity/entry-leaf-signature' },
    ],
  };
  return { vector: entry, entry: signed.value };
}

function indexOf(bytes: Uint8Array, part: Uint8Array): number {
  for (let at = 0; at + part.length <= bytes.length; at++) {
    if (part.every((byte, i) => bytes[at + i] === byte)) return at;
  }
  throw new Error('not part of it');
}

/** Joined members at the entries' places. */
function treeOf(entries: readonly Pick<EntryVector, 'leaf' | 'leafEpoch' | 'leafKey'>[]) {
  return {
    leafCount,
    leaf(index: LeafIndex): LeafNode | undefined {
      const found = entries.find(({ leaf }) => leaf === index);
      if (found === undefined) return undefined;
      return {
        kind: 'leaf',
        publicKey: parsePublicKey(suite, hexToBytes(found.leafKey))!,
        role: 'member',
        epoch: found.leafEpoch,
        addedBy: undefined,
        device: false,
        expiresAtMs: undefined,
      };
    },
  };
}
