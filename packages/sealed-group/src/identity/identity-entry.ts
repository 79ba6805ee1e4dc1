/**
 * An identity entry says who holds a leaf (docs/sealed-groups.md §8), and with which Ed25519 key that leaf signs messages.
 * It is made anew with every commit of the leaf, because it is for one leaf key, and signed from both sides:
 *
 *     identity key ──"this leaf is mine"──> entry <──"and I am of this identity"── leaf key
 *
 * The design asks for the first signature. The second closes a gap: entries also travel in roster snapshots and in other
 * members' payloads, where a malicious member could put an identity of its own beside the leaf key of someone else, and
 * a newcomer would take the forger's signing key for the victim's.
 */
import { create } from '@bufbuild/protobuf';
import { equalBytes } from '@noble/ciphers/utils.js';
import type { RandomSource } from '@conclave/ristretto';
import type { Hedge } from '../hash/index.ts';
import { hashTuple, uint32 } from '../hash/index.ts';
import type { Result } from '../result.ts';
import { accept, violation } from '../result.ts';
import { uint64 } from '../schedule/uint64.ts';
import type { Equation } from '../signature/equation.ts';
import { equationsHold } from '../signature/equation-batch.ts';
import type { SecretScalar } from '../signature/keys.ts';
import { publicKeyOf } from '../signature/keys.ts';
import { sign, signatureEquation } from '../signature/schnorr.ts';
import type { Suite } from '../suite.ts';
import { protocolVersion } from '../suite.ts';
import type { LeafIndex } from '../tree/tree-math.ts';
import { toLeafIndex } from '../tree/tree-math.ts';
import type { LeafNode } from '../tree/tree-node.ts';
import { isPending } from '../tree/tree-node.ts';
import type { TreeReader } from '../tree/tree-reader.ts';
import type { IdentityEntry as WireEntry } from '../wire/gen/member_pb.js';
import { IdentityEntrySchema } from '../wire/gen/member_pb.js';
import type { Picture } from './profile.ts';
import { decodePicture, encodePicture, isName, isPicture } from './profile.ts';
import type { SigningKey } from './signing-key.ts';
import { verifySignature } from './signing-key.ts';

declare const verifiedBrand: unique symbol;

export interface UnverifiedEntry {
  readonly leaf: number;
  /** Epoch of the leaf's adding: with the index it names the instance. */
  readonly leafEpoch: number;
  /** The ristretto255 leaf key that the entry is for. */
  readonly leafKey: Uint8Array;
  /** Ed25519, for the leaf's messages while it has this leaf key. */
  readonly signingKey: Uint8Array;
  /** Ed25519, the person's. */
  readonly identityKey: Uint8Array;
  readonly name: string;
  readonly deviceName: string;
  readonly picture: Picture | undefined;
  readonly identitySignature: Uint8Array;
  readonly leafSignature: Uint8Array;
}

/** Both signatures hold, and the leaf stood in the tree with this key and instance when they were checked. */
export type IdentityEntry = UnverifiedEntry & { readonly leaf: LeafIndex; readonly [verifiedBrand]: true };

/** Where an entry counts. */
export interface EntryScope {
  readonly origin: string;
  readonly groupId: Uint8Array;
}

/** What a person chooses to be called. */
export interface PersonProfile {
  readonly name: string;
  readonly deviceName: string;
  readonly picture: Picture | undefined;
}

export interface SignEntryInput extends EntryScope {
  readonly suite: Suite;
  readonly leaf: LeafIndex;
  readonly leafEpoch: number;
  readonly leafSecret: SecretScalar;
  readonly signingKey: SigningKey;
  readonly identity: SigningKey;
  readonly profile: PersonProfile;
  readonly hedge: Hedge;
}

/** `identity/entry-form` for a profile that others would drop. */
export function signIdentityEntry(input: SignEntryInput): Result<UnverifiedEntry> {
  const { suite, leaf, leafEpoch, leafSecret, signingKey, identity, profile, hedge } = input;
  const leafKey = publicKeyOf(suite, leafSecret);
  const said = {
    leaf,
    leafEpoch,
    leafKey,
    signingKey: signingKey.publicKey,
    identityKey: identity.publicKey,
    ...profile,
  };
  const digest = entryDigest(said, input);
  const leafSignature = sign(suite, {
    purpose: 'identity',
    secret: leafSecret,
    publicKey: leafKey,
    context: digest,
    hedge,
  });
  const entry = { ...said, identitySignature: identity.sign(digest), leafSignature };
  return hasForm(entry) ? accept(entry) : violation('identity/entry-form');
}

