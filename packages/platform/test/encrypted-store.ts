import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  openSqliteStore,
  silentLog,
  systemClock,
  systemRandom,
  type BlobStore,
  type Clock,
  type Log,
  type OutboxTables,
  type Store,
} from '@conclave/platform';
import {
  blobKeyMigrations,
  blobKeysOf,
  createMasterKeys,
  encryptBlobs,
  openMasterKeys,
  type BlobKeyTables,
  type EncryptedBlobStore,
} from '@conclave/platform/blob-encryption';

export interface TestEncryption extends AsyncDisposable {
  readonly folder: string;
  readonly masterKeysFile: string;
  readonly store: Store<BlobKeyTables>;
  encrypt(
    inner: BlobStore,
    changes?: { clock?: Clock; log?: Log; masterKeysFile?: string },
  ): Promise<EncryptedBlobStore>;
}

/** A database for data keys and a ring of master keys, in a folder of their own. */
export async function createTestEncryption(): Promise<TestEncryption> {
  const folder = await mkdtemp(join(tmpdir(), 'conclave-encrypted-'));
  const masterKeysFile = join(folder, 'master-keys.json');
  await createMasterKeys(masterKeysFile, systemRandom, systemClock.nowMs());
  const whole = await openSqliteStore<OutboxTables & BlobKeyTables>({
    file: join(folder, 'test.db'),
    migrations: [blobKeyMigrations],
    clock: systemClock,
    log: silentLog,
  });
  const store = blobKeysOf(whole);
  return {
    folder,
    masterKeysFile,
    store,
    async encrypt(inner, changes = {}) {
      const masterKeys = await openMasterKeys(changes.masterKeysFile ?? masterKeysFile);
      const { clock = systemClock, log = silentLog } = changes;
      return encryptBlobs(inner, { store, masterKeys, clock, random: systemRandom, log });
    },
    async [Symbol.asyncDispose]() {
      await whole.close();
      await rm(folder, { recursive: true });
    },
  };
}
