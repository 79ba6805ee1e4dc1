/**
 * Every error code that the SDK itself raises, declared once; the README's table is compared with it by a test.
 * Codes that a server answered (`M_*`, `CONCLAVE_*`) are carried through unchanged and are documented by the server.
 */
export const sdkErrorCodes = {
  ABORTED: 'The caller cancelled the operation. What was already accepted stays accepted.',
  CLIENT_CLOSED: 'The client, group or store was closed before or during the operation.',
  MISUSE: 'The call makes no sense as it was made; the message says why.',
  NETWORK:
    'The server could not be reached, or the connection broke. Nothing is known to be lost; try again.',
  TIMED_OUT: 'The server did not answer in time.',
  BAD_RESPONSE: 'The server answered something that this SDK does not understand.',
  STORE_LOCKED: 'Another process or tab uses this store. Close it there first.',
  STORE_FAILED: 'The local database refused to read or write; `cause` has its reason.',
  STORE_WRONG_KEY: 'The passphrase or key does not open this store or backup.',
  STORE_CORRUPT: 'A stored value does not authenticate: it was changed, moved or damaged.',
  KEY_FILE_UNSAFE: 'The key file can be read by others, or is not 32 bytes long.',
  BACKUP_INVALID: 'The bytes are not a backup of this format, or they were damaged.',
  BACKUP_STORE_NOT_EMPTY: 'A backup is restored only into a store without groups.',
  INVITE_INVALID: 'The link or QR text is not an invite, or what it leads to was not made by a member.',
  INVITE_ALREADY_READ:
    'The invite can be read once and somebody or something (for example a link preview) read it first, or it expired. Ask for a new one.',
  INVITE_EXPIRED: 'The invite is past its expiry. Ask for a new one.',
  INVITE_REVOKED:
    'The position that the invite gives was removed from the group before it was used. Ask for a new one.',
  GROUP_EXISTS: 'This store already holds a living membership of that group.',
  GROUP_NOT_ACTIVE: 'This device is no longer, or not yet, a member of the group.',
  REMOVED: 'This device was removed from the group.',
  NOT_ALLOWED: 'The group’s rules do not let this member do that.',
  NOT_A_MEMBER: 'There is no such member in the group.',
  CONFLICT: 'Others kept changing the group at the same moment; the change was not made. Try again.',
  OUT_OF_SYNC:
    'The server’s log does not continue what this device has verified. `details` names the broken rule.',
  HISTORY_CHANGED:
    'The server’s log is not the one that this device has processed: frames are gone, others stand in their place, or some are not shown. The server lies, or it was restored from an old backup. The group stands still and what was received is kept; `details.evidence` and `details.seq` say what was found.',
  HISTORY_GONE: 'The server no longer keeps the frames that this device misses; a new invite is needed.',
  ATTACHMENT_DAMAGED: 'The attachment’s bytes are not those that the sender described.',
  ATTACHMENT_NOT_OWNED: 'Only the device that uploaded an attachment holds the capability to delete it.',
} as const;

export type SdkErrorCode = keyof typeof sdkErrorCodes;
