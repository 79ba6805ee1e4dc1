/**
 * The roster: who holds which leaf, as far as it was certified. Immutable: a commit gives a new roster.
 *
 * A slot keeps the record before the current one, because a message of the epoch before may still arrive and was signed
 * with the key of then. A leaf that commits without a valid entry keeps its slot without an entry: it is *unlisted*, and
 * admin clients remove unlisted leaves. A leaf without a slot is *unknown*: this client saw none of its commits and nobody
 * told it of the leaf, which says nothing against the leaf (the snapshot may have been withheld). A slot remembers for its
 * whole life which identity the instance showed last, however often it then commits without an entry.
 */
import { create, toBinary } from '@bufbuild/protobuf';
import { equalBytes } from '@noble/ciphers/utils.js';
import { decodeCanonical, safeInteger } from '../schedule/decode-canonical.ts';
import type { LeafIndex } from '../tree/tree-math.ts';
import type { LeafNode } from '../tree/tree-node.ts';
import { isPending } from '../tree/tree-node.ts';
import type { TreeReader } from '../tree/tree-reader.ts';
import type { KnownIdentity as WireIdentity, RosterRecord as WireRecord } from '../wire/gen/member_pb.js';
import { RosterRecordSchema, RosterStateSchema } from '../wire/gen/member_pb.js';
import type { IdentityEntry } from './identity-entry.ts';
import { decodeEntry, encodeEntry, isForLeaf } from './identity-entry.ts';
import type { GroupProfile } from './profile.ts';
import { decodeProfile, emptyProfile, encodeProfile } from './profile.ts';

interface EntryRecord {
  readonly sinceEpoch: number;
  /** Undefined: the leaf did not say who it is. */
  readonly entry: IdentityEntry | undefined;
}

interface KnownIdentity {
  readonly leafEpoch: number;
  readonly identityKey: Uint8Array;
}

interface Slot {
  readonly current: EntryRecord;
  readonly previous: EntryRecord | undefined;
  /** Undefined: the instance never said who it is. */
  readonly identity: KnownIdentity | undefined;
}

/**
 * What a roster knows of a leaf. `listed`: it certified its current key. `unlisted`: this client processed the leaf's last
 * commit, and it came without a valid entry: for administrators to remove. `unknown`: joined, and this client knows nothing
 * of it. `pending`: it made no commit yet, so nobody can know.
 */
export type LeafStanding = 'pending' | 'listed' | 'unlisted' | 'unknown';

/** What a commit changes, after `examineCommitPayload`. */
export interface RosterChange {
  /** The epoch that the commit makes. */
  readonly epoch: number;
  readonly committer: LeafIndex;
  /** The committer's entry, if it sent a valid one. */
  readonly entry: IdentityEntry | undefined;
  /** Entries of other leaves: taken only where this roster has none. */
  readonly others: readonly IdentityEntry[];
  /** Explicit and cascaded. */
  readonly removed: readonly LeafIndex[];
  readonly profile: GroupProfile | undefined;
}

export class Roster {
  readonly profile: GroupProfile;
  readonly #slotByLeaf: ReadonlyMap<LeafIndex, Slot>;

  private constructor(slotByLeaf: ReadonlyMap<LeafIndex, Slot>, profile: GroupProfile) {
    this.#slotByLeaf = slotByLeaf;
    this.profile = profile;
  }

  static empty(): Roster {
    return new Roster(new Map(), emptyProfile);
  }

  /** From entries verified against the tree of `epoch`, one per leaf. */
  static of(entries: readonly IdentityEntry[], epoch: number, profile: GroupProfile): Roster {
    const slots = entries.map((entry): [LeafIndex, Slot] => [
      entry.leaf,
      { current: { sinceEpoch: epoch, entry }, previous: undefined, identity: identityIn(entry) },
    ]);
    return new Roster(new Map(slots), profile);
  }

