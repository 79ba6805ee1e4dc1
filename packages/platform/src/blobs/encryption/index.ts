/** Encryption of blobs at rest. Apart from the index of the package, since most installations on a disk have none. */
export { encryptBlobs, type EncryptBlobsDeps, type EncryptedBlobStore } from './encrypt-blobs.ts';
export { blobKeyMigrations, blobKeysOf, type BlobKeyTables } from './blob-key-table.ts';
export {
  addMasterKey,
  createMasterKeys,
  MasterKeysError,
  openMasterKeys,
  promoteMasterKey,
  removeMasterKey,
  type MasterKeys,
  type MasterKeysErrorCode,
} from './master-keys.ts';
