/** Commands that found, join, show, switch and end groups. */
import { addressForOthers } from './invite-address.ts';
import { ChatError } from './chat-error.ts';
import type { Chat } from './chat.ts';
import { choose } from './choose.ts';
import type { Command } from './command.ts';
import { findGroups } from './find-by-name.ts';
import { inviteLines } from './invite-lines.ts';
import { parseRole } from './member-commands.ts';
import { printableName } from './printable.ts';

export const groupCommands: readonly Command[] = [
  {
    name: 'create',
    parameters: 'NAME',
    summary: 'found a group at your server',
    run: (chat, name, signal) => createGroup(chat, name, signal),
  },
  {
    name: 'join',
    parameters: '[LINK]',
    summary: 'join by an invite link',
    run: (chat, link, signal) => joinGroup(chat, link, signal),
  },
  {
    name: 'invite',
    parameters: '[ROLE]',
    summary: 'a link and QR code for one more member (or admin, reader, owner)',
    completes: 'role',
    async run(chat, argument, signal) {
      const role = argument === '' ? 'member' : parseRole(argument);
      const invite = await working(chat, 'making an invite', () => chat.group.invite({ role, signal }));
      const { link, reach } = await addressForOthers(invite.link);
      const columns = chat.terminal.interactive ? chat.terminal.columns : 0;
      chat.terminal.print(await inviteLines({ link, reach, role, expiresAtMs: invite.expiresAtMs, columns }));
    },
  },
  {
    name: 'groups',
    parameters: '',
    summary: 'your groups',
    async run(chat) {
      const groups = await chat.groups();
      if (groups.length === 0) chat.say('No groups yet: /create NAME or /join LINK');
      for (const group of groups) {
        const unread = chat.unreadOf(group.id);
        const mark = group.id === chat.currentId ? '*' : ' ';
        const facts = [
          new URL(group.server).host,
          ...(group.status === 'joined' ? [] : [statusWords[group.status]]),
          ...(unread === 0 ? [] : [`${unread} unread`]),
        ];
        chat.terminal.print(`${mark} ${chat.nameOf(group.id)}  ${chat.styles.quiet(facts.join(', '))}`);
      }
    },
  },
  {
    name: 'switch',
    parameters: 'GROUP',
    summary: 'show another group',
    completes: 'group',
    run: (chat, name) => openGroupByName(chat, name),
  },
  {
    name: 'rename',
    parameters: 'NAME',
    summary: 'give the group another name',
    async run(chat, name, signal) {
      if (name === '') throw new ChatError('CHAT_USAGE', 'How shall it be called? /rename NAME');
      await chat.group.rename(name, { signal });
    },
  },
  {
    name: 'broadcast',
    parameters: 'on|off',
    summary: 'whether only owners and admins write',
    completes: 'switch',
    async run(chat, argument, signal) {
      if (argument !== 'on' && argument !== 'off')
        throw new ChatError('CHAT_USAGE', 'It is /broadcast on or /broadcast off');
      await chat.group.setBroadcast(argument === 'on', { signal });
    },
  },
  {
    name: 'leave',
    parameters: '',
    summary: 'leave the group',
    async run(chat, _argument, signal) {
      const { group } = chat;
      if (chat.terminal.interactive) {
        const answer = await chat.terminal.ask(`Leave ${printableName(group.name)}? [y/N] `);
        if (!/^y(es)?$/i.test((answer ?? '').trim())) return;
      }
      await working(chat, 'leaving', () => group.leave({ signal }));
      chat.say('— you asked to leave; the next member online carries it out');
    },
  },
];

export async function createGroup(chat: Chat, typedName: string, signal: AbortSignal): Promise<void> {
  const name =
    typedName === '' ? ((await chat.terminal.ask('Name of the new group: ')) ?? '').trim() : typedName;
  if (name === '') throw new ChatError('CHAT_USAGE', 'A group needs a name: /create NAME');
  const group = await chat.account.use((accessToken) =>
    working(chat, 'founding the group', () => chat.client.createGroup({ name, accessToken, signal })),
  );
  await chat.show(group.id);
  chat.say('— /invite makes a link for somebody else');
}

export async function joinGroup(chat: Chat, typedLink: string, signal: AbortSignal): Promise<void> {
  const link = typedLink === '' ? ((await chat.terminal.ask('Invite link: ')) ?? '').trim() : typedLink;
  if (link === '') throw new ChatError('CHAT_USAGE', 'Paste the whole link: /join LINK');
  const group = await working(chat, 'joining', () => chat.client.join(link, { signal }));
  await chat.show(group.id);
}

export async function openGroupByName(chat: Chat, name: string): Promise<void> {
  if (name === '') throw new ChatError('CHAT_USAGE', 'Which one? /switch GROUP');
  const group = await choose(chat.terminal, {
    candidates: findGroups(await chat.groups(), name),
    describe: ({ id, name, server }) =>
      `${printableName(name)} at ${new URL(server).host}, ${id.slice(0, 5)}`,
    question: `Which ${printableName(name)}?`,
    none: {
      code: 'CHAT_NO_SUCH_GROUP',
      message: `There is no group ${printableName(name)}: /groups lists yours`,
    },
  });
  await chat.show(group.id);
}

/** Says beside the prompt what is going on, for as long as it goes on. */
export async function working<T>(chat: Chat, what: string, work: () => Promise<T>): Promise<T> {
  chat.setProgress(what);
  try {
    return await work();
  } finally {
    chat.setProgress(undefined);
  }
}

const statusWords = {
  creating: 'not yet confirmed by the server',
  joining: 'joining',
  leaving: 'leaving',
  removed: 'no longer a member',
  restored: 'history only',
} as const;
