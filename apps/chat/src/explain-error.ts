/** Errors in words for people, with the stable code at the end; never a stack trace. */
import { ConclaveError } from '@conclave/sdk';
import { ChatError } from './chat-error.ts';
import { printable } from './printable.ts';

/** Where the SDK's or server's own sentence is for programmers, or does not say what to do next. */
const wordsByCode: Readonly<Record<string, string>> = {
  ABORTED: 'Cancelled.',
  CONCLAVE_BLOB_GONE: 'The server no longer has this file.',
  CONCLAVE_BLOB_QUOTA: 'The group has no room left for files.',
  CONCLAVE_GROUP_QUOTA: 'This account may not create more groups here.',
  CONCLAVE_READ_DENIED: 'The server does not take this device for a member of the group.',
  GROUP_EXISTS: 'This device is a member of that group already: /groups lists it.',
  HISTORY_CHANGED:
    'The server shows another history of this group than before: it lies, or it was restored from an old backup. Nothing is sent until that is settled.',
  INVITE_ALREADY_READ:
    'This invite was used before, perhaps by a program that looks at links, or it expired. Ask for a new one.',
  INVITE_EXPIRED: 'This invite has expired. Ask for a new one.',
  INVITE_INVALID: 'This is not an invite, or a part of it is missing. Copy the whole link.',
  KEY_FILE_UNSAFE: 'The key file can be read by others, or is damaged. Make it private: chmod 600 state.key',
  M_FORBIDDEN: 'The name or password is wrong, or the server takes no new accounts.',
  M_INVALID_USERNAME: 'A user name has only the characters a-z 0-9 . _ = - / +',
  M_LIMIT_EXCEEDED: 'The server asks to wait a little: too many attempts.',
  M_UNAUTHORIZED: 'The registration token is wrong or was used. The operator of the server has tokens.',
  M_UNKNOWN_TOKEN: 'The server does not know this login any more.',
  M_USER_IN_USE: 'This user name is taken.',
  M_WEAK_PASSWORD: 'The password is too short for this server.',
  NETWORK: 'The server cannot be reached. Is the address right, and is it running?',
  REMOVED: 'You are no longer a member of this group.',
  STORE_LOCKED: 'This profile is open in another window. Close it there, or use another --profile.',
  STORE_WRONG_KEY: 'The passphrase or key file does not open this profile.',
  TIMED_OUT: 'The server does not answer.',
};

export function explainError(error: unknown): string {
  if (error instanceof ConclaveError) {
    const words = wordsByCode[error.code] ?? printable(error.message).replaceAll('\n', ' ');
    return `${withFullStop(words)}${waitOf(error)} [${printable(error.code)}]`;
  }
  if (error instanceof ChatError) return `${withFullStop(error.message)} [${error.code}]`;
  const { code, path } = error as NodeJS.ErrnoException;
  if (typeof code === 'string') return `${withFullStop(fileWords(code, path))} [${code}]`;
  const message = error instanceof Error ? error.message : String(error);
  return `Something unexpected happened: ${printable(message)} [BUG]`;
}

/** The code by which scripts tell failures apart. */
export function codeOf(error: unknown): string {
  const code = (error as { code?: unknown } | undefined)?.code;
  return typeof code === 'string' ? code : 'BUG';
}

function waitOf({ retryAfterMs }: ConclaveError): string {
  return retryAfterMs === undefined ? '' : ` Wait ${Math.max(1, Math.ceil(retryAfterMs / 1000))} s.`;
}

function fileWords(code: string, path: string | undefined): string {
  const where = path === undefined ? '' : `: ${printable(path)}`;
  switch (code) {
    case 'ENOENT':
      return `There is no such file or folder${where}`;
    case 'EACCES':
    case 'EPERM':
      return `No permission${where}`;
    case 'EEXIST':
      return `There is something of that name already${where}`;
    case 'EISDIR':
      return `That is a folder${where}`;
    case 'ENOSPC':
      return 'The disk is full';
    default:
      return `The system refused${where}`;
  }
}

function withFullStop(text: string): string {
  return /[.?!…]$/.test(text) ? text : `${text}.`;
}
