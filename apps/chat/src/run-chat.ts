/**
 * From the command line to a running chat, and out of it again in order. Reads the profile, asks what it has to know the
 * first time, opens the client, then deals with one line after the other. `main.ts` gives it the process's streams.
 */
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join, resolve } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { ConclaveClient, type Vault } from '@conclave/sdk';
import { createNodeSuite, openNodeStore } from '@conclave/sdk/node';
import { createAccountAccess } from './account-access.ts';
import { isLink, type ChatArguments } from './arguments.ts';
import { ChatError } from './chat-error.ts';
import { Chat } from './chat.ts';
import { commands, runLine } from './commands.ts';
import { completeLine } from './completion.ts';
import { explainError } from './explain-error.ts';
import { createGroup, joinGroup, openGroupByName } from './group-commands.ts';
import { printable, printableName } from './printable.ts';
import {
  listProfiles,
  openProfileFolder,
  profileNameOf,
  profilesRoot,
  type ProfileFolder,
} from './profile-folder.ts';
import { loadSettings, saveSettings, type Settings } from './settings.ts';
import { createStyles } from './styles.ts';
import { createTerminal, type Terminal } from './terminal.ts';

export interface RunChatDeps {
  readonly input: Readable & { isTTY?: boolean };
  readonly output: Writable & { isTTY?: boolean; columns?: number };
  readonly env: NodeJS.ProcessEnv;
  /** Fires when the process is asked to end. */
  readonly stop: AbortSignal;
}

const defaultServer = 'http://localhost:8008';

/** Resolves with the exit code: 0, or 1 when the start or, on a pipe, any line failed. */
export async function runChat(args: ChatArguments, deps: RunChatDeps): Promise<number> {
  let chat: Chat | undefined;
  let running: AbortController | undefined;
  const terminal = createTerminal({
    input: deps.input,
    output: deps.output,
    complete: (line) => (chat === undefined ? [[], line] : completeLine(line, commands, chat.names())),
    onInterrupt: () => (running === undefined ? terminal.close() : running.abort()),
  });
  const styles = createStyles(deps.output);
  const stopped = (): void => {
    running?.abort();
    terminal.close();
  };
  deps.stop.addEventListener('abort', stopped, { once: true });
  /** True when it worked. Ctrl-C cancels the work, not the program. */
  const attempt = async (work: (signal: AbortSignal) => Promise<unknown>): Promise<boolean> => {
    running = new AbortController();
    try {
      await work(running.signal);
      return true;
    } catch (error) {
      terminal.print(styles.error(`! ${explainError(error)}`));
      return false;
    } finally {
      running = undefined;
    }
  };

  let client: ConclaveClient | undefined;
  try {
    const { vault, settings } = await openProfile(args, terminal, deps.env);
    const server = args.server ?? settings.server ?? defaultServer;
    const profile = { name: settings.name ?? '', device: settings.device ?? '' };
    client = await ConclaveClient.open({ server, store: vault, profile, suite: createNodeSuite() });
    const account = createAccountAccess({
      server,
      vault,
      terminal,
      deviceName: profile.device,
      suggestedUsername: suggestUsername(profile.name),
      username: args.account,
      registrationToken: args.registrationToken,
      password: secretFile(deps.env, 'CONCLAVE_CHAT_PASSWORD_FILE'),
    });
    chat = new Chat({
      client,
      terminal,
      styles,
      account,
      device: profile.device,
      remember: (lastGroup) => saveSettings(vault, { lastGroup }),
    });
    await chat.start();
    chat.say(
      `${printableName(profile.name)} on ${printableName(profile.device)}. /help lists the commands, /quit ends.`,
    );

    const opened = chat;
    const started = await attempt((signal) => start(opened, args, settings.lastGroup, signal));
    // What the person asked for did not happen; in a script nothing after it makes sense.
    if (!started && !terminal.interactive) return 1;
    if (chat.currentId === undefined) chat.showNothing();

    let failures = 0;
    for await (const line of terminal.lines()) {
      let outcome = 'go-on';
      const worked = await attempt(async (signal) => {
        outcome = await runLine(opened, line, signal);
      });
      if (!worked) failures += 1;
      if (outcome === 'quit') break;
    }
    return failures > 0 && !terminal.interactive ? 1 : 0;
  } catch (error) {
    terminal.print(styles.error(`! ${explainError(error)}`));
    return 1;
  } finally {
    deps.stop.removeEventListener('abort', stopped);
    const unsent = chat?.end() ?? 0;
    terminal.close();
    if (unsent > 0)
      terminal.print(
        `${unsent === 1 ? 'One message is' : `${unsent} messages are`} kept and sent when you start again.`,
      );
    await client?.close();
  }
}

