export type { CommitPayload } from './commit-payload.ts';
export { openCommitPayload, sealCommitPayload } from './commit-payload.ts';
export type { ExaminePayloadInput, PayloadFindings } from './examine-commit-payload.ts';
export { examineCommitPayload } from './examine-commit-payload.ts';
export { formatAuthenticator, formatIdentity, formatSafetyNumber } from './fingerprint.ts';
export type {
  EntryScope,
  IdentityEntry,
  PersonProfile,
  SignEntryInput,
  UnverifiedEntry,
} from './identity-entry.ts';
export { signIdentityEntry, verifyIdentityEntry } from './identity-entry.ts';
export type { GroupProfile, Picture } from './profile.ts';
export {
  emptyProfile,
  isDescription,
  isName,
  isProfile,
  maxDescriptionBytes,
  maxNameBytes,
} from './profile.ts';
export type { LeafStanding, RosterChange } from './roster.ts';
export { Roster } from './roster.ts';
export type { DroppedEntry, SealedSnapshot, SnapshotScope, UnverifiedSnapshot } from './roster-snapshot.ts';
export { openRosterSnapshot, sealRosterSnapshot, verifyRosterSnapshot } from './roster-snapshot.ts';
export { SigningKey, signingKeyBytes, signingSeedBytes, verifySignature } from './signing-key.ts';
