/**
 * What is kept of sealed groups. Nothing here names a member: leaves are positions, keys are random points, and the only
 * account is the creator's. Group ids are base64url text, everything secret is sealed before it arrives.
 */
export interface SealedGroupTables {
  sealed_groups: SealedGroupsTable;
  sealed_frames: SealedFramesTable;
  sealed_subtrees: SealedSubtreesTable;
  sealed_epochs: SealedEpochsTable;
  sealed_leaves: SealedLeavesTable;
  sealed_budgets: SealedBudgetsTable;
  sealed_blobs: SealedBlobsTable;
  attachment_sweep: AttachmentSweepTable;
}

/** One row a group: all that a post must agree with, and the row that decides between concurrent posts. */
export interface SealedGroupsTable {
  group_id: string;
  /** Creating needs an account; nothing later does. */
  creator: string;
  created_at_ms: number;
  epoch: number;
  /** Sequence number of the newest frame; frames are numbered from 1 without gaps. */
  last_seq: number;
  /** The public state besides tree and leaves: JSON, see group-state.ts. */
  state: string;
  /** JSON, see group-state.ts: the next epoch is reserved for a removal that lost its race. */
  reservation: string | null;
  /** The tree of this epoch, and of all since, can be read; older ones were given up (collect-history.ts). */
  oldest_epoch: number;
  /** With `collected_node` the last row, by epoch and node, whose predecessor was deleted, as far as epochs were given up. */
  collected_epoch: number;
  collected_node: number;
  /** When the epoch after the oldest was made; null while the oldest is the current one. */
  oldest_superseded_at_ms: number | null;
  /** Bytes of all stored blobs of the group. */
  blob_bytes: number;
}

export interface SealedFramesTable {
  group_id: string;
  seq: number;
  /** create, commit, message or leave. */
  kind: string;
  epoch: number;
  /** By the sender's clock; part of the body. First in the index, so that what is posted now stands side by side there. */
  sent_at_ms: number;
  /** With the time unique, in all groups: a frame posted twice is stored once. */
  body_hash: Uint8Array;
  frame: Uint8Array;
  accepted_at_ms: number;
}

/**
 * Versions of tree nodes and of what stands under them: what is true of a node in epoch n is its newest row with epoch ≤ n; a
 * node without one is blank and over nothing. A commit writes every node whose content or subtree changed.
 */
export interface SealedSubtreesTable {
  group_id: string;
  node: number;
  epoch: number;
  /** Null: blank. */
  content: Uint8Array | null;
  /** Of the whole subtree (docs/sealed-groups.md §3.3). Null: no leaf stands under the node, or its place is outside the tree. */
  hash: Uint8Array | null;
}

/** One row an epoch: what is needed to show its tree, and to answer a frame that is posted again. */
export interface SealedEpochsTable {
  group_id: string;
  epoch: number;
  leaf_count: number;
  tree_hash: Uint8Array;
  /** Sequence number of the frame that made the epoch. */
  seq: number;
  made_at_ms: number;
}

/** Leaves that were posted and not yet carried out. */
export interface SealedLeavesTable {
  group_id: string;
  leaf: number;
  leaf_epoch: number;
  signature: Uint8Array;
}

/** Commit budgets of leaves; pending leaves and devices are charged to the leaf that added them. */
export interface SealedBudgetsTable {
  group_id: string;
  leaf: number;
  leaf_epoch: number;
  wait_until_ms: number;
  next_wait_ms: number;
  reserved_at_ms: number | null;
}

export interface SealedBlobsTable {
  group_id: string;
  blob_id: string;
  /** Where the octets lie in the blob store. New for every upload, so that two uploads never share a place. */
  storage_key: string;
  size: number;
  sha256: Uint8Array;
  /** SHA-256 of the capability whose holder may delete the blob. */
  delete_hash: Uint8Array;
  created_at_ms: number;
}

/** One row. */
export interface AttachmentSweepTable {
  id: 1;
  /** The page of the blob store at which the sweep goes on; null: at the first. */
  from_page: string | null;
}