async function start(
  chat: Chat,
  { action }: ChatArguments,
  lastGroup: string | undefined,
  signal: AbortSignal,
): Promise<void> {
  switch (action.kind) {
    case 'create':
      return await createGroup(chat, action.group ?? '', signal);
    case 'join':
      return await joinGroup(chat, action.link ?? '', signal);
    case 'open': {
      if (action.group !== undefined) return await openGroupByName(chat, action.group);
      const living = (await chat.groups()).filter(({ status }) => status !== 'removed');
      const group = living.find(({ id }) => id === lastGroup) ?? living[0];
      if (group !== undefined) return await chat.show(group.id);
      chat.say('No groups yet. /create NAME founds one; /join LINK joins one by its invite.');
    }
  }
}

/** The store and what it remembers, with the answers of the first run. */
async function openProfile(
  args: ChatArguments,
  terminal: Terminal,
  env: NodeJS.ProcessEnv,
): Promise<{ vault: Vault; settings: Settings }> {
  const { path, name: askedName } = await choosePath(args, terminal, env);
  const folder = openProfileFolder(path);
  const vault = await openNodeStore({
    path: folder.databasePath,
    unlock: await unlockOf(folder, args, terminal, env),
  });
  try {
    const kept = await loadSettings(vault);
    const name = args.name ?? kept.name ?? askedName ?? (await askName(terminal));
    const device = args.device ?? kept.device ?? hostname();
    const settings: Settings = {
      ...kept,
      name,
      device,
      ...((args.server ?? kept.server) === undefined ? {} : { server: args.server ?? kept.server }),
      ...serverOfLink(args, kept),
    };
    await saveSettings(vault, settings);
    return { vault, settings };
  } catch (error) {
    await vault.close();
    throw error;
  }
}

/** Who begins by joining finds the server of later groups where the first one is. */
function serverOfLink({ action, server }: ChatArguments, kept: Settings): Settings {
  if (server !== undefined || kept.server !== undefined) return {};
  if (action.kind !== 'join' || action.link === undefined || !isLink(action.link)) return {};
  return { server: new URL(action.link).origin };
}

async function choosePath(
  args: ChatArguments,
  terminal: Terminal,
  env: NodeJS.ProcessEnv,
): Promise<{ path: string; name?: string }> {
  if (args.dataFolder !== undefined) return { path: resolve(args.dataFolder) };
  const root = profilesRoot(env);
  const wanted = args.profile ?? args.name;
  if (wanted !== undefined) return { path: join(root, profileNameOf(wanted)) };
  const profiles = listProfiles(root);
  if (profiles.length === 1) return { path: join(root, profiles[0]!) };
  if (profiles.length === 0) {
    const name = await askName(terminal);
    return { path: join(root, profileNameOf(name)), name };
  }
  terminal.print(`Profiles on this machine: ${profiles.map((name) => printable(name)).join(', ')}`);
  const answer = await terminal.ask('Which one (or a new name)? ');
  if (answer === undefined || answer.trim() === '')
    throw new ChatError('CHAT_INPUT_ENDED', 'Say which profile with --profile NAME');
  return { path: join(root, profileNameOf(answer)), name: answer.trim() };
}

async function askName(terminal: Terminal): Promise<string> {
  const answer = await terminal.ask('How shall others see you? Your name: ');
  if (answer === undefined || answer.trim() === '')
    throw new ChatError('CHAT_INPUT_ENDED', 'A name is needed: say it with --name NAME');
  return answer.trim();
}

async function unlockOf(
  folder: ProfileFolder,
  args: ChatArguments,
  terminal: Terminal,
  env: NodeJS.ProcessEnv,
): Promise<{ passphrase: string } | { keyFile: string }> {
  const fromFile = secretFile(env, 'CONCLAVE_CHAT_PASSPHRASE_FILE');
  const isWanted = folder.isNew && (args.passphrase || fromFile !== undefined);
  if (!isWanted && !folder.needsPassphrase) return { keyFile: folder.keyPath };
  if (fromFile !== undefined) return { passphrase: fromFile };
  const passphrase = await terminal.ask(folder.isNew ? 'Choose a passphrase: ' : 'Passphrase: ', {
    secret: true,
  });
  if (passphrase === undefined || passphrase === '')
    throw new ChatError('CHAT_INPUT_ENDED', 'This profile needs its passphrase');
  if (
    folder.isNew &&
    terminal.interactive &&
    (await terminal.ask('Once more: ', { secret: true })) !== passphrase
  )
    throw new ChatError('CHAT_PASSWORDS_DIFFER', 'These were two different passphrases');
  return { passphrase };
}

/** The first line of the file that `variable` names. */
function secretFile(env: NodeJS.ProcessEnv, variable: string): string | undefined {
  const path = env[variable];
  if (path === undefined || path === '') return undefined;
  const [first = ''] = readFileSync(path, 'utf8').split(/\r?\n/, 1);
  if (first === '') throw new ChatError('CHAT_FILE', `The file that ${variable} names is empty`);
  return first;
}

/** What of a name may stand in a user name. */
function suggestUsername(name: string): string {
  return (
    name
      .normalize('NFKD')
      .toLowerCase()
      .replace(/[^a-z0-9._-]/g, '')
      .slice(0, 40) || 'me'
  );
}
