/**
 * The frame parser that the protocol page describes word by word (§5.1): decode frame, body and trailer by the generated
 * schema, encode them again, compare. Slow, and what the one-pass reader of `src/wire/` is compared with, here and by the
 * fuzz target `frame`. Nothing outside of tests uses it.
 */
import type { DescMessage, MessageShape } from '@bufbuild/protobuf';
import { fromBinary, toBinary } from '@bufbuild/protobuf';
import { equalBytes } from '@noble/ciphers/utils.js';
import type { Result } from '../../src/result.ts';
import { accept, violation } from '../../src/result.ts';
import { protocolVersion, suiteId } from '../../src/suite.ts';
import type {
  CommitContent,
  CommitTrailerContent,
  CreateContent,
  FrameContent,
  FrameHeader,
  FrameOperation,
  LeaveContent,
  MessageContent,
  MessageTrailerContent,
  ParsedFrame,
  SealedNodeContent,
} from '../../src/wire/frame.ts';
import { frameBodyHash } from '../../src/wire/frame-hash.ts';
import type {
  Body,
  Commit,
  CommitTrailer,
  Operation,
  SealedNode,
} from '../../src/wire/gen/sealed_group_pb.js';
import {
  BodySchema,
  CommitTrailerSchema,
  CreateTrailerSchema,
  FrameSchema,
  LeaveTrailerSchema,
  MessageTrailerSchema,
} from '../../src/wire/gen/sealed_group_pb.js';
import {
  confirmBytes,
  digitVectorBytes,
  groupIdBytes,
  keyBytes,
  maskedHeaderBytes,
  maxAdds,
  maxFrameBytes,
  maxLeafCount,
  maxOperations,
  maxSealedNodes,
  nonceBytes,
  signatureBytes,
} from '../../src/wire/limits.ts';
import { decodeMode, decodeRole } from '../../src/wire/roles.ts';

const originPattern = /^[\x21-\x7e]{1,255}$/;

export function parseBySchema(bytes: Uint8Array): Result<ParsedFrame> {
  if (bytes.length > maxFrameBytes) return violation('frame/size', `${bytes.length} bytes`);
  const frame = decodeCanonical(FrameSchema, bytes);
  if (!frame.ok) return frame;
  const body = decodeCanonical(BodySchema, frame.value.body);
  if (!body.ok) return body;
  const header = parseHeader(body.value);
  if (!header.ok) return header;
  const base = {
    header: header.value,
    bytes,
    body: frame.value.body,
    bodyHash: frameBodyHash(frame.value.body),
    trailer: frame.value.trailer,
  };
  const content = parseContent(body.value, header.value);
  if (!content.ok) return content;
  return parseTrailer(base, content.value);
}

function parseTrailer(
  base: Omit<ParsedFrame, 'content' | 'trail'>,
  content: FrameContent,
): Result<ParsedFrame> {
  if (content.kind === 'create') {
    const trailer = decodeCanonical(CreateTrailerSchema, base.trailer);
    if (!trailer.ok) return trailer;
    const { confirm, payload, possession } = trailer.value;
    if (confirm.length !== confirmBytes) return wrongLength('confirm');
    if (possession.length !== signatureBytes) return wrongLength('possession');
    return accept({ ...base, content, trail: { confirm, payload, possession } });
  }
  if (content.kind === 'commit') {
    const trailer = decodeCanonical(CommitTrailerSchema, base.trailer);
    if (!trailer.ok) return trailer;
    const trail = parseCommitTrailer(trailer.value, content);
    return trail.ok ? accept({ ...base, content, trail: trail.value }) : trail;
  }
  if (content.kind === 'message') {
    const trailer = decodeCanonical(MessageTrailerSchema, base.trailer);
    if (!trailer.ok) return trailer;
    const trail = parseMessageTrailer(trailer.value.proof);
    return trail.ok ? accept({ ...base, content, trail: trail.value }) : trail;
  }
  const trailer = decodeCanonical(LeaveTrailerSchema, base.trailer);
  if (!trailer.ok) return trailer;
  const { signature } = trailer.value;
  if (signature.length !== signatureBytes) return wrongLength('signature');
  return accept({ ...base, content, trail: { signature } });
}

