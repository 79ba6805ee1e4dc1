/** Commands about the people of a group. */
import type { Role } from '@conclave/sdk';
import { ChatError } from './chat-error.ts';
import type { Chat } from './chat.ts';
import { choose } from './choose.ts';
import type { Command } from './command.ts';
import { displayWidth, padWidth } from './display-width.ts';
import { describeTarget, findMembers, type MemberTarget } from './find-by-name.ts';
import { clockTime, dayOf, shortId } from './message-lines.ts';
import { printableName } from './printable.ts';
import { memberFlags } from './warning-text.ts';

export const memberCommands: readonly Command[] = [
  {
    name: 'members',
    parameters: '',
    summary: 'who is here, with roles and devices, and open invites',
    async run(chat) {
      chat.terminal.print(memberTable(chat));
    },
  },
  {
    name: 'remove',
    parameters: 'NAME | invite N',
    summary: 'remove a member with all devices, or withdraw an invite',
    completes: 'member',
    run: removeMember,
  },
  {
    name: 'role',
    parameters: 'NAME ROLE',
    summary: 'make somebody owner, admin, member or reader',
    completes: 'member',
    async run(chat, argument, signal) {
      const [, name, roleText] = /^(.+?)\s+(\S+)$/s.exec(argument) ?? [];
      if (name === undefined || roleText === undefined)
        throw new ChatError('CHAT_USAGE', 'It is /role NAME ROLE, with owner, admin, member or reader');
      const role = parseRole(roleText);
      const target = await chooseMember(chat, name);
      if (target.kind === 'invite')
        throw new ChatError('CHAT_USAGE', 'An open invite keeps its role: /remove it and make another');
      await chat.group.setRole(target.member.id, role, { signal });
    },
  },
  {
    name: 'fingerprint',
    parameters: '',
    summary: 'digits to compare with other members over another channel',
    async run(chat) {
      const groups = chat.group.fingerprint().split(' ');
      const rows = [0, 4, 8].map((from) => `  ${groups.slice(from, from + 4).join(' ')}`);
      chat.terminal.print(
        [
          ...rows,
          chat.styles.quiet(
            '  Every member who sees these digits now holds the same keys of the same group.',
          ),
          chat.styles.quiet(
            '  They change whenever somebody joins, leaves or renews keys: compare at the same time.',
          ),
        ].join('\n'),
      );
    },
  },
];

const roles: readonly Role[] = ['owner', 'admin', 'member', 'reader'];

export function parseRole(text: string): Role {
  const role = roles.find((known) => known === text.toLowerCase());
  if (role === undefined) throw new ChatError('CHAT_USAGE', 'The roles are owner, admin, member and reader');
  return role;
}

async function removeMember(chat: Chat, name: string, signal: AbortSignal): Promise<void> {
  if (name === '') throw new ChatError('CHAT_USAGE', 'Whom? /remove NAME');
  const target = await chooseMember(chat, name);
  if (target.kind === 'invite') {
    await chat.group.remove({ leaf: target.invite.leaf }, { signal });
    return;
  }
  if (target.member.isMe) throw new ChatError('CHAT_USAGE', 'To go yourself, /leave');
  chat.expectDescendants = true;
  try {
    const { descendants } = await chat.group.remove(target.member.id, { signal });
    if (descendants.length === 0) return;
    const names = descendants.map((member) => printableName(member.name)).join(', ');
    if (!chat.terminal.interactive) {
      chat.say(`— ${printableName(target.member.name)} had invited: ${names} (still here)`);
      return;
    }
    const answer = await chat.terminal.ask(
      `${printableName(target.member.name)} had invited ${names}. Remove them too? [y/N] `,
    );
    if (!/^y(es)?$/i.test((answer ?? '').trim())) return;
    for (const { id } of descendants) await chat.group.remove(id, { signal });
  } finally {
    chat.expectDescendants = false;
  }
}

async function chooseMember(chat: Chat, name: string): Promise<MemberTarget> {
  return await choose(chat.terminal, {
    candidates: findMembers(chat.group.members(), name),
    describe: describeTarget,
    question: `Which ${printableName(name)}?`,
    none: {
      code: 'CHAT_NO_SUCH_MEMBER',
      message: `There is no member ${printableName(name)}: /members lists them`,
    },
  });
}

function memberTable(chat: Chat): string {
  const { group, styles } = chat;
  const { members, pending, unlistedLeaves, unknownLeaves } = group.members();
  const nameById = new Map(members.map(({ id, name }) => [id, printableName(name)]));
  const rows: [string, string, string][] = [
    ...members.map((member): [string, string, string] => [
      `${printableName(member.name)} ${shortId(member.id)}`,
      member.role,
      [
        ...memberFlags(member),
        member.devices
          .map(({ name, isThis, isLeaving }) =>
            [
              printableName(name, 30),
              ...(isThis ? ['(this one)'] : []),
              ...(isLeaving ? ['(leaving)'] : []),
            ].join(' '),
          )
          .join(', '),
      ].join(' · '),
    ]),
    ...pending.map(({ leaf, role, expiresAtMs, isExpired, invitedBy }): [string, string, string] => [
      `invite ${leaf}`,
      role,
      `${isExpired ? 'expired' : `open until ${clockTime(expiresAtMs)}, ${dayOf(expiresAtMs)}`}, by ${nameById.get(invitedBy ?? '') ?? 'somebody who is gone'}`,
    ]),
    ...unlistedLeaves.map((leaf): [string, string, string] => [
      `position ${leaf}`,
      '?',
      'joined without saying who it is; an admin’s program removes it',
    ]),
    ...unknownLeaves.map((leaf): [string, string, string] => [
      `position ${leaf}`,
      '?',
      'this device does not know yet who that is',
    ]),
  ];
  const widths = [0, 1].map((column) => Math.max(...rows.map((row) => displayWidth(row[column] ?? ''))));
  return rows
    .map(
      ([name, role, rest]) =>
        `  ${padWidth(name, widths[0] ?? 0)}  ${padWidth(role, widths[1] ?? 0)}  ${styles.quiet(rest)}`,
    )
    .join('\n');
}
