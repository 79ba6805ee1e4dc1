/** Tab completion of commands, names, roles and paths. */
import { readdirSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { Command } from './command.ts';
import { pathOf } from './message-commands.ts';

export interface CompletionNames {
  readonly groups: readonly string[];
  readonly members: readonly string[];
}

/** As readline wants it: the candidates, and the part of the line that each of them replaces. */
export function completeLine(
  line: string,
  commands: readonly Command[],
  names: CompletionNames,
): [string[], string] {
  if (!line.startsWith('/')) return [[], line];
  const [, name = '', separator, argument = ''] = /^\/(\S*)(\s+)?(.*)$/s.exec(line) ?? [];
  if (separator === undefined) {
    const matching = commands.filter((command) => command.name.startsWith(name.toLowerCase()));
    return [matching.map((command) => `/${command.name}${command.parameters === '' ? '' : ' '}`), line];
  }
  const command = commands.find((candidate) => candidate.name === name.toLowerCase());
  if (command?.completes === undefined) return [[], argument];
  switch (command.completes) {
    case 'role':
      return completed(['owner', 'admin', 'member', 'reader'], argument);
    case 'switch':
      return completed(['on', 'off'], argument);
    case 'group':
      return completed(names.groups, argument);
    case 'member':
      return completeMember(command.name, argument, names.members);
    case 'path':
    default:
      return completePath(argument);
  }
}

/** After a whole name, `/role` goes on with the role. */
function completeMember(command: string, argument: string, members: readonly string[]): [string[], string] {
  if (command !== 'role') return completed(members, argument);
  const named = members.find((member) => argument.toLowerCase().startsWith(`${member.toLowerCase()} `));
  if (named === undefined)
    return completed(
      members.map((member) => `${member} `),
      argument,
    );
  return completed(['owner', 'admin', 'member', 'reader'], argument.slice(named.length + 1));
}

function completePath(typed: string): [string[], string] {
  const folder =
    typed === '' || typed.endsWith('/') ? typed : dirname(typed) === '.' ? '' : join(dirname(typed), '/');
  const beginning = typed === '' || typed.endsWith('/') ? '' : basename(typed);
  try {
    const entries = readdirSync(pathOf(folder === '' ? '.' : folder), { withFileTypes: true })
      .filter(({ name }) => beginning.startsWith('.') || !name.startsWith('.'))
      .map((entry) => `${folder}${entry.name}${entry.isDirectory() ? '/' : ''}`);
    return completed(entries, typed);
  } catch {
    // No such folder: nothing to offer.
    return [[], typed];
  }
}

function completed(candidates: readonly string[], typed: string): [string[], string] {
  const wanted = typed.toLowerCase();
  return [candidates.filter((candidate) => candidate.toLowerCase().startsWith(wanted)).sort(), typed];
}
