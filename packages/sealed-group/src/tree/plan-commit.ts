/**
 * The plan of a commit: from the tree before it and what the frame says, the tree after it, who must receive which secret,
 * and whether the committer may do all this (docs/sealed-groups.md §5). Structure and authority only, no cryptography; a
 * pure function that the committer, the delivery service and every member compute alike. It never changes `tree`.
 *
 * ```
 *  committer known, pending? ── first commit: nothing but the path
 *       │
 *  judge each operation against the tree before
 *       │
 *  devices go down with their adder ▸ cascades ▸ set-role ▸ remove (▸ truncate) ▸ add (▸ extend) ▸ fill ▸ path        on a draft
 *       │                                                   │       │
 *  owner left? leaf proofs?                                  new keys are awaited
 *       │
 *  recipients of every seal, from the finished structure
 * ```
 */
import type { Result } from '../result.ts';
import { accept, violation } from '../result.ts';
import { maxAdds, maxFrameBytes, maxSealedNodes, recipientBytes } from '../wire/limits.ts';
import { cascade, lowerDevices } from './cascade.ts';
import type {
  AddedLeaf,
  CommitInput,
  CommitPlan,
  LeaveToVerify,
  PlannedSeal,
  TreeOperation,
} from './commit-plan.ts';
import { checkFills, chooseFills } from './fill.ts';
import type { OperationOf } from './operation-authority.ts';
import {
  demandsLeafProof,
  judgeAdd,
  judgeRemove,
  judgeSetMode,
  judgeSetRole,
  maxDeviceLeaves,
} from './operation-authority.ts';
import type { GroupMode, Role } from './roles.ts';
import { isBelow } from './roles.ts';
import { TreeDraft } from './tree-draft.ts';
import type { LeafIndex, NodeIndex } from './tree-math.ts';
import { leafNode, left, right, toLeafIndex } from './tree-math.ts';
import type { Instance, LeafNode } from './tree-node.ts';
import { isExpired, isPending } from './tree-node.ts';
import { filteredDirectPath, resolution } from './tree-reader.ts';
import type { TreeReader } from './tree-reader.ts';

/**
 * 3,833: a frame has room for no more. What else stands in it leaves room for fewer, about 3,820; how many exactly, the
 * committer learns from `checkCommitSize`, and everybody else by the size of the frame.
 */
export const maxRecipients = Math.floor(maxFrameBytes / recipientBytes);

export function planCommit(tree: TreeReader, input: CommitInput): Result<CommitPlan> {
  if (input.fills.length > maxSealedNodes) return violation('tree/seal-limit');
  const reshaped = reshape(tree, input);
  if (!reshaped.ok) return reshaped;
  const { draft, committer, instance } = reshaped.value;

  const fills = checkFills(draft, instance, input.fills);
  if (!fills.ok) return fills;
  // Skipped nodes need no blanking here: when the last leaf on one side of a node went, the node was blanked.
  const path = filteredDirectPath(draft, committer);
  if (fills.value.length + path.kept.length > maxSealedNodes) return violation('tree/seal-limit');
  for (const node of [...fills.value, leafNode(committer), ...path.kept]) draft.awaitKey(node);

  const seals = planSeals(draft, fills.value, path.kept);
  if (!seals.ok) return seals;
  return accept({
    draft,
    committer,
    newMode: reshaped.value.newMode,
    added: reshaped.value.added,
    removed: reshaped.value.removed,
    demoted: reshaped.value.demoted,
    joined: reshaped.value.joins ? committer : undefined,
    seals: seals.value,
    leavesToVerify: reshaped.value.leavesToVerify,
    head: path.kept.at(-1) ?? leafNode(committer),
    locksOutEarlierTokens: reshaped.value.removed.length > 0,
    allowsGrace:
      reshaped.value.removed.length === 0 &&
      reshaped.value.demoted.length === 0 &&
      !reshaped.value.switchesMode,
  });
}

/**
 * The fill list that an inviter should put into its commit, so that a group of a thousand invitees has logarithmic commits
 * from the start: `input` as for `planCommit`, its own fill list ignored. A broken rule is reported as `planCommit` would.
 */
export function suggestFills(tree: TreeReader, input: CommitInput): Result<readonly NodeIndex[]> {
  const reshaped = reshape(tree, input);
  if (!reshaped.ok) return reshaped;
  const { draft, committer, instance } = reshaped.value;
  const pathLength = filteredDirectPath(draft, committer).kept.length;
  return accept(chooseFills(draft, instance, maxSealedNodes - pathLength));
}

