/**
 * Where a person's state lies: one folder per profile, readable by its owner alone. It holds `state.db` (encrypted by the
 * SDK) and, unless a passphrase opens it, `state.key` (mode 0600).
 */
import { chmodSync, existsSync, mkdirSync, readdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';

export interface ProfileFolder {
  readonly path: string;
  readonly databasePath: string;
  readonly keyPath: string;
  /** Nothing was kept here before. */
  readonly isNew: boolean;
  /** There is a state and no key file: a passphrase opens it. */
  readonly needsPassphrase: boolean;
}

/** The folder of all profiles: `$XDG_DATA_HOME/conclave-chat`. Relative values of the variable are ignored, as XDG demands. */
export function profilesRoot(env: NodeJS.ProcessEnv = process.env): string {
  const configured = env['XDG_DATA_HOME'];
  const base =
    configured !== undefined && isAbsolute(configured) ? configured : join(homedir(), '.local', 'share');
  return join(base, 'conclave-chat');
}

/** Names of the profiles that exist, in alphabetical order. */
export function listProfiles(root: string): string[] {
  if (!existsSync(root)) return [];
  return readdirSync(root, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && existsSync(join(root, entry.name, 'state.db')))
    .map(({ name }) => name)
    .sort();
}

/** A person's name as a folder's: lower case; everything but letters, digits, `_` and `-` becomes `-`. */
export function profileNameOf(name: string): string {
  const slug = name
    .normalize('NFC')
    .toLowerCase()
    .replace(/[^\p{L}\p{M}\p{N}_-]+/gu, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 60);
  return slug === '' ? 'default' : slug;
}

/** Creates the folder with mode 0700 if it is missing, and takes other people's access away if it is not. */
export function openProfileFolder(path: string): ProfileFolder {
  mkdirSync(path, { recursive: true, mode: 0o700 });
  if (process.platform !== 'win32') chmodSync(path, 0o700);
  const databasePath = join(path, 'state.db');
  const keyPath = join(path, 'state.key');
  const isNew = !existsSync(databasePath);
  return { path, databasePath, keyPath, isNew, needsPassphrase: !isNew && !existsSync(keyPath) };
}
