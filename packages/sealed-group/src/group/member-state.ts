/**
 * What a member knows of its group. A value: processing a frame gives the next one, and only then are keys of the old one
 * overwritten and the shared tree changed, so that a refused frame leaves no trace. Never leaves `src/group/`.
 */
import type { CommitSecrets, ProofVerifier, PublicGroup } from '../commit/index.ts';
import type { PersonProfile, Roster, SigningKey } from '../identity/index.ts';
import type { RandomSource } from '@conclave/ristretto';
import type { EpochKeys, Secret } from '../schedule/index.ts';
import type { CutDigits, SlowSearch } from '../sealing/index.ts';
import type { SecretScalar } from '../signature/index.ts';
import type { Suite } from '../suite.ts';
import type { GroupMode, Instance, LeafIndex, LeafNode, NodeIndex } from '../tree/index.ts';
import type { PreviousEpoch } from './previous-epoch.ts';

/** Who is at work: one person on one device. */
export interface MemberDeps {
  readonly suite: Suite;
  readonly random: RandomSource;
  /** The person's Ed25519 identity: certifies the leaf's signing keys. */
  readonly identity: SigningKey;
  /** How the person is shown to the group from its next commit on. */
  readonly profile: PersonProfile;
  /** Where the claims of commits are verified when the caller can wait (`processFrameAsync`, `joinAsync`); in place if absent. */
  readonly proofVerifier?: ProofVerifier;
  /** Where a cheater's digits are searched for likewise. */
  readonly slowSearch?: SlowSearch;
  /** Cuts a secret into other digits than the protocol does, so that everybody has to search: for attack suites only. */
  readonly cutDigits?: CutDigits;
}

/**
 * `joining`: knows the tree and its path, not the keys of the current epoch; may make its first commit.
 * `leaving`: said so; a member until someone's commit removes it, or it commits itself.
 */
export type MemberStatus = 'joining' | 'joined' | 'leaving' | 'removed';

/** A commit that was made and whose fate is unknown [F9]. */
export interface PendingCommit {
  /** hashTuple("frame", bytes): the whole frame, not only its body. */
  readonly frameHash: Uint8Array;
  readonly bodyHash: Uint8Array;
  readonly secrets: CommitSecrets;
  readonly signingKey: SigningKey;
}

/** An epoch n that a commit of this member made by adding leaves, as their invites describe it. */
export interface AddingEpoch {
  readonly epoch: number;
  readonly chain: Secret;
  readonly treeHash: Uint8Array;
  readonly transcript: Uint8Array;
  readonly mode: GroupMode;
  /** As of epoch n: its entries verify against the tree of n. */
  readonly roster: Roster;
}

/** A leaf that this member added and that is still pending. */
export interface AddedLeaf {
  readonly leaf: LeafIndex;
  readonly secret: SecretScalar;
  readonly expiresAtMs: number;
  readonly at: AddingEpoch;
}

export interface MemberState {
  readonly group: PublicGroup;
  readonly roster: Roster;
  readonly previous: PreviousEpoch | undefined;
  readonly me: Instance;
  readonly status: MemberStatus;
  /** Sequence number of the last processed frame; 0 before the first. */
  readonly lastSeq: number;
  /** Body hash of the last processed frame. */
  readonly lastSeen: Uint8Array;
  /** Secrets of this member's leaf and of the nodes above it that it knows. */
  readonly path: ReadonlyMap<NodeIndex, SecretScalar>;
  /** While joining: the chain of the current epoch, whose keys it must not know. */
  readonly chain: Secret | undefined;
  readonly keys: EpochKeys | undefined;
  readonly previousKeys: EpochKeys | undefined;
  /** Signs messages of the current epoch. */
  readonly signingKey: SigningKey | undefined;
  /** Of the current epoch. */
  readonly pending: readonly PendingCommit[];
  readonly added: ReadonlyMap<LeafIndex, AddedLeaf>;
  /** Own messages on their way: body hash in hexadecimal to epoch. Grows in place: a copy per message costs who writes much. */
  readonly sent: Map<string, number>;
}

/** The member's own leaf; undefined once removed. */
export function ownLeaf(state: MemberState): LeafNode | undefined {
  const leaf = state.group.tree.leaf(state.me.leaf);
  return leaf?.epoch === state.me.epoch ? leaf : undefined;
}

/** Overwrites every key of the state. Scalars and chains are buffers of its own; others' copies are not its business. */
export function wipeState(state: MemberState): void {
  for (const secret of state.path.values()) secret.fill(0);
  state.chain?.wipe();
  state.keys?.wipe();
  state.previousKeys?.wipe();
  state.signingKey?.wipe();
  for (const pending of state.pending) wipePending(pending);
  forgetAdded(state.added, new Map());
}

/** What is left after `wipeState`. */
export function withoutKeys(state: MemberState): MemberState {
  return {
    ...state,
    status: 'removed',
    path: new Map(),
    chain: undefined,
    keys: undefined,
    previousKeys: undefined,
    signingKey: undefined,
    pending: [],
    added: new Map(),
    sent: new Map(),
  };
}

export function wipePending({ secrets, signingKey }: PendingCommit): void {
  for (const secret of secrets.pathSecrets.values()) secret.fill(0);
  for (const { secret } of secrets.addedLeaves) secret.fill(0);
  secrets.keys.wipe();
  signingKey.wipe();
}

/** Overwrites what `before` holds and `after` does not; leaves added together share their epoch. */
export function forgetAdded(
  before: ReadonlyMap<LeafIndex, AddedLeaf>,
  after: ReadonlyMap<LeafIndex, AddedLeaf>,
): void {
  const kept = new Set([...after.values()].map(({ at }) => at));
  for (const [leaf, added] of before) {
    if (after.get(leaf) !== added) added.secret.fill(0);
    if (!kept.has(added.at)) added.at.chain.wipe();
  }
}
