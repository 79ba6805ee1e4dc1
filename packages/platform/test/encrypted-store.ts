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
import type { PostgresServer } from '@conclave/testkit/servers';
import { openPostgresStore } from '@conclave/platform/postgres';
import {
  addMasterKey,
  blobKeyMigrations,
  blobKeysOf,
  createMasterKeys,
  encryptBlobs,
  openMasterKeys,
  promoteMasterKey,
  type BlobKeyTables,
  type EncryptedBlobStore,
} from '@conclave/platform/blob-encryption';

type Tables = OutboxTables & BlobKeyTables;

export interface TestEncryption extends AsyncDisposable {
  readonly folder: string;
  readonly masterKeysFile: string;
  readonly store: Store<BlobKeyTables>;
  encrypt(
    inner: BlobStore,
    changes?: { clock?: Clock; log?: Log; masterKeysFile?: string },
  ): Promise<EncryptedBlobStore>;
}

/** A database for data keys, on the server or in a file, and a ring of master keys. */
export async function createTestEncryption(on?: PostgresServer): Promise<TestEncryption> {
  const folder = await mkdtemp(join(tmpdir(), 'conclave-encrypted-'));
  const masterKeysFile = join(folder, 'master-keys.json');
  await createMasterKeys(masterKeysFile, systemRandom, systemClock.nowMs());
  const common = { migrations: [blobKeyMigrations], clock: systemClock, log: silentLog };
  const whole =
    on === undefined
      ? await openSqliteStore<Tables>({ ...common, file: join(folder, 'test.db') })
      : await openPostgresStore<Tables>({ ...common, ...(await on.createDatabase()), maxConnections: 8 });
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

/** Both steps at once, which is enough on one machine; resolves with the new key's name. */
export async function rotateMasterKeys(file: string): Promise<string> {
  const id = await addMasterKey(file, systemRandom, systemClock.nowMs());
  await promoteMasterKey(file, id, systemRandom);
  return id;
}
