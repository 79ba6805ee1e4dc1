/** `@conclave/sdk`: the client of sealed groups, for Node and browsers. Stores are in `./node` and `./browser`. */
export { createAccountClient } from './account/account-client.ts';
export type {
  AccountClient,
  AccountClientOptions,
  AccountSession,
  Credentials,
} from './account/account-client.ts';
export { attachmentType, type Attachment } from './attachments/attachment.ts';
export type { Progress, TransferOptions } from './attachments/blob-client.ts';
export type { AttachmentSource } from './attachments/octet-source.ts';
export type { RestoredBackup } from './backup/backup.ts';
export { ConclaveClient } from './client.ts';
export type { ClientEvents, ClientOptions, GroupSummary } from './client.ts';
export { ConclaveError, isConclaveError } from './errors/conclave-error.ts';
export { sdkErrorCodes, type SdkErrorCode } from './errors/error-codes.ts';
export type { AttachOptions, Cancel, GroupHandle } from './group/group-handle.ts';
export type * from './group/group-types.ts';
export type { PreviewEvent, PreviewMessage } from './group/preview-types.ts';
export type { HousekeepingTiming } from './group/housekeeping.ts';
export type { InviteLink, InviteOptions } from './group/make-invite.ts';
export type { Outgoing } from './group/message-content.ts';
export { createSystemRandom } from './random/system-random.ts';
export { openEphemeralStore } from './store/ephemeral-store.ts';
export { createMemoryStore } from './store/memory-store.ts';
export type { PassphraseCost } from './store/passphrase-key.ts';
export type { ListOptions, StateStore, StoreEntry, StoreKey, StoreOperation } from './store/state-store.ts';
export type { Unlock } from './store/storage-key.ts';
export { openVault, type Vault } from './store/vault.ts';
export { createSystemClock, type Clock } from './time/clock.ts';
