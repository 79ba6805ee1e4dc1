/** A key file: 32 random bytes that only the owner can read, for clients without a person to type a passphrase. */
import { closeSync, fstatSync, fsyncSync, openSync, readSync, writeSync } from 'node:fs';
import type { RandomSource } from '@conclave/ristretto';
import { ConclaveError } from '../errors/conclave-error.ts';

/** Reads the key, or creates the file with mode 0600. Throws `KEY_FILE_UNSAFE`. */
export function loadOrCreateKeyFile(path: string, random: RandomSource): Uint8Array {
  const fresh = createKeyFile(path, random);
  if (fresh !== undefined) return fresh;
  const file = openSync(path, 'r');
  try {
    const { mode, size } = fstatSync(file);
    if (process.platform !== 'win32' && (mode & 0o077) !== 0) {
      throw new ConclaveError('KEY_FILE_UNSAFE', 'The key file can be read by others: chmod 600 it');
    }
    const key = new Uint8Array(32);
    if (size !== key.length || readSync(file, key) !== key.length) {
      throw new ConclaveError('KEY_FILE_UNSAFE', 'The key file does not hold exactly 32 bytes');
    }
    return key;
  } finally {
    closeSync(file);
  }
}

function createKeyFile(path: string, random: RandomSource): Uint8Array | undefined {
  let file: number;
  try {
    file = openSync(path, 'wx', 0o600);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return undefined;
    throw new ConclaveError('STORE_FAILED', 'The key file cannot be created', { cause: error });
  }
  try {
    const key = random.bytes(32);
    writeSync(file, key);
    fsyncSync(file);
    return key;
  } finally {
    closeSync(file);
  }
}
