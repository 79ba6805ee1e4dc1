/**
 * What everybody may know of a group, the delivery service included: its tree, mode, transcript and times. It has no
 * secrets and makes no decisions; `verify-commit.ts` and its siblings read it, and only `advanceGroup` changes it, with the
 * effect of a commit whose claims were verified. The server stores it as rows and puts it together again.
 */
import type { PublicKey } from '../signature/index.ts';
import type { GroupMode, LeafIndex, PublicTree } from '../tree/index.ts';
import type { CommitEffect, CreateEffect } from './effects.ts';

/** The key that proves membership of an epoch: that of its head. */
export interface EpochKey {
  readonly epoch: number;
  readonly publicKey: PublicKey;
}

/** A leave that was accepted and not yet carried out by a commit. */
export interface OutstandingLeave {
  readonly leaf: LeafIndex;
  /** Epoch of the leaf's adding. */
  readonly leafEpoch: number;
  /** 64 bytes: goes into the `remove` that carries it out. */
  readonly signature: Uint8Array;
}

/** A group without its tree: all that judging a message needs, but for the leaf that a leaf proof names. */
export interface GroupHead {
  readonly origin: string;
  /** 16 bytes. */
  readonly groupId: Uint8Array;
  readonly epoch: number;
  readonly mode: GroupMode;
  /** T of the epoch, 32 bytes. */
  readonly transcript: Uint8Array;
  /** Tc of the epoch, 32 bytes. */
  readonly confirmedTranscript: Uint8Array;
  /** `now` of the frame that made the epoch. */
  readonly lastNowMs: number;
  /** Ascending, the current one last; at most `maxEpochKeys`, none from before the last removal. */
  readonly epochKeys: readonly EpochKey[];
  /** The epoch that the last removal made; 0 if there was none. Read tokens of earlier epochs are void. */
  readonly lastRemovalEpoch: number;
  /** Whether messages of the previous epoch still count: the last commit removed, demoted and switched nothing. */
  readonly previousEpochGrace: boolean;
}

export interface PublicGroup extends GroupHead {
  /** Shared, not copied, between a group and its successor: `advanceGroup` changes it in place. */
  readonly tree: PublicTree;
  /** At most one per leaf, ascending. */
  readonly outstandingLeaves: readonly OutstandingLeave[];
}

/** Kept so that a late member learns that it is late (409) instead of that it is nobody (§5). */
export const maxEpochKeys = 16;

/** The group that a verified create makes. */
export function foundGroup(effect: CreateEffect): PublicGroup {
  return {
    origin: effect.origin,
    groupId: effect.groupId,
    epoch: 0,
    mode: effect.mode,
    tree: effect.tree,
    transcript: effect.transcript,
    confirmedTranscript: effect.confirmedTranscript,
    lastNowMs: effect.nowMs,
    epochKeys: [{ epoch: 0, publicKey: effect.epochKey }],
    lastRemovalEpoch: 0,
    previousEpochGrace: false,
    outstandingLeaves: [],
  };
}

/**
 * The group after a verified commit. Its tree is the same object as before, changed: a caller that stores the commit
 * first calls this only once that is durable, and drops `group`.
 */
export function advanceGroup(group: PublicGroup, effect: CommitEffect): PublicGroup {
  if (effect.epoch !== group.epoch + 1) throw new RangeError('this effect belongs to another epoch');
  group.tree.apply(effect.changes);
  return {
    ...group,
    epoch: effect.epoch,
    mode: effect.mode,
    transcript: effect.transcript,
    confirmedTranscript: effect.confirmedTranscript,
    lastNowMs: effect.nowMs,
    epochKeys: effect.epochKeys,
    lastRemovalEpoch: effect.lastRemovalEpoch,
    previousEpochGrace: effect.allowsGrace,
    outstandingLeaves: effect.outstandingLeaves,
  };
}

/** The group with a verified leave noted; the tree is untouched. */
export function noteLeave(group: PublicGroup, leave: OutstandingLeave): PublicGroup {
  const others = group.outstandingLeaves.filter(({ leaf }) => leaf !== leave.leaf);
  return { ...group, outstandingLeaves: [...others, leave].sort((a, b) => a.leaf - b.leaf) };
}
