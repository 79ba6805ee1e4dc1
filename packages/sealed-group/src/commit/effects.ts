/**
 * What a frame would do, computed while its claims are still to be verified. A caller verifies the claims (alone or with
 * those of other frames, `claims.ts`), stores the effect, and only then applies it (`advanceGroup`).
 */
import type { PublicKey } from '../signature/index.ts';
import type { CommitPlan, GroupMode, PublicTree, TreeChanges } from '../tree/index.ts';
import type { SealedNodeContent } from '../wire/index.ts';
import type { Claim } from './claims.ts';
import type { EpochKey, OutstandingLeave } from './public-group.ts';

/** Rules and structure hold; whether the cryptographic claims do is still open. */
export interface Pending<Effect> {
  readonly claims: readonly Claim[];
  /** Valid only once every claim is verified. */
  readonly effect: Effect;
}

export interface CreateEffect {
  readonly origin: string;
  readonly groupId: Uint8Array;
  readonly mode: GroupMode;
  /** A tree of one leaf. */
  readonly tree: PublicTree;
  readonly treeHash: Uint8Array;
  readonly transcript: Uint8Array;
  readonly confirmedTranscript: Uint8Array;
  readonly nowMs: number;
  readonly epochKey: PublicKey;
}

export interface CommitEffect {
  readonly bodyHash: Uint8Array;
  /** The epoch that the commit makes. */
  readonly epoch: number;
  readonly mode: GroupMode;
  readonly treeHash: Uint8Array;
  readonly transcript: Uint8Array;
  readonly confirmedTranscript: Uint8Array;
  readonly nowMs: number;
  /** What was planned: who was added, removed, demoted, joined; which nodes were sealed to whom. */
  readonly plan: CommitPlan;
  /** Nodes that differ from the tree before, blanked ones included, and the new size: what a store writes. */
  readonly changes: TreeChanges;
  /** The nodes as sealed in the frame, in frame order. */
  readonly sealed: readonly SealedNodeContent[];
  /** Of the new epoch and those kept before it. */
  readonly epochKeys: readonly EpochKey[];
  readonly lastRemovalEpoch: number;
  /** Messages of the epoch before still count until the next commit. */
  readonly allowsGrace: boolean;
  /** Read tokens and subscriptions of earlier epochs end with this commit. */
  readonly locksOutEarlierTokens: boolean;
  readonly outstandingLeaves: readonly OutstandingLeave[];
}

export interface LeaveEffect {
  readonly leave: OutstandingLeave;
  /** The same instance left before: nothing to store. */
  readonly repeated: boolean;
}
