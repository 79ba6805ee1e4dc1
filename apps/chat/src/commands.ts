/** All commands, and the way from a typed line to what it does. */
import { ChatError } from './chat-error.ts';
import type { Chat } from './chat.ts';
import type { Command } from './command.ts';
import { groupCommands } from './group-commands.ts';
import { memberCommands } from './member-commands.ts';
import { messageCommands } from './message-commands.ts';

export type LineOutcome = 'go-on' | 'quit';

const ownCommands: readonly Command[] = [
  {
    name: 'help',
    parameters: '',
    summary: 'this list',
    async run(chat) {
      const width = Math.max(...commands.map((command) => heading(command).length));
      chat.terminal.print(
        [
          ...commands.map(
            (command) => `  ${heading(command).padEnd(width)}  ${chat.styles.quiet(command.summary)}`,
          ),
          chat.styles.quiet(
            '  Everything else is sent; // at the beginning sends a line that starts with /.',
          ),
        ].join('\n'),
      );
    },
  },
  {
    name: 'quit',
    parameters: '',
    summary: 'end the program (also Ctrl-D)',
    async run() {
      // The dispatcher knows this one.
    },
  },
];

export const commands: readonly Command[] = [
  ...groupCommands,
  ...memberCommands,
  ...messageCommands,
  ...ownCommands,
];

/** Does what the line says. Rejects with what went wrong, for the caller to explain. */
export async function runLine(chat: Chat, line: string, signal: AbortSignal): Promise<LineOutcome> {
  const text = line.trimEnd();
  if (text.trim() === '') return 'go-on';
  if (!text.startsWith('/') || text.startsWith('//')) {
    const sent = chat.send(text.startsWith('//') ? text.slice(1) : text);
    // A person goes on typing while it is on its way; a script relies on it having arrived.
    if (chat.terminal.interactive) void sent.catch((error: unknown) => chat.fail(error));
    else await sent;
    return 'go-on';
  }
  const [, name = '', argument = ''] = /^\/(\S*)\s*(.*)$/s.exec(text) ?? [];
  const command = commandOf(name);
  if (chat.terminal.interactive && command.name !== 'quit') chat.say(`› ${text}`);
  if (command.name === 'quit') return 'quit';
  await command.run(chat, argument.trim(), signal);
  return 'go-on';
}

/** By its name or a unique beginning of it. */
function commandOf(name: string): Command {
  const wanted = name.toLowerCase();
  const exact = commands.find((command) => command.name === wanted);
  if (exact !== undefined) return exact;
  const matches = wanted === '' ? [] : commands.filter((command) => command.name.startsWith(wanted));
  if (matches.length === 1) return matches[0]!;
  const hint =
    matches.length === 0
      ? '/help lists the commands'
      : matches.map((command) => `/${command.name}`).join(' or ');
  throw new ChatError('CHAT_USAGE', `There is no command /${name.slice(0, 30)}: ${hint}`);
}

function heading({ name, parameters }: Command): string {
  return `/${name} ${parameters}`.trimEnd();
}
