/** A verified commit as events: what it changed, what was wrong with it, and what it gives administrators to do. */
import type { CommitEffect } from '../commit/index.ts';
import type { PayloadFindings } from '../identity/index.ts';
import type { LeafIndex, TreeReader } from '../tree/index.ts';
import { administers, isPending, leafAt } from '../tree/index.ts';
import type { InstanceKey } from '../tree/index.ts';
import { instanceKey, isLeaf } from '../tree/index.ts';
import type { GroupEvent } from './group-event.ts';
import type { MemberState } from './member-state.ts';
import { ownLeaf } from './member-state.ts';

export interface CommitNotes {
  readonly findings: PayloadFindings;
  /** Made by this member. */
  readonly own: boolean;
  readonly slow: boolean;
}

/** `state` is that before the commit. */
export function describeCommit(state: MemberState, effect: CommitEffect, notes: CommitNotes): GroupEvent[] {
  const { plan } = effect;
  const { committer, draft, joined } = plan;
  const { findings } = notes;
  const events: GroupEvent[] = [];
  for (const leaf of plan.removed) {
    const before = state.group.tree.leaf(leaf);
    const wasPending = before !== undefined && isPending(before);
    events.push({ kind: 'member-removed', leaf, by: committer, wasPending, entry: state.roster.entry(leaf) });
  }
  events.push(...roleChanges(state, effect));
  for (const { leaf } of plan.added) {
    const { role, device, expiresAtMs } = draft.leaf(leaf)!;
    events.push({ kind: 'leaf-added', leaf, role, addedBy: committer, device, expiresAtMs, mine: notes.own });
  }
  if (joined !== undefined) events.push({ kind: 'member-joined', leaf: joined, entry: findings.entry });
  if (!plan.allowsGrace && !isSameMode(state, effect))
    events.push({ kind: 'mode-changed', mode: effect.mode });
  if (findings.profile !== undefined) {
    events.push({ kind: 'profile-changed', profile: findings.profile, by: committer });
  }
  if (findings.flags.length > 0) events.push({ kind: 'commit-flagged', committer, flags: findings.flags });
  if (notes.slow) events.push({ kind: 'slow-opening', committer });
  events.push(...duties(state, effect, notes));
  events.push({ kind: 'epoch-changed', epoch: effect.epoch, committer, nowMs: effect.nowMs });
  return events;
}

function roleChanges(state: MemberState, { changes }: CommitEffect): GroupEvent[] {
  const events: GroupEvent[] = [];
  for (const [node, after] of changes.nodes) {
    if (!isLeaf(node) || after?.kind !== 'leaf') continue;
    const before = state.group.tree.leaf(leafAt(node));
    if (before !== undefined && before.epoch === after.epoch && before.role !== after.role) {
      events.push({ kind: 'role-changed', leaf: leafAt(node), from: before.role, to: after.role });
    }
  }
  return events;
}

function isSameMode(state: MemberState, { mode }: CommitEffect): boolean {
  const before = state.group.mode;
  return (
    before.leafProof === mode.leafProof &&
    before.minWriter === mode.minWriter &&
    before.ownDevices === mode.ownDevices
  );
}

/** What owners and admins have to look after [F1]. */
function duties(state: MemberState, { plan }: CommitEffect, { findings }: CommitNotes): GroupEvent[] {
  const me = ownLeaf(state);
  if (me === undefined || isPending(me) || !administers(me.role)) return [];
  const events: GroupEvent[] = [];
  if (plan.joined !== undefined && findings.entry === undefined) {
    events.push({ kind: 'unlisted-leaf', leaf: plan.joined });
  }
  for (const removed of plan.removed) {
    const leaves = descendants(state.group.tree, removed).filter((leaf) => !plan.removed.includes(leaf));
    if (leaves.length > 0) events.push({ kind: 'descendants-remain', removed, leaves });
  }
  return events;
}

/** Joined leaves that the leaf added, and those that they added, and so on; ascending. */
function descendants(tree: TreeReader, removed: LeafIndex): LeafIndex[] {
  const root = tree.leaf(removed);
  if (root === undefined || isPending(root)) return [];
  const childrenOf = new Map<InstanceKey, LeafIndex[]>();
  for (let at = 0; at < tree.leafCount; at++) {
    const index = at as LeafIndex;
    const adder = tree.leaf(index)?.addedBy;
    if (adder === undefined) continue;
    const children = childrenOf.get(instanceKey(adder)) ?? [];
    children.push(index);
    childrenOf.set(instanceKey(adder), children);
  }
  const found: LeafIndex[] = [];
  const visit = (index: LeafIndex): void => {
    for (const child of childrenOf.get(instanceKey({ leaf: index, epoch: tree.leaf(index)!.epoch })) ?? []) {
      if (!isPending(tree.leaf(child)!)) found.push(child);
      visit(child);
    }
  };
  visit(removed);
  return found.sort((a, b) => a - b);
}
