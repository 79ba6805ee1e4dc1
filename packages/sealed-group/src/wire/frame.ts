/**
 * A frame as values: what `parseFrame` returns and what the builders encode. Everything in a parsed frame has the right
 * length and range; nothing in it has been *verified* yet: keys are bytes that need not be points, signatures are unchecked.
 */
import type { GroupMode, Role } from '../tree/index.ts';

/** One change to the tree, in the canonical order of kinds: set-role, remove, add, set-mode. */
export type FrameOperation =
  | { readonly kind: 'set-role'; readonly leaf: number; readonly role: Role }
  | { readonly kind: 'remove'; readonly leaf: number; readonly leaveSignature: Uint8Array | undefined }
  | {
      readonly kind: 'add';
      readonly leafKey: Uint8Array;
      readonly role: Role;
      readonly expiresAtMs: number;
      readonly device: boolean;
    }
  | { readonly kind: 'set-mode'; readonly mode: GroupMode };

/** A node secret encrypted to the node's recipients (§4). */
export interface SealedNodeContent {
  /** Node index in the array form of the tree. */
  readonly node: number;
  /** Q, 32 bytes. */
  readonly key: Uint8Array;
  /** V_0..V_15, 512 bytes. */
  readonly commitments: Uint8Array;
  /** Per recipient D_0..D_15, 512 bytes. */
  readonly handles: readonly Uint8Array[];
}

export interface FrameHeader {
  readonly origin: string;
  /** 16 bytes. */
  readonly groupId: Uint8Array;
  readonly epoch: number;
  /** 16 bytes. */
  readonly nonce: Uint8Array;
  readonly nowMs: number;
}

export interface CreateContent {
  readonly kind: 'create';
  readonly leafKey: Uint8Array;
  readonly mode: GroupMode;
}

export interface CommitContent {
  readonly kind: 'commit';
  readonly committer: number;
  readonly operations: readonly FrameOperation[];
  readonly fills: readonly number[];
  readonly leafKey: Uint8Array;
  readonly sealed: readonly SealedNodeContent[];
}

export interface MessageContent {
  readonly kind: 'message';
  /** Leaf and generation under the header mask, 8 bytes. */
  readonly header: Uint8Array;
  readonly ciphertext: Uint8Array;
}

export interface LeaveContent {
  readonly kind: 'leave';
  readonly leaf: number;
  /** Epoch of the leaf's adding: with the index it names the instance. */
  readonly leafEpoch: number;
}

export type FrameContent = CreateContent | CommitContent | MessageContent | LeaveContent;

export interface CreateTrailerContent {
  readonly confirm: Uint8Array;
  readonly payload: Uint8Array;
  readonly possession: Uint8Array;
}

export interface CommitTrailerContent {
  readonly possessions: readonly Uint8Array[];
  readonly sealingProof: Uint8Array;
  readonly confirm: Uint8Array;
  readonly payload: Uint8Array;
  readonly oldSignature: Uint8Array;
  readonly newSignature: Uint8Array;
}

export type MessageTrailerContent =
  | { readonly proof: 'epoch'; readonly signature: Uint8Array }
  | { readonly proof: 'leaf'; readonly leaf: number; readonly signature: Uint8Array };

export interface LeaveTrailerContent {
  readonly signature: Uint8Array;
}

interface ParsedBase {
  readonly header: FrameHeader;
  /** The whole frame as received. */
  readonly bytes: Uint8Array;
  /** The body's bytes as received. */
  readonly body: Uint8Array;
  /** hashTuple("body", body): the frame's identity. */
  readonly bodyHash: Uint8Array;
  /** The trailer's bytes as received. */
  readonly trailer: Uint8Array;
}

export type CreateFrame = ParsedBase & {
  readonly content: CreateContent;
  readonly trail: CreateTrailerContent;
};
export type CommitFrame = ParsedBase & {
  readonly content: CommitContent;
  readonly trail: CommitTrailerContent;
};
export type MessageFrame = ParsedBase & {
  readonly content: MessageContent;
  readonly trail: MessageTrailerContent;
};
export type LeaveFrame = ParsedBase & { readonly content: LeaveContent; readonly trail: LeaveTrailerContent };

/** A well-formed frame of any kind. Narrow it with `isCommitFrame` and its siblings. */
export type ParsedFrame = CreateFrame | CommitFrame | MessageFrame | LeaveFrame;

export function isCreateFrame(frame: ParsedFrame): frame is CreateFrame {
  return frame.content.kind === 'create';
}

export function isCommitFrame(frame: ParsedFrame): frame is CommitFrame {
  return frame.content.kind === 'commit';
}

export function isMessageFrame(frame: ParsedFrame): frame is MessageFrame {
  return frame.content.kind === 'message';
}

export function isLeaveFrame(frame: ParsedFrame): frame is LeaveFrame {
  return frame.content.kind === 'leave';
}
