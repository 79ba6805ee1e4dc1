/** A file system that is really full when it is: a piece of memory, mounted on a folder. Only root may mount. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { chown, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { SystemUser } from './system-user.ts';

export interface SmallDisk extends AsyncDisposable {
  /** Empty, and its owner's. */
  readonly path: string;
}

/** What is missing to have one, or undefined. */
export function missingSmallDisk(): string | undefined {
  if (process.getuid?.() !== 0) return 'root, to mount a small disk';
  const path = mkdtempSync(join(tmpdir(), 'conclave-small-'));
  try {
    mount(path, 1);
    unmount(path);
    return undefined;
  } catch {
    return 'the right to mount a small disk';
  } finally {
    rmSync(path, { recursive: true });
  }
}

export async function createSmallDisk(options: {
  readonly mebibytes: number;
  readonly owner: SystemUser | undefined;
}): Promise<SmallDisk> {
  const { mebibytes, owner } = options;
  const path = await mkdtemp(join(tmpdir(), 'conclave-small-'));
  mount(path, mebibytes);
  if (owner !== undefined) await chown(path, owner.uid, owner.gid);
  return {
    path,
    async [Symbol.asyncDispose]() {
      unmount(path);
      await rm(path, { recursive: true });
    },
  };
}

function mount(path: string, mebibytes: number): void {
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${mebibytes}m`, 'tmpfs', path], { stdio: 'pipe' });
}

function unmount(path: string): void {
  execFileSync('umount', [path], { stdio: 'pipe' });
}
