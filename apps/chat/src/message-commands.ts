/** Commands about what is said and sent: history and files. */
import { createWriteStream, existsSync, openAsBlob, statSync } from 'node:fs';
import { link, rm, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Progress } from '@conclave/sdk';
import { ChatError } from './chat-error.ts';
import type { Chat } from './chat.ts';
import type { Command } from './command.ts';
import { working } from './group-commands.ts';
import { fileName, formatBytes } from './message-lines.ts';

const defaultHistory = 30;
const maxHistory = 10_000;

export const messageCommands: readonly Command[] = [
  {
    name: 'history',
    parameters: '[N]',
    summary: `the last N messages (${defaultHistory})`,
    async run(chat, argument) {
      const count = argument === '' ? defaultHistory : Number(argument);
      if (!Number.isInteger(count) || count < 1 || count > maxHistory)
        throw new ChatError('CHAT_USAGE', `N is a number from 1 to ${maxHistory}`);
      if (chat.currentId === undefined) throw new ChatError('CHAT_NO_GROUP', 'No group is open');
      await chat.showHistory(count);
    },
  },
  {
    name: 'attach',
    parameters: 'PATH',
    summary: 'send a file, encrypted',
    completes: 'path',
    run: attachFile,
  },
  {
    name: 'save',
    parameters: 'N [PATH]',
    summary: 'save file N to PATH (default: here, under its name)',
    run: saveFile,
  },
];

async function attachFile(chat: Chat, argument: string, signal: AbortSignal): Promise<void> {
  if (argument === '') throw new ChatError('CHAT_USAGE', 'Which file? /attach PATH');
  const { group } = chat;
  const path = pathOf(argument);
  if (!(await stat(path)).isFile()) throw new ChatError('CHAT_FILE', 'Only plain files can be sent');
  // Read piece by piece while it is encrypted; it never has to fit into memory.
  const content = await openAsBlob(path);
  const name = basename(path);
  await working(chat, `encrypting ${name}`, () =>
    group.attach(content, { name, signal, onProgress: progressOf(chat, `sending ${name}`) }),
  );
}

async function saveFile(chat: Chat, argument: string, signal: AbortSignal): Promise<void> {
  const [, number, typedPath = ''] = /^(\d+)(?:\s+(.+))?$/s.exec(argument) ?? [];
  if (number === undefined)
    throw new ChatError('CHAT_USAGE', 'Which file? /save N [PATH], with the number beside it');
  const attachment = chat.attachment(Number(number));
  if (attachment === undefined)
    throw new ChatError('CHAT_NO_SUCH_ATTACHMENT', `There is no file ${number} on this screen`);
  const given = pathOf(typedPath);
  const isFolder = statSync(given, { throwIfNoEntry: false })?.isDirectory() ?? false;
  const path = isFolder ? join(given, fileName(attachment)) : given;
  const refuseToReplace = (): never => {
    throw new ChatError('CHAT_FILE', `There is something of that name already: ${path}`);
  };
  if (existsSync(path)) refuseToReplace();
  const partPath = `${path}.part-${process.pid}`;
  const { group } = chat;
  await working(chat, `fetching ${fileName(attachment)}`, async () => {
    try {
      const stream = await group.downloadStream(attachment, {
        signal,
        onProgress: progressOf(chat, `fetching ${fileName(attachment)}`),
      });
      await pipeline(
        Readable.from(chunksOf(stream)),
        createWriteStream(partPath, { flags: 'wx', mode: 0o600 }),
        { signal },
      );
      // Only a whole file gets the name, and never over another one: unlike renaming, linking refuses that.
      await link(partPath, path).catch((error: NodeJS.ErrnoException) => {
        if (error.code === 'EEXIST') refuseToReplace();
        throw error;
      });
    } finally {
      await rm(partPath, { force: true });
    }
  });
  chat.say(`— saved ${path}`);
}

async function* chunksOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array> {
  for await (const chunk of stream) yield chunk;
}

function progressOf(chat: Chat, what: string): (progress: Progress) => void {
  return ({ bytes, totalBytes }) => {
    const percent = totalBytes === 0 ? 100 : Math.floor((100 * bytes) / totalBytes);
    chat.setProgress(`${what}: ${percent} % of ${formatBytes(totalBytes)}`);
  };
}

/** Shells expand `~`; a chat has to do it itself. */
export function pathOf(typed: string): string {
  const bare = /^(["'])(.*)\1$/s.exec(typed)?.[2] ?? typed;
  return resolve(bare === '~' || bare.startsWith('~/') ? join(homedir(), bare.slice(2)) : bare);
}
