/**
 * The roster as an inviter gives it to a newcomer (docs/sealed-groups.md §8): encrypted for the blob store, its key and
 * hash in the invite. The newcomer believes none of it: every entry is verified against the authenticated tree, and what
 * does not verify is dropped and reported. A bad snapshot costs names, never the join.
 */
import { create, toBinary } from '@bufbuild/protobuf';
import { gcm } from '@noble/ciphers/aes.js';
import { equalBytes } from '@noble/ciphers/utils.js';
import { sha256 } from '@noble/hashes/sha2.js';
import type { RandomSource } from '@conclave/ristretto';
import { hashTuple } from '../hash/index.ts';
import { pad, unpad } from '../message/padding.ts';
import type { Result } from '../result.ts';
import { accept, violation } from '../result.ts';
import type { RuleId } from '../rules/index.ts';
import { decodeCanonical } from '../schedule/decode-canonical.ts';
import { expandLabel } from '../schedule/expand-label.ts';
import { scheduleLabels } from '../schedule/labels.ts';
import { uint64 } from '../schedule/uint64.ts';
import { createEquationBatch } from '../signature/equation-batch.ts';
import type { Suite } from '../suite.ts';
import type { TreeReader } from '../tree/tree-reader.ts';
import { RosterSnapshotSchema } from '../wire/gen/member_pb.js';
import type { EntryScope, IdentityEntry, UnverifiedEntry } from './identity-entry.ts';
import { decodeEntry, encodeEntry, prepareEntry } from './identity-entry.ts';
import type { GroupProfile } from './profile.ts';
import { decodeProfile, emptyProfile, encodeProfile } from './profile.ts';
import { Roster } from './roster.ts';

const keyBytes = 32;

/** Which roster this is: part of the additional data. */
export interface SnapshotScope {
  readonly groupId: Uint8Array;
  readonly epoch: number;
}

export interface SealedSnapshot {
  /** For the blob store. */
  readonly bytes: Uint8Array;
  /** Of `bytes`. */
  readonly sha256: Uint8Array;
  /** 32 bytes, for the invite. */
  readonly key: Uint8Array;
}

export interface UnverifiedSnapshot {
  readonly entries: readonly UnverifiedEntry[];
  readonly profile: GroupProfile;
}

export function sealRosterSnapshot(
  scope: SnapshotScope,
  roster: Roster,
  random: RandomSource,
): SealedSnapshot {
  const encoded = toBinary(
    RosterSnapshotSchema,
    create(RosterSnapshotSchema, {
      groupId: scope.groupId,
      epoch: BigInt(scope.epoch),
      entries: roster.entries().map(encodeEntry),
      profile: encodeProfile(roster.profile),
    }),
  );
  const key = random.bytes(keyBytes);
  const bytes = snapshotCipher(key, scope).encrypt(pad(encoded));
  return { bytes, sha256: sha256(bytes), key };
}

export function openRosterSnapshot(
  scope: SnapshotScope,
  { bytes, sha256: expected, key }: SealedSnapshot,
): Result<UnverifiedSnapshot> {
  if (!equalBytes(sha256(bytes), expected)) return violation('identity/snapshot-hash');
  let padded: Uint8Array;
  try {
    padded = snapshotCipher(key, scope).decrypt(bytes);
  } catch {
    return violation('identity/snapshot-decrypts');
  }
  const encoded = unpad(padded);
  const snapshot = encoded === undefined ? undefined : decodeCanonical(RosterSnapshotSchema, encoded);
  if (snapshot === undefined) return violation('identity/snapshot-form');
  const profile = snapshot.profile === undefined ? undefined : decodeProfile(snapshot.profile);
  return accept({
    entries: snapshot.entries.map(decodeEntry),
    profile: profile ?? emptyProfile,
  });
}

export interface DroppedEntry {
  readonly leaf: number;
  readonly rule: RuleId;
}

/** Verifies all leaf signatures in one batch. `tree` is the authenticated tree of `epoch`. */
export function verifyRosterSnapshot(
  suite: Suite,
  snapshot: UnverifiedSnapshot,
  scope: EntryScope &
    SnapshotScope & { readonly tree: Pick<TreeReader, 'leaf' | 'leafCount'>; readonly random: RandomSource },
): { roster: Roster; dropped: readonly DroppedEntry[] } {
  const dropped: DroppedEntry[] = [];
  /** One entry per leaf is looked at, so that the work is bounded by the tree, not by the snapshot. */
  const seen = new Set<number>();
  const entryByLeaf = new Map<number, IdentityEntry>();
  const batch = createEquationBatch(suite);
  for (const unverified of snapshot.entries) {
    const { leaf } = unverified;
    if (seen.has(leaf)) {
      dropped.push({ leaf, rule: 'identity/snapshot-duplicate' });
      continue;
    }
    seen.add(leaf);
    const prepared = prepareEntry(suite, unverified, scope);
    if (!prepared.ok) {
      dropped.push({ leaf, rule: prepared.rule });
      continue;
    }
    entryByLeaf.set(leaf, prepared.value.entry);
    batch.add([prepared.value.leafEquation], leaf);
  }
  const verdict = batch.verify(scope.random);
  if (!verdict.ok) {
    for (const leaf of verdict.failed) {
      entryByLeaf.delete(leaf);
      dropped.push({ leaf, rule: 'identity/entry-leaf-signature' });
    }
  }
  return { roster: Roster.of([...entryByLeaf.values()], scope.epoch, snapshot.profile), dropped };
}

/** A fresh key per snapshot, so a fixed derivation of key and nonce never repeats a pair. */
function snapshotCipher(key: Uint8Array, { groupId, epoch }: SnapshotScope) {
  return gcm(
    expandLabel(key, scheduleLabels.snapshotKey, [], 32),
    expandLabel(key, scheduleLabels.snapshotNonce, [], 12),
    hashTuple('roster-snapshot', groupId, uint64(epoch)),
  );
}
