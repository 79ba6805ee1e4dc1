/** Leaves as people: groups the leaves of one identity, finds who is who. Pure views over a `SealedGroup`. */
import { rank, type Member as Leaf, type Role, type SealedGroup } from '@conclave/sealed-group';
import { encodeBase64url } from '../encoding/base64url.ts';
import type { Member, MemberDevice, MemberId, MemberList, PendingMember, Sender } from './group-types.ts';

export function listMembers(group: SealedGroup, nowMs: number): MemberList {
  const leaves = group.members();
  const leavesById = new Map<MemberId, Leaf[]>();
  for (const leaf of leaves) {
    if (leaf.entry === undefined || leaf.isPending) continue;
    const id = encodeBase64url(leaf.entry.identityKey);
    leavesById.set(id, [...(leavesById.get(id) ?? []), leaf]);
  }
  return {
    members: [...leavesById].map(([id, own]) => toMember(id, own)),
    pending: leaves.filter((leaf) => leaf.isPending).map((leaf) => toPending(group, leaf, nowMs)),
    unlistedLeaves: leavesStanding(leaves, 'unlisted'),
    unknownLeaves: leavesStanding(leaves, 'unknown'),
  };
}

function leavesStanding(leaves: readonly Leaf[], wanted: Leaf['standing']): number[] {
  return leaves.filter(({ standing }) => standing === wanted).map(({ instance }) => instance.leaf);
}

export function findMember(group: SealedGroup, id: MemberId): Member | undefined {
  return listMembers(group, 0).members.find((member) => member.id === id);
}

export function memberIdOf(group: SealedGroup, leaf: number): MemberId | undefined {
  const entry = group.members().find(({ instance }) => instance.leaf === leaf)?.entry;
  return entry === undefined ? undefined : encodeBase64url(entry.identityKey);
}

/** The own joined leaf, or the pending one. Undefined once removed. */
export function ownLeafOf(group: SealedGroup): Leaf | undefined {
  return group.members().find(({ isMe }) => isMe);
}

export function senderOf(
  leaf: number,
  entry: { readonly identityKey: Uint8Array; readonly name: string; readonly deviceName: string } | undefined,
): Sender {
  return {
    id: entry === undefined ? `leaf-${leaf}` : encodeBase64url(entry.identityKey),
    name: entry?.name ?? '',
    device: entry?.deviceName ?? '',
    leaf,
  };
}

function toMember(id: MemberId, leaves: readonly Leaf[]): Member {
  const first = leaves[0]!;
  return {
    id,
    name: first.entry?.name ?? '',
    role: leaves.map(({ role }) => role).reduce(higher),
    isMe: leaves.some(({ isMe }) => isMe),
    devices: leaves.map((leaf): MemberDevice => ({
      leaf: leaf.instance.leaf,
      name: leaf.entry?.deviceName ?? '',
      role: leaf.role,
      isFurtherDevice: leaf.device,
      isThis: leaf.isMe,
      isLeaving: leaf.isLeaving,
    })),
  };
}

function toPending(group: SealedGroup, leaf: Leaf, nowMs: number): PendingMember {
  const expiresAtMs = leaf.expiresAtMs ?? 0;
  return {
    leaf: leaf.instance.leaf,
    role: leaf.role,
    expiresAtMs,
    isExpired: expiresAtMs <= nowMs,
    invitedBy: leaf.addedBy === undefined ? undefined : memberIdOf(group, leaf.addedBy.leaf),
  };
}

function higher(a: Role, b: Role): Role {
  return rank(a) <= rank(b) ? a : b;
}