/** Decodes without keeping unknown fields, then demands that encoding gives the same bytes: only one encoding is valid. */
function decodeCanonical<Desc extends DescMessage>(
  schema: Desc,
  bytes: Uint8Array,
): Result<MessageShape<Desc>> {
  let message: MessageShape<Desc>;
  let encoded: Uint8Array;
  try {
    message = fromBinary(schema, bytes, { readUnknownFields: false });
    encoded = toBinary(schema, message);
  } catch {
    // Octets from outside: the library throws errors of many kinds for what is malformed.
    return violation('frame/decodes', schema.name);
  }
  return equalBytes(encoded, bytes) ? accept(message) : violation('frame/canonical', schema.name);
}

function parseHeader(body: Body): Result<FrameHeader> {
  if (body.version !== protocolVersion || body.suite !== suiteId) {
    return violation('frame/version', `version ${body.version}, suite ${body.suite}`);
  }
  if (!originPattern.test(body.origin)) return violation('frame/origin');
  if (body.groupId.length !== groupIdBytes) return wrongLength('group_id');
  if (body.nonce.length !== nonceBytes) return wrongLength('nonce');
  const epoch = safeInteger(body.epoch);
  const nowMs = safeInteger(body.nowMs);
  if (epoch === undefined) return violation('frame/range', 'epoch');
  if (nowMs === undefined) return violation('frame/range', 'now_ms');
  return accept({ origin: body.origin, groupId: body.groupId, epoch, nonce: body.nonce, nowMs });
}

function parseContent({ content }: Body, header: FrameHeader): Result<FrameContent> {
  if (content.case === 'create') {
    const { leafKey } = content.value;
    const mode = decodeMode(content.value.mode);
    if (header.epoch !== 0) return violation('frame/range', 'epoch of a create');
    if (leafKey.length !== keyBytes) return wrongLength('leaf_key');
    if (mode === undefined) return violation('frame/range', 'mode');
    return accept<CreateContent>({ kind: 'create', leafKey, mode });
  }
  if (content.case === 'commit') return parseCommit(content.value);
  if (content.case === 'message') {
    const { header: masked, ciphertext } = content.value;
    if (masked.length !== maskedHeaderBytes) return wrongLength('header');
    return accept<MessageContent>({ kind: 'message', header: masked, ciphertext });
  }
  if (content.case === 'leave') {
    const { leaf } = content.value;
    const leafEpoch = safeInteger(content.value.leafEpoch);
    if (!isLeaf(leaf)) return violation('frame/range', 'leaf');
    if (leafEpoch === undefined) return violation('frame/range', 'leaf_epoch');
    return accept<LeaveContent>({ kind: 'leave', leaf, leafEpoch });
  }
  return violation('frame/content');
}

function parseCommit(commit: Commit): Result<CommitContent> {
  if (commit.operations.length > maxOperations) return violation('frame/count', 'operations');
  if (commit.sealed.length > maxSealedNodes) return violation('frame/count', 'sealed');
  if (commit.fills.length > maxSealedNodes) return violation('frame/count', 'fills');
  if (!isLeaf(commit.committer)) return violation('frame/range', 'committer');
  if (commit.leafKey.length !== keyBytes) return wrongLength('leaf_key');
  if (!commit.fills.every(isNode)) return violation('frame/range', 'fills');
  const operations: FrameOperation[] = [];
  let adds = 0;
  for (const operation of commit.operations) {
    const parsed = parseOperation(operation);
    if (!parsed.ok) return parsed;
    if (parsed.value.kind === 'add' && ++adds > maxAdds) return violation('frame/count', 'adds');
    operations.push(parsed.value);
  }
  const sealed: SealedNodeContent[] = [];
  for (const node of commit.sealed) {
    const parsed = parseSealedNode(node);
    if (!parsed.ok) return parsed;
    sealed.push(parsed.value);
  }
  const { committer, fills, leafKey } = commit;
  return accept({ kind: 'commit', committer, operations, fills, leafKey, sealed });
}

