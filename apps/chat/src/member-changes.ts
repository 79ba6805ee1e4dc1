/** What changed between two lists of members, as sentences. The SDK tells that something changed; people want to know what. */
import type { Member, MemberList } from '@conclave/sdk';
import { printableName } from './printable.ts';

export function describeMemberChanges(
  before: MemberList,
  after: MemberList,
  nameOf: (member: Pick<Member, 'id' | 'name'>) => string,
): string[] {
  const sentences: string[] = [];
  const beforeById = new Map(before.members.map((member) => [member.id, member]));
  const afterById = new Map(after.members.map((member) => [member.id, member]));
  for (const member of after.members) {
    const known = beforeById.get(member.id);
    sentences.push(...(known === undefined ? [arrival(member, nameOf)] : changesOf(known, member, nameOf)));
  }
  for (const member of before.members) {
    if (afterById.has(member.id) || member.isMe) continue;
    const left = member.devices.every(({ isLeaving }) => isLeaving);
    sentences.push(`${nameOf(member)} ${left ? 'left' : 'was removed'}`);
  }
  const stillPending = new Set(after.pending.map(({ leaf }) => leaf));
  const joinedLeaves = new Set(after.members.flatMap(({ devices }) => devices.map(({ leaf }) => leaf)));
  const withdrawn = before.pending.filter(({ leaf }) => !stillPending.has(leaf) && !joinedLeaves.has(leaf));
  for (const { leaf, isExpired } of withdrawn)
    sentences.push(`invite ${leaf} ${isExpired ? 'expired' : 'was withdrawn'}`);
  return sentences;
}

function arrival(member: Member, nameOf: (member: Member) => string): string {
  const role = member.role === 'member' ? '' : ` as ${member.role}`;
  return member.isMe ? `you joined${role}` : `${nameOf(member)} joined${role}`;
}

function changesOf(before: Member, after: Member, nameOf: (member: Member) => string): string[] {
  const who = after.isMe ? 'you' : nameOf(after);
  const is = after.isMe ? 'are' : 'is';
  const sentences: string[] = [];
  if (before.name !== after.name)
    sentences.push(`${printableName(before.name)} ${is} now called ${nameOf(after)}`);
  if (before.role !== after.role) sentences.push(`${who} ${is} now ${after.role}`);
  const known = new Map(before.devices.map((device) => [device.leaf, device]));
  const remaining = new Set(after.devices.map(({ leaf }) => leaf));
  for (const device of after.devices) {
    const name = printableName(device.name, 30);
    const earlier = known.get(device.leaf);
    if (earlier === undefined) sentences.push(`${who} joined with a further device: ${name}`);
    else if (!earlier.isLeaving && device.isLeaving) {
      const all = after.devices.every(({ isLeaving }) => isLeaving);
      sentences.push(all ? `${who} ${is} leaving` : `${who} ${is} leaving with the device ${name}`);
    }
  }
  for (const device of before.devices)
    if (!remaining.has(device.leaf))
      sentences.push(`the device ${printableName(device.name, 30)} of ${who} is no longer here`);
  return sentences;
}
