/**
 * Who may do what to whom (docs/sealed-groups.md §5 "Roles", §3 of the decisions). Each function judges one operation of a
 * joined committer against the tree before the commit and returns the broken rule, or undefined. Called by `planCommit`.
 *
 * Set-role is judged by the committer's role before the commit; remove, add and set-mode by its role after its set-role
 * operations: who lowers itself in a hand-over acts with the lower role from there on.
 */
import type { Violation } from '../result.ts';
import { violation } from '../result.ts';
import type { TreeOperation } from './commit-plan.ts';
import type { GroupMode, Role } from './roles.ts';
import { administers, isBelow } from './roles.ts';
import type { LeafNode } from './tree-node.ts';
import { isExpired, isPending } from './tree-node.ts';

export type OperationOf<Kind extends TreeOperation['kind']> = Extract<TreeOperation, { kind: Kind }>;

/** An added leaf may stay pending for at most this long. */
export const maxPendingMs = 30 * 24 * 60 * 60 * 1000;
/** Live device leaves, pending ones included, per adder. */
export const maxDeviceLeaves = 8;

/** `isSelf`: the target is the committer's own leaf. */
export function judgeSetRole(
  actor: Role,
  target: LeafNode,
  given: Role,
  isSelf: boolean,
): Violation | undefined {
  if (!administers(actor)) return violation('tree/set-role-authority');
  if (isPending(target)) return violation('tree/set-role-pending');
  if (given === target.role) return violation('tree/role-unchanged');
  if (isSelf) return isBelow(given, target.role) ? undefined : violation('tree/own-leaf');
  if (target.role === 'owner' && actor !== 'owner') return violation('tree/owner-target');
  if (!mayGive(actor, given)) return violation('tree/role-given');
  return undefined;
}

/** A removal that names a leave signature relies on it, whoever the committer is: the signature is verified elsewhere. */
export function judgeRemove(
  actor: Role,
  target: LeafNode,
  operation: OperationOf<'remove'>,
  nowMs: number,
): Violation | undefined {
  if (operation.leaveSignature !== undefined || isExpired(target, nowMs)) return undefined;
  if (!administers(actor)) return violation('tree/remove-authority');
  if (target.role === 'owner' && actor !== 'owner') return violation('tree/owner-target');
  return undefined;
}

/** `actor` is the committer's leaf with its role after set-role; `mode` the mode after the commit. Counts are judged elsewhere. */
export function judgeAdd(
  actor: LeafNode,
  operation: OperationOf<'add'>,
  mode: GroupMode,
  nowMs: number,
): Violation | undefined {
  if (actor.device) return violation('tree/device-adds');
  if (operation.device) {
    if (!mode.ownDevices) return violation('tree/devices-off');
    if (actor.role === 'reader') return violation('tree/add-authority');
    if (isBelow(actor.role, operation.role)) return violation('tree/role-given');
  } else {
    if (!administers(actor.role)) return violation('tree/add-authority');
    if (!mayGive(actor.role, operation.role)) return violation('tree/role-given');
  }
  const { expiresAtMs } = operation;
  if (!Number.isSafeInteger(expiresAtMs) || expiresAtMs <= nowMs || expiresAtMs > nowMs + maxPendingMs)
    return violation('tree/expiry-range');
  return undefined;
}

export function judgeSetMode(actor: Role): Violation | undefined {
  return administers(actor) ? undefined : violation('tree/mode-authority');
}

/** [F13]: without leaf proofs a reader's messages could not be told from a writer's. */
export function demandsLeafProof(mode: GroupMode, readers: number): boolean {
  return readers > 0 || mode.minWriter !== 'member';
}

function mayGive(actor: Role, given: Role): boolean {
  return actor === 'owner' || isBelow(given, actor);
}
