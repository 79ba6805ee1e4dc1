/**
 * From values to bytes: the inverse of `parseFrame`. A body is encoded first, because everything in the trailer is bound
 * to its hash; then the trailer without its signatures, because they cover it; then the frame.
 * Callers give values in range: builders are for our own frames and throw on a caller's mistake only by way of the encoder.
 */
import type { MessageInitShape } from '@bufbuild/protobuf';
import { create, toBinary } from '@bufbuild/protobuf';
import { protocolVersion, suiteId } from '../suite.ts';
import type {
  CommitTrailerContent,
  CreateTrailerContent,
  FrameContent,
  FrameHeader,
  FrameOperation,
  LeaveTrailerContent,
  MessageTrailerContent,
} from './frame.ts';
import type { OperationSchema } from './gen/sealed_group_pb.js';
import {
  BodySchema,
  CommitTrailerSchema,
  CreateTrailerSchema,
  FrameSchema,
  LeaveTrailerSchema,
  MessageTrailerSchema,
} from './gen/sealed_group_pb.js';
import { encodeMode, encodeRole } from './roles.ts';

export function encodeBody(header: FrameHeader, content: FrameContent): Uint8Array {
  return toBinary(
    BodySchema,
    create(BodySchema, {
      version: protocolVersion,
      suite: suiteId,
      origin: header.origin,
      groupId: header.groupId,
      epoch: BigInt(header.epoch),
      nonce: header.nonce,
      nowMs: BigInt(header.nowMs),
      content: encodeContent(content),
    }),
  );
}

export function encodeFrame(body: Uint8Array, trailer: Uint8Array): Uint8Array {
  return toBinary(FrameSchema, create(FrameSchema, { body, trailer }));
}

/** Without `possession` this is the part that it covers. */
export function encodeCreateTrailer(
  trailer: Omit<CreateTrailerContent, 'possession'> & { possession?: Uint8Array },
): Uint8Array {
  return toBinary(CreateTrailerSchema, create(CreateTrailerSchema, trailer));
}

/** Without the two signatures this is the part that they cover. */
export function encodeCommitTrailer(
  trailer: Omit<CommitTrailerContent, 'oldSignature' | 'newSignature' | 'possessions'> & {
    possessions: readonly Uint8Array[];
    oldSignature?: Uint8Array;
    newSignature?: Uint8Array;
  },
): Uint8Array {
  return toBinary(
    CommitTrailerSchema,
    create(CommitTrailerSchema, { ...trailer, possessions: [...trailer.possessions] }),
  );
}

export function encodeMessageTrailer(trailer: MessageTrailerContent): Uint8Array {
  return toBinary(
    MessageTrailerSchema,
    create(MessageTrailerSchema, {
      proof:
        trailer.proof === 'epoch'
          ? { case: 'epochProof', value: trailer.signature }
          : { case: 'leafProof', value: { leaf: trailer.leaf, signature: trailer.signature } },
    }),
  );
}

export function encodeLeaveTrailer(trailer: LeaveTrailerContent): Uint8Array {
  return toBinary(LeaveTrailerSchema, create(LeaveTrailerSchema, trailer));
}

function encodeContent(content: FrameContent): NonNullable<MessageInitShape<typeof BodySchema>['content']> {
  if (content.kind === 'create') {
    return { case: 'create', value: { leafKey: content.leafKey, mode: encodeMode(content.mode) } };
  }
  if (content.kind === 'commit') {
    const { committer, operations, fills, leafKey, sealed } = content;
    return {
      case: 'commit',
      value: {
        committer,
        operations: operations.map(encodeOperation),
        fills: [...fills],
        leafKey,
        sealed: sealed.map((node) => ({ ...node, handles: [...node.handles] })),
      },
    };
  }
  if (content.kind === 'message') {
    return { case: 'message', value: { header: content.header, ciphertext: content.ciphertext } };
  }
  return { case: 'leave', value: { leaf: content.leaf, leafEpoch: BigInt(content.leafEpoch) } };
}

function encodeOperation(operation: FrameOperation): MessageInitShape<typeof OperationSchema> {
  if (operation.kind === 'set-role') {
    const { leaf, role } = operation;
    return { operation: { case: 'setRole', value: { leaf, role: encodeRole(role) } } };
  }
  if (operation.kind === 'remove') {
    const { leaf, leaveSignature } = operation;
    const value = leaveSignature === undefined ? { leaf } : { leaf, leaveSignature };
    return { operation: { case: 'remove', value } };
  }
  if (operation.kind === 'add') {
    const { leafKey, role, expiresAtMs, device } = operation;
    const value = { leafKey, role: encodeRole(role), expiresAtMs: BigInt(expiresAtMs), device };
    return { operation: { case: 'add', value } };
  }
  return { operation: { case: 'setMode', value: { mode: encodeMode(operation.mode) } } };
}
