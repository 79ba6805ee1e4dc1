/** The records of a group in the vault. All of them are sealed by it. */
import { createRecordCodec } from '../store/json-record.ts';
import type { Sender } from './group-types.ts';

export interface GroupRecord {
  readonly server: string;
  readonly name: string;
  readonly createdAtMs: number;
  /** `active` has a state machine; `removed` keeps history only; `restored` came from a backup. */
  readonly phase: 'creating' | 'active' | 'removed' | 'restored';
}

export interface MessageRecord {
  readonly seq: number;
  readonly bodyHash: Uint8Array;
  readonly sender: Sender;
  readonly mine: boolean;
  readonly sentAtMs: number;
  readonly type: string;
  readonly content: Uint8Array;
}

/** An own message on its way. `frame` are the bytes that were, or will be, posted: the same until they cannot count any more. */
export interface OutgoingRecord {
  readonly order: number;
  readonly localId: string;
  readonly type: string;
  readonly content: Uint8Array;
  readonly createdAtMs: number;
  readonly frame?: Uint8Array;
  readonly bodyHash?: Uint8Array;
  /** The server has it; it goes when it comes back in the log. */
  readonly acceptedSeq?: number;
}

export interface PendingCommitRecord {
  readonly frame: Uint8Array;
  readonly bodyHash: Uint8Array;
}

export interface JoinRecord {
  readonly link: string;
  readonly sealedInvite: Uint8Array;
}

export interface CapabilityRecord {
  readonly capability: Uint8Array;
}

export interface IdentityRecord {
  readonly seed: Uint8Array;
}

export const groupCodec = createRecordCodec<GroupRecord>();
export const messageCodec = createRecordCodec<MessageRecord>();
export const outgoingCodec = createRecordCodec<OutgoingRecord>();
export const pendingCommitCodec = createRecordCodec<PendingCommitRecord>();
export const joinCodec = createRecordCodec<JoinRecord>();
export const capabilityCodec = createRecordCodec<CapabilityRecord>();
export const identityCodec = createRecordCodec<IdentityRecord>();
