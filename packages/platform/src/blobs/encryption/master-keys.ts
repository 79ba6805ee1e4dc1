/**
 * The ring of master keys, in a file that the operator makes, rotates and backs up (`conclave admin blob-keys`):
 *
 *   { "version": 1, "current": "2026-11-21-a3f1", "keys": { "2026-11-21-a3f1": "base64 of 32 octets", … } }
 *
 * New data keys are wrapped by the current one; the others open what was wrapped before, or are to become the current one as
 * soon as every machine has the file with them. Whoever has the file and the database
 * can read all blobs, and without the file nobody can. A server sees that the file has changed by itself.
 */
import type { BigIntStats } from 'node:fs';
import { chmod, link, open, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { inspect } from 'node:util';
import type { RandomSource } from '../../random/random-source.ts';

export type MasterKeysErrorCode =
  /** There is no such file, or it cannot be read. */
  | 'MASTER_KEYS_UNREADABLE'
  /** Others than its owner and its group can read it, or its group can write it. */
  | 'MASTER_KEYS_EXPOSED'
  /** It is not a ring of master keys. */
  | 'MASTER_KEYS_DAMAGED'
  /** There is a file already, which this would replace. */
  | 'MASTER_KEYS_EXIST'
  /** The key is not in the ring. */
  | 'MASTER_KEY_UNKNOWN'
  /** The key is not in the ring, or is the current one. */
  | 'MASTER_KEY_NOT_REMOVABLE';

export class MasterKeysError extends Error {
  override readonly name = 'MasterKeysError';
  readonly code: MasterKeysErrorCode;

  constructor(code: MasterKeysErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** 32 octets under a name. */
export interface MasterKey {
  readonly id: string;
  readonly key: Uint8Array;
}

export interface MasterKeys {
  /** What wraps from now on. Both reject with {@link MasterKeysError} while the file is unusable. */
  current(): Promise<MasterKey>;
  find(id: string): Promise<MasterKey | undefined>;
  /** The names, the current one first. */
  ids(): Promise<readonly string[]>;
}

/** Reads the file, and again whenever it has changed. */
export async function openMasterKeys(file: string): Promise<MasterKeys> {
  let read = await readRing(file);
  const ring = async (): Promise<Ring> => {
    const { version } = await examine(file);
    if (version !== read.version) read = await readRing(file);
    return read.ring;
  };
  return {
    current: async () => (await ring()).current,
    find: async (id) => (await ring()).find(id),
    ids: async () => (await ring()).ids(),
  };
}

/** Makes a ring with one key; resolves with its name. Never replaces a file. */
export async function createMasterKeys(file: string, random: RandomSource, nowMs: number): Promise<string> {
  const key = newKey(random, nowMs);
  await writeRing(file, new Ring(key, [key]), random, 'new');
  return key.id;
}

/** Adds a key that wraps nothing yet; resolves with its name. The file is then given to all machines, before {@link promoteMasterKey}. */
export async function addMasterKey(file: string, random: RandomSource, nowMs: number): Promise<string> {
  const { ring } = await readRing(file);
  const key = newKey(random, nowMs);
  await writeRing(file, new Ring(ring.current, [...ring.keys, key]), random, 'replace');
  return key.id;
}

/** Makes a key of the ring the current one: from now on it wraps, and whoever lacks it cannot read what it wrapped. */
export async function promoteMasterKey(file: string, id: string, random: RandomSource): Promise<void> {
  const { ring } = await readRing(file);
  const key = ring.find(id);
  if (key === undefined) throw new MasterKeysError('MASTER_KEY_UNKNOWN', `there is no master key ${id}`);
  await writeRing(file, new Ring(key, ring.keys), random, 'replace');
}

/** Removes a key that is not the current one. The caller has made sure that nothing is wrapped by it any more. */
export async function removeMasterKey(file: string, id: string, random: RandomSource): Promise<void> {
  const { ring } = await readRing(file);
  if (ring.current.id === id || ring.find(id) === undefined) {
    throw new MasterKeysError('MASTER_KEY_NOT_REMOVABLE', 'the key is the current one, or not in the ring');
  }
  const keys = ring.keys.filter((key) => key.id !== id);
  await writeRing(file, new Ring(ring.current, keys), random, 'replace');
}

/** Prints as nothing that is secret. */
class Ring {
  readonly #keys: readonly MasterKey[];
  readonly #current: MasterKey;

  constructor(current: MasterKey, keys: readonly MasterKey[]) {
    this.#current = current;
    this.#keys = keys;
  }

  get current(): MasterKey {
    return this.#current;
  }

  get keys(): readonly MasterKey[] {
    return this.#keys;
  }

  find(id: string): MasterKey | undefined {
    return this.#keys.find((key) => key.id === id);
  }

  ids(): readonly string[] {
    return [this.#current.id, ...this.#keys.map(({ id }) => id).filter((id) => id !== this.#current.id)];
  }

  [inspect.custom](): string {
    return 'Ring [redacted]';
  }
}

const idPattern = /^[A-Za-z0-9-]{1,64}$/;
const maxFileBytes = 65_536;

function newKey(random: RandomSource, nowMs: number): MasterKey {
  const day = new Date(nowMs).toISOString().slice(0, 10);
  return { id: `${day}-${Buffer.from(random.bytes(4)).toString('hex')}`, key: random.bytes(32) };
}

async function readRing(file: string): Promise<{ readonly ring: Ring; readonly version: string }> {
  const { version, stats } = await examine(file);
  // Its group may read it: that is how container engines hand over a file to a user that does not own it.
  if (process.platform !== 'win32' && (stats.mode & 0o027n) !== 0n) {
    throw new MasterKeysError('MASTER_KEYS_EXPOSED', `${file} can be read by other users: chmod 600 ${file}`);
  }
  if (stats.size > maxFileBytes) throw damagedFile(file);
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (cause) {
    throw new MasterKeysError('MASTER_KEYS_UNREADABLE', `${file} cannot be read`, { cause });
  }
  const ring = parseRing(text);
  if (ring === undefined) throw damagedFile(file);
  return { ring, version };
}

/** Which version of the file this is: a rename gives another inode, an edit another time. */
async function examine(file: string): Promise<{ readonly version: string; readonly stats: BigIntStats }> {
  try {
    const stats = await stat(file, { bigint: true });
    return { version: `${stats.ino}-${stats.mtimeNs}-${stats.size}`, stats };
  } catch (cause) {
    throw new MasterKeysError('MASTER_KEYS_UNREADABLE', `${file} cannot be read`, { cause });
  }
}

/** Undefined for anything else than a ring. No cause is given: it might quote a key. */
function parseRing(text: string): Ring | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!isRecord(parsed) || parsed['version'] !== 1 || !isRecord(parsed['keys'])) return undefined;
  const keys: MasterKey[] = [];
  for (const [id, encoded] of Object.entries(parsed['keys'])) {
    if (!idPattern.test(id) || typeof encoded !== 'string' || !/^[A-Za-z0-9+/]{43}=$/.test(encoded))
      return undefined;
    keys.push({ id, key: Uint8Array.from(Buffer.from(encoded, 'base64')) });
  }
  const current = keys.find(({ id }) => id === parsed['current']);
  return current && new Ring(current, keys);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

/** Written beside its place and moved there: the file is whole at every moment. */
async function writeRing(
  file: string,
  ring: Ring,
  random: RandomSource,
  mode: 'new' | 'replace',
): Promise<void> {
  const keys = Object.fromEntries(ring.keys.map(({ id, key }) => [id, Buffer.from(key).toString('base64')]));
  const text = `${JSON.stringify({ version: 1, current: ring.current.id, keys }, undefined, 2)}\n`;
  const draft = `${file}.${Buffer.from(random.bytes(6)).toString('hex')}.new`;
  try {
    {
      await using handle = await open(draft, 'wx', 0o600);
      await handle.writeFile(text);
      await handle.sync();
    }
    await chmod(draft, 0o600);
    // A link never replaces what is there.
    if (mode === 'new') await link(draft, file);
    else await rename(draft, file);
    await using folder = await open(dirname(file), 'r');
    await folder.sync();
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'EEXIST') {
      throw new MasterKeysError('MASTER_KEYS_EXIST', `${file} exists`);
    }
    throw new MasterKeysError('MASTER_KEYS_UNREADABLE', `${file} cannot be written`, { cause });
  } finally {
    await rm(draft, { force: true });
  }
}

function damagedFile(file: string): MasterKeysError {
  return new MasterKeysError(
    'MASTER_KEYS_DAMAGED',
    `${file} is not a ring of master keys: restore it from a backup`,
  );
}