  afterCommit(change: RosterChange): Roster {
    const slots = new Map(this.#slotByLeaf);
    for (const leaf of change.removed) slots.delete(leaf);
    const before = slots.get(change.committer);
    slots.set(change.committer, {
      current: { sinceEpoch: change.epoch, entry: change.entry },
      previous: before?.current,
      identity: identityIn(change.entry) ?? before?.identity,
    });
    for (const entry of change.others) {
      const known = slots.get(entry.leaf);
      if (known?.current.entry !== undefined) continue;
      slots.set(entry.leaf, {
        current: { sinceEpoch: change.epoch, entry },
        previous: known?.previous,
        identity: identityIn(entry),
      });
    }
    return new Roster(slots, change.profile ?? this.profile);
  }

  entry(leaf: LeafIndex): IdentityEntry | undefined {
    return this.#slotByLeaf.get(leaf)?.current.entry;
  }

  /** In order of leaves. */
  entries(): IdentityEntry[] {
    const entries = [...this.#slotByLeaf.values()].flatMap(({ current }) => current.entry ?? []);
    return entries.sort((a, b) => a.leaf - b.leaf);
  }

  /** The entry that counted in `epoch`, whose key signed the leaf's messages then: the current one or the one before. */
  entryAt(leaf: LeafIndex, epoch: number): IdentityEntry | undefined {
    const slot = this.#slotByLeaf.get(leaf);
    if (slot === undefined) return undefined;
    const record = slot.current.sinceEpoch <= epoch ? slot.current : slot.previous;
    return record !== undefined && record.sinceEpoch <= epoch ? record.entry : undefined;
  }

  /** All leaves of one person: removing a person removes them all. */
  leavesOf(identityKey: Uint8Array): LeafIndex[] {
    return this.entries()
      .filter((entry) => equalBytes(entry.identityKey, identityKey))
      .map((entry) => entry.leaf);
  }

  /** Whether the entry is by another identity than the one this instance had so far. */
  changesIdentity(entry: IdentityEntry): boolean {
    const known = this.#identityOf(entry.leaf, entry.leafEpoch);
    return known !== undefined && !equalBytes(known.identityKey, entry.identityKey);
  }

  /** Whether a device leaf is of another identity than the leaf that added it, as far as that one is still known. */
  isForeignDevice(entry: IdentityEntry, leaf: LeafNode): boolean {
    if (!leaf.device || leaf.addedBy === undefined) return false;
    const adder = this.#identityOf(leaf.addedBy.leaf, leaf.addedBy.epoch);
    return adder !== undefined && !equalBytes(adder.identityKey, entry.identityKey);
  }

  /** `leaf` is the tree's at `index`, in this roster's epoch. */
  standingOf(index: LeafIndex, leaf: LeafNode): LeafStanding {
    if (isPending(leaf)) return 'pending';
    const slot = this.#slotByLeaf.get(index);
    if (slot === undefined) return 'unknown';
    if (slot.current.entry === undefined) return 'unlisted';
    return isForLeaf(slot.current.entry, leaf) ? 'listed' : 'unknown';
  }

  /** Leaves that this client saw commit without saying who they are, ascending; never those it knows nothing of. */
  unlisted(tree: Pick<TreeReader, 'leaf' | 'leafCount'>): LeafIndex[] {
    const found: LeafIndex[] = [];
    for (let at = 0; at < tree.leafCount; at++) {
      const index = at as LeafIndex;
      const leaf = tree.leaf(index);
      if (leaf !== undefined && this.standingOf(index, leaf) === 'unlisted') found.push(index);
    }
    return found;
  }

  /** Names, not secrets, but private all the same: the caller encrypts it at rest. */
  encode(): Uint8Array {
    const slots = [...this.#slotByLeaf]
      .sort(([a], [b]) => a - b)
      .map(([leaf, { current, previous, identity }]) => ({
        leaf,
        current: encodeRecord(current),
        ...(previous === undefined ? {} : { previous: encodeRecord(previous) }),
        ...(identity === undefined
          ? {}
          : { identity: { leafEpoch: BigInt(identity.leafEpoch), identityKey: identity.identityKey } }),
      }));
    return toBinary(
      RosterStateSchema,
      create(RosterStateSchema, { slots, profile: encodeProfile(this.profile) }),
    );
  }

  /** A member's own storage: entries count as verified. Undefined when the bytes could not have come from `encode`. */
  static decode(bytes: Uint8Array): Roster | undefined {
    const state = decodeCanonical(RosterStateSchema, bytes);
    const profile = state?.profile === undefined ? undefined : decodeProfile(state.profile);
    if (state === undefined || profile === undefined) return undefined;
    const slots = new Map<LeafIndex, Slot>();
    for (const { leaf, current, previous, identity } of state.slots) {
      const currentRecord = decodeRecord(current);
      const previousRecord = decodeRecord(previous);
      if (currentRecord === undefined || (previous !== undefined && previousRecord === undefined))
        return undefined;
      const known = decodeIdentity(identity);
      if (identity !== undefined && known === undefined) return undefined;
      slots.set(leaf as LeafIndex, { current: currentRecord, previous: previousRecord, identity: known });
    }
    return new Roster(slots, profile);
  }

  #identityOf(leaf: LeafIndex, epoch: number): KnownIdentity | undefined {
    const identity = this.#slotByLeaf.get(leaf)?.identity;
    return identity?.leafEpoch === epoch ? identity : undefined;
  }
}

function identityIn(entry: IdentityEntry | undefined): KnownIdentity | undefined {
  return entry === undefined ? undefined : { leafEpoch: entry.leafEpoch, identityKey: entry.identityKey };
}

function decodeIdentity(wire: WireIdentity | undefined): KnownIdentity | undefined {
  const leafEpoch = wire === undefined ? undefined : safeInteger(wire.leafEpoch);
  if (wire === undefined || leafEpoch === undefined || wire.identityKey.length !== 32) return undefined;
  return { leafEpoch, identityKey: Uint8Array.from(wire.identityKey) };
}

function encodeRecord({ sinceEpoch, entry }: EntryRecord): WireRecord {
  return create(RosterRecordSchema, {
    sinceEpoch: BigInt(sinceEpoch),
    ...(entry === undefined ? {} : { entry: encodeEntry(entry) }),
  });
}

function decodeRecord(wire: WireRecord | undefined): EntryRecord | undefined {
  const sinceEpoch = wire === undefined ? undefined : safeInteger(wire.sinceEpoch);
  if (wire === undefined || sinceEpoch === undefined) return undefined;
  if (wire.entry === undefined) return { sinceEpoch, entry: undefined };
  return { sinceEpoch, entry: decodeEntry(wire.entry) as IdentityEntry };
}