interface Reshaped {
  readonly draft: TreeDraft;
  readonly committer: LeafIndex;
  readonly instance: Instance;
  readonly joins: boolean;
  readonly newMode: GroupMode;
  readonly switchesMode: boolean;
  readonly added: readonly AddedLeaf[];
  readonly removed: readonly LeafIndex[];
  readonly demoted: readonly LeafIndex[];
  readonly leavesToVerify: readonly LeaveToVerify[];
}

/** Everything up to the fills: who may do what, and the leaves afterwards. */
function reshape(tree: TreeReader, input: CommitInput): Result<Reshaped> {
  const committer = toLeafIndex(input.committer, tree.leafCount);
  const leaf = committer === undefined ? undefined : tree.leaf(committer);
  if (committer === undefined || leaf === undefined) return violation('tree/known-committer');
  const joins = isPending(leaf);
  if (joins && (input.operations.length > 0 || input.fills.length > 0))
    return violation('tree/first-commit-only');
  if (isExpired(leaf, input.nowMs)) return violation('tree/first-commit-in-time');
  const instance: Instance = { leaf: committer, epoch: leaf.epoch };

  const roles = judgeRoles(tree, input, committer, leaf);
  if (!roles.ok) return roles;
  const actor: LeafNode = {
    ...leaf,
    role: roles.value.explicit.get(committer) ?? roles.value.lowered.get(committer) ?? leaf.role,
    expiresAtMs: undefined,
  };
  const removals = judgeRemovals(tree, input, committer, actor.role, roles.value);
  if (!removals.ok) return removals;
  const mode = judgeMode(input, actor.role);
  if (!mode.ok) return mode;
  const newLeaves = judgeAdds(input, instance, actor, mode.value);
  if (!newLeaves.ok) return newLeaves;

  const { explicit, leavesToVerify } = removals.value;
  const lowered = [...roles.value.lowered].filter(([device]) => !explicit.has(device));
  const demoted = [...roles.value.demoted, ...lowered.map(([device]) => device)];
  const removed = new Set([...explicit, ...cascade(tree, [...explicit, ...demoted])]);
  const draft = new TreeDraft(tree);
  for (const [target, role] of [...roles.value.explicit, ...lowered])
    draft.changeLeaf(target, { ...tree.leaf(target)!, role });
  draft.changeLeaf(committer, actor);
  const removedAscending = [...removed].sort((a, b) => a - b);
  draft.removeLeaves(removedAscending);
  const places = draft.addLeaves(newLeaves.value.map(({ node }) => node));
  if (!places.ok) return places;
  if (draft.deviceLeavesAddedBy(instance).length > maxDeviceLeaves) return violation('tree/device-limit');

  const counts = draft.roleCounts();
  if (counts.joined.owner === 0) return violation('tree/last-owner');
  if (demandsLeafProof(mode.value, counts.joined.reader + counts.pending.reader) && !mode.value.leafProof)
    return violation('tree/leaf-proof-required');
  return accept({
    draft,
    committer,
    instance,
    joins,
    newMode: mode.value,
    switchesMode: input.operations.some(({ kind }) => kind === 'set-mode'),
    added: places.value.map((place, i) => ({ leaf: place, operation: newLeaves.value[i]!.operation })),
    removed: removedAscending,
    demoted: demoted.toSorted((a, b) => a - b),
    leavesToVerify,
  });
}

interface JudgedRoles {
  /** By the operations. */
  readonly explicit: ReadonlyMap<LeafIndex, Role>;
  /** Device leaves that go down with their adder, if they are not removed. */
  readonly lowered: ReadonlyMap<LeafIndex, Role>;
  /** Of the explicit ones. */
  readonly demoted: readonly LeafIndex[];
}

function judgeRoles(
  tree: TreeReader,
  input: CommitInput,
  committer: LeafIndex,
  actor: LeafNode,
): Result<JudgedRoles> {
  const explicit = new Map<LeafIndex, Role>();
  const demoted: LeafIndex[] = [];
  for (const operation of operationsOf(input, 'set-role')) {
    const target = findTarget(tree, operation.leaf);
    if (!target.ok) return target;
    const { index, leaf } = target.value;
    if (explicit.has(index)) return violation('tree/one-operation-per-leaf', `leaf ${index}`);
    const broken = judgeSetRole(actor.role, leaf, operation.role, index === committer);
    if (broken !== undefined) return broken;
    explicit.set(index, operation.role);
    if (isBelow(operation.role, leaf.role)) demoted.push(index);
  }
  for (const [index, role] of explicit) {
    const adder = adderOfDevice(tree, index);
    const limit = adder === undefined ? undefined : (explicit.get(adder) ?? tree.leaf(adder)!.role);
    if (limit !== undefined && isBelow(limit, role)) return violation('tree/role-given', `leaf ${index}`);
  }
  return accept({ explicit, demoted, lowered: lowerDevices(tree, explicit) });
}

