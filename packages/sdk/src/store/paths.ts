/** Where everything lies in the vault: one line per kind of record, so that nothing is named twice. */
import type { VaultPath } from './vault.ts';

export const paths = {
  identity: ['identity'],
  groups: ['group'],
  /** Record of a group: server, name, membership. */
  group: (groupId: string) => ['group', groupId],
  /** The member's state machine, in two parts that are always written together. */
  publicState: (groupId: string) => ['state', groupId, 'public'],
  secretState: (groupId: string) => ['state', groupId, 'secret'],
  /** The create frame until the server accepted it. */
  creation: (groupId: string) => ['creation', groupId],
  /** The one commit whose fate is unknown [F9]. */
  pendingCommit: (groupId: string) => ['commit', groupId],
  messages: (groupId: string) => ['message', groupId],
  message: (groupId: string, seq: number) => ['message', groupId, seq],
  outbox: (groupId: string) => ['outbox', groupId],
  outgoing: (groupId: string, order: number) => ['outbox', groupId, order],
  /** What the log is compared with: the last processed frame, and those that came by the live feed. */
  witness: (groupId: string) => ['witness', groupId],
  /** Number of every processed frame by its body hash in base64url. */
  allSeen: (groupId: string) => ['seen', groupId],
  seen: (groupId: string, bodyHash: string) => ['seen', groupId, bodyHash],
  capabilities: (groupId: string) => ['capability', groupId],
  capability: (groupId: string, blobId: string) => ['capability', groupId, blobId],
  joins: ['join'],
  /** An invite that was read and not yet used: reading destroyed the server's copy. */
  join: (transferId: string) => ['join', transferId],
} as const satisfies Record<string, VaultPath | ((...segments: never[]) => VaultPath)>;
