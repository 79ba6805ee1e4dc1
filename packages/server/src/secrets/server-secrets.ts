/**
 * The server's own secrets. One random root key is made at first start and kept in the data directory, readable
 * by its owner only; every purpose gets a key of its own, derived by HKDF-SHA-256 (RFC 5869) under its label, so
 * that a new feature needs no new file and no key is used for two things. Nothing here has a default, and nothing
 * prints itself.
 *
 * Changing the file ends all tokens, challenges and subscriptions; nothing else depends on it.
 */
import { hkdfSync } from 'node:crypto';
import {
  chmodSync,
  closeSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { inspect } from 'node:util';
import { z } from 'zod';
import type { RandomSource } from '@conclave/platform';

/** What a key is for. A label never changes meaning. */
export type SecretPurpose =
  | 'first-account'
  | 'gateway-admin-password'
  | 'gateway-admin-secret'
  | 'gateway-api'
  | 'gateway-tokens'
  | 'interactive-auth-sessions'
  | 'operator'
  | 'sealed-group-challenges'
  | 'sealed-group-read-tokens';

export class SecretsFileError extends Error {
  override readonly name = 'SecretsFileError';
  readonly code = 'CONCLAVE_BAD_SECRETS_FILE';
  readonly remedy: string;

  constructor(message: string, remedy: string, options?: ErrorOptions) {
    super(message, options);
    this.remedy = remedy;
  }
}

export class ServerSecrets {
  readonly #rootKey: Uint8Array;

  /** @param rootKey 32 random bytes; owned by the instance from now on. */
  constructor(rootKey: Uint8Array) {
    this.#rootKey = rootKey;
  }

  /** 32 bytes, the same for the same purpose until the secrets file changes. The caller owns the buffer. */
  key(purpose: SecretPurpose): Uint8Array {
    return new Uint8Array(
      hkdfSync('sha256', this.#rootKey, new Uint8Array(), `conclave/server/v1/${purpose}`, 32),
    );
  }

  toJSON(): string {
    return '[redacted]';
  }

  toString(): string {
    return '[redacted]';
  }

  [inspect.custom](): string {
    return 'ServerSecrets [redacted]';
  }
}

const fileSchema = z.strictObject({
  version: z.literal(1),
  rootKey: z.string().regex(/^[A-Za-z0-9_-]{43}$/),
});

/** Where the root key is: the named file, or `secrets.json` of the data directory. */
export function secretsFileOf(config: {
  readonly secretsFile: string | null;
  readonly dataDirectory: string;
}): string {
  return resolve(config.secretsFile ?? join(config.dataDirectory, 'secrets.json'));
}

/**
 * Reads the secrets file, or makes it. Throws {@link SecretsFileError} when the file is
 * damaged or readable by others: starting with a new key instead would silently end every session.
 */
export function openServerSecrets(file: string, random: RandomSource): ServerSecrets {
  const existing = readServerSecrets(file);
  if (existing !== undefined) return existing;
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    createSecretsFile(file, random);
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unknown';
    throw new SecretsFileError(
      `${file} cannot be made (${code})`,
      'The user that runs the server needs a folder there that it can write, with room in it.',
      { cause },
    );
  }
  const created = readServerSecrets(file);
  if (created === undefined) throw new SecretsFileError(`${file} vanished while it was made`, 'Start again.');
  return created;
}

/** For operator commands, which must not make a key of their own. Undefined when there is no file. */
export function readServerSecrets(file: string): ServerSecrets | undefined {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return undefined;
    throw new SecretsFileError(
      `${file} cannot be read`,
      'Make it readable for the user that runs the server.',
      {
        cause,
      },
    );
  }
  // Its group may read it: that is how container engines hand over a file to a user that does not own it.
  if (process.platform !== 'win32' && (statSync(file).mode & 0o027) !== 0) {
    throw new SecretsFileError(`${file} can be read by other users`, `Run: chmod 600 ${file}`);
  }
  const parsed = fileSchema.safeParse(parseJson(text));
  if (!parsed.success) {
    // Not the parser's issues: they may quote the key.
    throw new SecretsFileError(
      `${file} is damaged`,
      'Restore it from a backup, or remove it: all sessions then end and everybody logs in again.',
    );
  }
  return new ServerSecrets(Uint8Array.from(Buffer.from(parsed.data.rootKey, 'base64url')));
}

/** Written beside its place and linked into it: the file is whole or absent, and never replaces another one. */
function createSecretsFile(file: string, random: RandomSource): void {
  const draft = `${file}.${Buffer.from(random.bytes(6)).toString('hex')}.new`;
  const text = `${JSON.stringify({ version: 1, rootKey: Buffer.from(random.bytes(32)).toString('base64url') })}\n`;
  try {
    const descriptor = openSync(draft, 'wx', 0o600);
    try {
      writeSync(descriptor, text);
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
    chmodSync(draft, 0o600);
    linkSync(draft, file);
  } catch (cause) {
    // Another process made the file first: then its key counts.
    if (!(cause instanceof Error && 'code' in cause && cause.code === 'EEXIST')) throw cause;
  } finally {
    rmSync(draft, { force: true });
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    // Damaged is damaged, however it was; the caller reports it.
    return undefined;
  }
}