/** Verifies one entry against the tree. */
export function verifyIdentityEntry(
  suite: Suite,
  entry: UnverifiedEntry,
  scope: EntryScope & {
    readonly tree: Pick<TreeReader, 'leaf' | 'leafCount'>;
    readonly random: RandomSource;
  },
): Result<IdentityEntry> {
  const prepared = prepareEntry(suite, entry, scope);
  if (!prepared.ok) return prepared;
  return equationsHold(suite, [prepared.value.leafEquation], scope.random)
    ? accept(prepared.value.entry)
    : violation('identity/entry-leaf-signature', `leaf ${entry.leaf}`);
}

/** Everything but the leaf's signature, which remains as an equation to be verified in a batch. */
export function prepareEntry(
  suite: Suite,
  entry: UnverifiedEntry,
  scope: EntryScope & { readonly tree: Pick<TreeReader, 'leaf' | 'leafCount'> },
): Result<{ entry: IdentityEntry; leafEquation: Equation }> {
  if (!hasForm(entry)) return violation('identity/entry-form', `leaf ${entry.leaf}`);
  const index = toLeafIndex(entry.leaf, scope.tree.leafCount);
  const leaf = index === undefined ? undefined : scope.tree.leaf(index);
  if (leaf === undefined || !isForLeaf(entry, leaf))
    return violation('identity/entry-leaf', `leaf ${entry.leaf}`);
  const digest = entryDigest(entry, scope);
  if (!verifySignature(entry.identityKey, digest, entry.identitySignature)) {
    return violation('identity/entry-identity-signature', `leaf ${entry.leaf}`);
  }
  const leafEquation = signatureEquation(suite, {
    purpose: 'identity',
    publicKey: leaf.publicKey,
    context: digest,
    signature: entry.leafSignature,
  });
  return leafEquation === undefined
    ? violation('identity/entry-leaf-signature', `leaf ${entry.leaf}`)
    : accept({ entry: entry as IdentityEntry, leafEquation });
}

/** Whether the leaf is joined and the entry is for its instance and its current key. */
export function isForLeaf(entry: UnverifiedEntry, leaf: LeafNode): boolean {
  return !isPending(leaf) && entry.leafEpoch === leaf.epoch && equalBytes(entry.leafKey, leaf.publicKey);
}

export function encodeEntry(entry: UnverifiedEntry): WireEntry {
  const { picture, leafEpoch, ...fields } = entry;
  return create(IdentityEntrySchema, {
    ...fields,
    leafEpoch: BigInt(leafEpoch),
    ...(picture === undefined ? {} : { picture: encodePicture(picture) }),
  });
}

/** Copies. An epoch beyond the safe integers loses precision here and is refused by its form. */
export function decodeEntry(wire: WireEntry): UnverifiedEntry {
  return {
    leaf: wire.leaf,
    leafEpoch: Number(wire.leafEpoch),
    leafKey: Uint8Array.from(wire.leafKey),
    signingKey: Uint8Array.from(wire.signingKey),
    identityKey: Uint8Array.from(wire.identityKey),
    name: wire.name,
    deviceName: wire.deviceName,
    picture: decodePicture(wire.picture),
    identitySignature: Uint8Array.from(wire.identitySignature),
    leafSignature: Uint8Array.from(wire.leafSignature),
  };
}

function hasForm(entry: UnverifiedEntry): boolean {
  const keys = [entry.leafKey, entry.signingKey, entry.identityKey];
  const signatures = [entry.identitySignature, entry.leafSignature];
  return (
    Number.isSafeInteger(entry.leafEpoch) &&
    keys.every((key) => key.length === 32) &&
    signatures.every((signature) => signature.length === 64) &&
    isName(entry.name) &&
    isName(entry.deviceName) &&
    (entry.picture === undefined || isPicture(entry.picture))
  );
}

/** What both signatures cover, 32 bytes. */
function entryDigest(
  entry: Omit<UnverifiedEntry, 'identitySignature' | 'leafSignature'>,
  { origin, groupId }: EntryScope,
): Uint8Array {
  const encoder = new TextEncoder();
  const { picture } = entry;
  return hashTuple(
    'identity-entry',
    uint32(protocolVersion),
    encoder.encode(origin),
    groupId,
    uint32(entry.leaf),
    uint64(entry.leafEpoch),
    entry.leafKey,
    entry.signingKey,
    entry.identityKey,
    encoder.encode(entry.name),
    encoder.encode(entry.deviceName),
    ...(picture === undefined ? [] : [picture.blobId, picture.key, picture.sha256]),
  );
}