/** Undefined if the leaf is no device, or its adder is gone. */
function adderOfDevice(tree: TreeReader, index: LeafIndex): LeafIndex | undefined {
  const leaf = tree.leaf(index);
  if (leaf?.addedBy === undefined || !leaf.device) return undefined;
  const { leaf: adder, epoch } = leaf.addedBy;
  return tree.leaf(adder)?.epoch === epoch ? adder : undefined;
}

interface JudgedRemovals {
  readonly explicit: ReadonlySet<LeafIndex>;
  readonly leavesToVerify: readonly LeaveToVerify[];
}

function judgeRemovals(
  tree: TreeReader,
  input: CommitInput,
  committer: LeafIndex,
  actorRole: Role,
  roles: JudgedRoles,
): Result<JudgedRemovals> {
  const explicit = new Set<LeafIndex>();
  const leavesToVerify: LeaveToVerify[] = [];
  for (const operation of operationsOf(input, 'remove')) {
    const target = findTarget(tree, operation.leaf);
    if (!target.ok) return target;
    const { index, leaf } = target.value;
    if (explicit.has(index) || roles.explicit.has(index))
      return violation('tree/one-operation-per-leaf', `leaf ${index}`);
    if (index === committer) return violation('tree/own-leaf');
    const broken = judgeRemove(actorRole, leaf, operation, input.nowMs);
    if (broken !== undefined) return broken;
    explicit.add(index);
    if (operation.leaveSignature !== undefined)
      leavesToVerify.push({
        leaf: index,
        instance: { leaf: index, epoch: leaf.epoch },
        publicKey: leaf.publicKey,
        signature: operation.leaveSignature,
      });
  }
  return accept({ explicit, leavesToVerify });
}

function judgeMode(input: CommitInput, actorRole: Role): Result<GroupMode> {
  const changes = operationsOf(input, 'set-mode');
  if (changes.length > 1) return violation('tree/one-mode');
  if (changes[0] === undefined) return accept(input.mode);
  return judgeSetMode(actorRole) ?? accept(changes[0].mode);
}

function judgeAdds(
  input: CommitInput,
  adder: Instance,
  actor: LeafNode,
  mode: GroupMode,
): Result<{ operation: number; node: LeafNode }[]> {
  const added: { operation: number; node: LeafNode }[] = [];
  for (const [index, operation] of input.operations.entries()) {
    if (operation.kind !== 'add') continue;
    if (added.length === maxAdds) return violation('tree/add-limit');
    const broken = judgeAdd(actor, operation, mode, input.nowMs);
    if (broken !== undefined) return broken;
    const node: LeafNode = {
      kind: 'leaf',
      publicKey: operation.leafKey,
      role: operation.role,
      epoch: input.newEpoch,
      addedBy: adder,
      device: operation.device,
      expiresAtMs: operation.expiresAtMs,
    };
    added.push({ operation: index, node });
  }
  return accept(added);
}

/** The path side of a path node resolves to the path node (or own leaf) below it: what lies between is blank. */
function planSeals(
  draft: TreeDraft,
  fills: readonly NodeIndex[],
  path: readonly NodeIndex[],
): Result<readonly PlannedSeal[]> {
  const seals: PlannedSeal[] = [];
  let room = maxRecipients;
  for (const [kind, nodes] of [
    ['fill', fills],
    ['path', path],
  ] as const) {
    for (const node of nodes) {
      const recipients = [...resolution(draft, left(node), room), ...resolution(draft, right(node), room)];
      room -= recipients.length;
      if (room < 0) return violation('tree/recipient-limit', `more than ${maxRecipients} recipients`);
      seals.push({ node, kind, recipients });
    }
  }
  return accept(seals);
}

function findTarget(tree: TreeReader, index: number): Result<{ index: LeafIndex; leaf: LeafNode }> {
  const checked = toLeafIndex(index, tree.leafCount);
  const leaf = checked === undefined ? undefined : tree.leaf(checked);
  if (checked === undefined || leaf === undefined) return violation('tree/known-leaf', `leaf ${index}`);
  return accept({ index: checked, leaf });
}

function operationsOf<Kind extends TreeOperation['kind']>(
  input: CommitInput,
  kind: Kind,
): OperationOf<Kind>[] {
  return input.operations.filter((operation): operation is OperationOf<Kind> => operation.kind === kind);
}
