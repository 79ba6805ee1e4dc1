/**
 * What goes into and comes out of the plan of a commit: operations as the frame carries them, and everything about the
 * outcome that needs no cryptography (docs/sealed-groups.md §5).
 */
import type { PublicKey } from '../signature/keys.ts';
import type { GroupMode, Role } from './roles.ts';
import type { TreeDraft } from './tree-draft.ts';
import type { LeafIndex, NodeIndex } from './tree-math.ts';
import type { Instance } from './tree-node.ts';

/** One change to the tree. Indices are as received: the plan checks them. The order of adds decides who sits where. */
export type TreeOperation =
  | { readonly kind: 'set-role'; readonly leaf: number; readonly role: Role }
  | { readonly kind: 'remove'; readonly leaf: number; readonly leaveSignature: Uint8Array | undefined }
  | {
      readonly kind: 'add';
      readonly leafKey: PublicKey;
      readonly role: Role;
      readonly expiresAtMs: number;
      readonly device: boolean;
    }
  | { readonly kind: 'set-mode'; readonly mode: GroupMode };

export interface CommitInput {
  /** Leaf index of the committer. */
  readonly committer: number;
  readonly operations: readonly TreeOperation[];
  /** Node indices of the fill list, in the tree after all removals and adds: strictly ascending by (level, index). */
  readonly fills: readonly number[];
  /** The epoch that the commit makes. */
  readonly newEpoch: number;
  /** The commit's own `now`: expiry is judged on nothing else. */
  readonly nowMs: number;
  /** The mode before the commit. */
  readonly mode: GroupMode;
}

/** A node whose fresh secret the commit seals, and to whom. */
export interface PlannedSeal {
  readonly node: NodeIndex;
  readonly kind: 'fill' | 'path';
  /** Resolution of the left child, then of the right child; ascending throughout. */
  readonly recipients: readonly NodeIndex[];
}

export interface AddedLeaf {
  readonly leaf: LeafIndex;
  /** Index into the input's `operations`. */
  readonly operation: number;
}

/** A signature by a leaf over (group, instance) that a removal relies on: the caller verifies it. */
export interface LeaveToVerify {
  readonly leaf: LeafIndex;
  readonly instance: Instance;
  /** The leaf's key before the commit. */
  readonly publicKey: PublicKey;
  readonly signature: Uint8Array;
}

export interface CommitPlan {
  /** The tree after the commit, still without the new keys: `setKey` for the committer's leaf and every sealed node. */
  readonly draft: TreeDraft;
  readonly committer: LeafIndex;
  readonly newMode: GroupMode;
  /** In the order of the add operations. */
  readonly added: readonly AddedLeaf[];
  /** Explicit and cascaded, ascending; places in the tree before the commit. */
  readonly removed: readonly LeafIndex[];
  /** Leaves whose role became lower, by an operation or as a device of such a leaf; ascending. */
  readonly demoted: readonly LeafIndex[];
  /** The committer, if this is its first commit. */
  readonly joined: LeafIndex | undefined;
  /** Exactly the seals that the frame must hold, in frame order: fills bottom-up, then the path bottom-up. */
  readonly seals: readonly PlannedSeal[];
  readonly leavesToVerify: readonly LeaveToVerify[];
  /** The node whose secret becomes the epoch's `head_secret` and whose key is the epoch key. */
  readonly head: NodeIndex;
  /** Someone was removed: read tokens and subscriptions of earlier epochs end. */
  readonly locksOutEarlierTokens: boolean;
  /** Nothing was removed, demoted or switched: messages of the old epoch still count for a moment. */
  readonly allowsGrace: boolean;
}
