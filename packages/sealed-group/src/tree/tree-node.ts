/** What stands in the public tree (docs/sealed-groups.md §3). Nodes are values: a change is a new node. */
import type { PublicKey } from '../signature/keys.ts';
import type { Role } from './roles.ts';
import type { LeafIndex } from './tree-math.ts';

/** One life of a leaf: its place and the epoch its adding commit made. Slots are reused, instances never. */
export interface Instance {
  readonly leaf: LeafIndex;
  readonly epoch: number;
}

export interface LeafNode {
  readonly kind: 'leaf';
  readonly publicKey: PublicKey;
  readonly role: Role;
  /** Epoch that the adding commit made; with the leaf's index it is the instance. */
  readonly epoch: number;
  /** The adder, kept for life, even after the adder is gone; undefined for the creator's leaf. */
  readonly addedBy: Instance | undefined;
  /** Added as one of the adder's own devices: shares its budget and may not add. */
  readonly device: boolean;
  /** Set while the leaf is pending: its first commit must be made before this time. */
  readonly expiresAtMs: number | undefined;
}

export interface ParentNode {
  readonly kind: 'parent';
  readonly publicKey: PublicKey;
  /** Leaves under the node that do not know its secret: ascending, no duplicates. */
  readonly unmergedLeaves: readonly LeafIndex[];
}

export type TreeNode = LeafNode | ParentNode;

declare const instanceKeyBrand: unique symbol;
/** An instance as a map key. */
export type InstanceKey = string & { readonly [instanceKeyBrand]: true };

export function instanceKey(instance: Instance): InstanceKey {
  return `${instance.leaf}:${instance.epoch}` as InstanceKey;
}

export function isSameInstance(a: Instance, b: Instance): boolean {
  return a.leaf === b.leaf && a.epoch === b.epoch;
}

export function isPending(leaf: LeafNode): boolean {
  return leaf.expiresAtMs !== undefined;
}

/** Whether the leaf is pending and its time is over: it counts as left. */
export function isExpired(leaf: LeafNode, nowMs: number): boolean {
  return leaf.expiresAtMs !== undefined && leaf.expiresAtMs <= nowMs;
}

/** Whether the leaf is pending and was added by this instance. */
export function isPendingOf(leaf: LeafNode, adder: Instance): boolean {
  return isPending(leaf) && leaf.addedBy !== undefined && isSameInstance(leaf.addedBy, adder);
}

/** A key as a map key: one character per byte. */
export function keyText(publicKey: PublicKey): string {
  // Spread, the array would be walked by its iterator: ten times as slow, for two keys of every node of a commit.
  return String.fromCharCode.apply(undefined, publicKey as unknown as number[]);
}
