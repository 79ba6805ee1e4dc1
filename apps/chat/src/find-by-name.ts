/** From what a person typed to a member, an open invite or a group. Case does not matter; a unique beginning is enough. */
import type { GroupSummary, Member, MemberList, PendingMember } from '@conclave/sdk';
import { shortId } from './message-lines.ts';
import { printableName } from './printable.ts';

export type MemberTarget =
  | { readonly kind: 'member'; readonly member: Member }
  | { readonly kind: 'invite'; readonly invite: PendingMember };

/** All that `text` may mean, best kind of match only. `invite 3` names an open invite, `#aB3d` a person by id. */
export function findMembers(list: MemberList, text: string): MemberTarget[] {
  const invite = /^invite\s+(\d+)$/i.exec(text.trim());
  if (invite !== null) {
    const leaf = Number(invite[1]);
    return list.pending
      .filter((pending) => pending.leaf === leaf)
      .map((pending) => ({ kind: 'invite', invite: pending }));
  }
  const [, name = '', id] = /^(.*?)\s*(#[\w-]+)?$/s.exec(text.trim()) ?? [];
  const byId =
    id === undefined ? list.members : list.members.filter((member) => `#${member.id}`.startsWith(id));
  if (name === '') return id === undefined ? [] : byId.map((member) => ({ kind: 'member', member }));
  return bestMatches(byId, name, (member) => member.name).map((member) => ({ kind: 'member', member }));
}

export function findGroups(groups: readonly GroupSummary[], text: string): GroupSummary[] {
  const living = groups.filter(({ status }) => status !== 'removed');
  const matches = bestMatches(living, text, (group) => group.name);
  if (matches.length > 0) return matches;
  return bestMatches(groups, text, (group) => group.name);
}

/** How a target is offered when a name is ambiguous. */
export function describeTarget(target: MemberTarget): string {
  if (target.kind === 'invite') return `invite ${target.invite.leaf} (${target.invite.role})`;
  const { member } = target;
  const devices = member.devices.map(({ name }) => printableName(name, 20)).join(', ');
  return `${printableName(member.name)} ${shortId(member.id)}, ${member.role}, ${devices}`;
}

function bestMatches<T>(candidates: readonly T[], text: string, nameOf: (candidate: T) => string): T[] {
  const wanted = plain(text);
  const exact = candidates.filter((candidate) => plain(nameOf(candidate)) === wanted);
  return exact.length > 0
    ? exact
    : candidates.filter((candidate) => plain(nameOf(candidate)).startsWith(wanted));
}

function plain(text: string): string {
  return printableName(text, 300).normalize('NFC').toLowerCase();
}
