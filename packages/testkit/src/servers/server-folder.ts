/**
 * The folder of one real server: its data, its configuration and its generated secrets, readable by its user alone.
 */
import { randomBytes } from 'node:crypto';
import { chmod, chown, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { SystemUser } from './system-user.ts';

export interface ServerFolderOptions {
  /** For the name of a temporary folder. */
  readonly name: string;
  /** A folder that is kept, with what an earlier start left in it. Otherwise a temporary one, removed in the end. */
  readonly folder?: string | undefined;
  /** Who owns the folder and its files, where that is not this process's user. */
  readonly owner?: SystemUser | undefined;
}

export interface ServerFolder extends AsyncDisposable {
  readonly path: string;
  /** Writes a file that only the owner can read, and answers with its path. */
  write(name: string, text: string): Promise<string>;
  /** A secret of 256 random bits in base64url, made at the first call and the same ever after, and the file that holds it. */
  secret(name: string): Promise<{ readonly value: string; readonly file: string }>;
  /** A folder inside, made if it is missing. */
  subfolder(name: string): Promise<string>;
}

export async function createServerFolder(options: ServerFolderOptions): Promise<ServerFolder> {
  const { owner, folder } = options;
  const path = folder ?? (await mkdtemp(join(tmpdir(), `conclave-${options.name}-`)));
  const own = async (entry: string, mode: number): Promise<void> => {
    await chmod(entry, mode);
    if (owner !== undefined) await chown(entry, owner.uid, owner.gid);
  };
  await mkdir(path, { recursive: true, mode: 0o700 });
  await own(path, 0o700);

  async function write(name: string, text: string): Promise<string> {
    const file = join(path, name);
    await writeFile(file, text, { mode: 0o600 });
    await own(file, 0o600);
    return file;
  }

  return {
    path,
    write,
    async secret(name) {
      const file = join(path, name);
      const kept = await readIfThere(file);
      if (kept !== undefined) return { value: kept.trimEnd(), file };
      const value = randomBytes(32).toString('base64url');
      return { value, file: await write(name, `${value}\n`) };
    },
    async subfolder(name) {
      const inner = join(path, name);
      await mkdir(inner, { recursive: true, mode: 0o700 });
      await own(inner, 0o700);
      return inner;
    },
    async [Symbol.asyncDispose]() {
      if (folder === undefined) await rm(path, { recursive: true, force: true, maxRetries: 3 });
    },
  };
}

async function readIfThere(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