function parseOperation({ operation }: Operation): Result<FrameOperation> {
  if (operation.case === 'setRole') {
    const role = decodeRole(operation.value.role);
    if (role === undefined || !isLeaf(operation.value.leaf)) return violation('frame/range', 'set_role');
    return accept({ kind: 'set-role', leaf: operation.value.leaf, role });
  }
  if (operation.case === 'remove') {
    const { leaf, leaveSignature } = operation.value;
    if (!isLeaf(leaf)) return violation('frame/range', 'remove');
    if (leaveSignature.length === 0) return accept({ kind: 'remove', leaf, leaveSignature: undefined });
    if (leaveSignature.length !== signatureBytes) return wrongLength('leave_signature');
    return accept({ kind: 'remove', leaf, leaveSignature });
  }
  if (operation.case === 'add') {
    const { leafKey, device } = operation.value;
    const role = decodeRole(operation.value.role);
    const expiresAtMs = safeInteger(operation.value.expiresAtMs);
    if (leafKey.length !== keyBytes) return wrongLength('leaf_key');
    if (role === undefined || expiresAtMs === undefined) return violation('frame/range', 'add');
    return accept({ kind: 'add', leafKey, role, expiresAtMs, device });
  }
  if (operation.case === 'setMode') {
    const mode = decodeMode(operation.value.mode);
    return mode === undefined ? violation('frame/range', 'set_mode') : accept({ kind: 'set-mode', mode });
  }
  return violation('frame/content', 'operation');
}

function parseSealedNode(sealed: SealedNode): Result<SealedNodeContent> {
  const { node, key, commitments, handles } = sealed;
  if (!isNode(node)) return violation('frame/range', 'sealed node');
  if (key.length !== keyBytes) return wrongLength('key');
  if (commitments.length !== digitVectorBytes) return wrongLength('commitments');
  for (const handle of handles) if (handle.length !== digitVectorBytes) return wrongLength('handles');
  return accept({ node, key, commitments, handles });
}

function parseCommitTrailer(trailer: CommitTrailer, content: CommitContent): Result<CommitTrailerContent> {
  const { possessions, sealingProof, confirm, payload, oldSignature, newSignature } = trailer;
  const adds = content.operations.filter((operation) => operation.kind === 'add').length;
  if (possessions.length !== adds) return violation('frame/count', 'possessions');
  for (const possession of possessions)
    if (possession.length !== signatureBytes) return wrongLength('possessions');
  if (confirm.length !== confirmBytes) return wrongLength('confirm');
  if (oldSignature.length !== signatureBytes || newSignature.length !== signatureBytes) {
    return wrongLength('signatures');
  }
  return accept({ possessions, sealingProof, confirm, payload, oldSignature, newSignature });
}

function parseMessageTrailer(
  proof: MessageShape<typeof MessageTrailerSchema>['proof'],
): Result<MessageTrailerContent> {
  if (proof.case === 'epochProof') {
    if (proof.value.length !== signatureBytes) return wrongLength('epoch_proof');
    return accept({ proof: 'epoch', signature: proof.value });
  }
  if (proof.case === 'leafProof') {
    const { leaf, signature } = proof.value;
    if (!isLeaf(leaf)) return violation('frame/range', 'leaf_proof');
    if (signature.length !== signatureBytes) return wrongLength('leaf_proof');
    return accept({ proof: 'leaf', leaf, signature });
  }
  return violation('frame/content', 'proof');
}

function safeInteger(value: bigint): number | undefined {
  return value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : undefined;
}

function isLeaf(index: number): boolean {
  return index < maxLeafCount;
}

function isNode(index: number): boolean {
  return index < 2 * maxLeafCount - 1;
}

function wrongLength(field: string) {
  return violation('frame/length', field);
}
