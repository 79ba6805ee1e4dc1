/** The body of a frame from its fields: the header, and content of one kind. */
import { protocolVersion, suiteId } from '../suite.ts';
import type { CanonicalReader } from './canonical-reader.ts';
import { fieldTags as tags } from './field-tags.ts';
import type { CreateContent, FrameContent, FrameHeader, LeaveContent, MessageContent } from './frame.ts';
import {
  groupIdBytes,
  keyBytes,
  maskedHeaderBytes,
  maxLeafCount,
  maxOriginBytes,
  nonceBytes,
} from './limits.ts';
import { readCommit, readMode } from './read-commit.ts';

const originPattern = /^[\x21-\x7e]+$/;

/** Undefined if the body has no content, or one that was refused. */
export function readBody(
  fields: CanonicalReader,
): { readonly header: FrameHeader; readonly content: FrameContent } | undefined {
  const header = readHeader(fields);
  const content = readContent(fields, header);
  return content && { header, content };
}

function readHeader(fields: CanonicalReader): FrameHeader {
  const tag = tags.Body;
  const version = fields.uint32(tag.version);
  const suite = fields.uint32(tag.suite);
  if (version !== protocolVersion || suite !== suiteId)
    fields.refuse('frame/version', `version ${version}, suite ${suite}`);
  const origin = fields.text(tag.origin, maxOriginBytes) ?? '';
  if (!originPattern.test(origin)) fields.refuse('frame/origin');
  const groupId = fields.fixedBytes(tag.groupId, groupIdBytes, 'group_id');
  const epoch = fields.uint64(tag.epoch, 'epoch');
  const nonce = fields.fixedBytes(tag.nonce, nonceBytes, 'nonce');
  const nowMs = fields.uint64(tag.nowMs, 'now_ms');
  return { origin, groupId, epoch, nonce, nowMs };
}

function readContent(fields: CanonicalReader, { epoch }: FrameHeader): FrameContent | undefined {
  const tag = tags.Body;
  if (fields.has(tag.message)) return fields.message(tag.message, readMessage);
  if (fields.has(tag.commit)) return fields.message(tag.commit, readCommit);
  if (fields.has(tag.leave)) return fields.message(tag.leave, readLeave);
  if (fields.has(tag.create) && epoch !== 0) fields.refuse('frame/range', 'epoch of a create');
  return fields.message(tag.create, readCreate);
}

function readCreate(fields: CanonicalReader): CreateContent | undefined {
  const leafKey = fields.fixedBytes(tags.Create.leafKey, keyBytes, 'leaf_key');
  const mode = readMode(fields, tags.Create.mode, 'mode');
  return mode && { kind: 'create', leafKey, mode };
}

function readMessage(fields: CanonicalReader): MessageContent {
  const header = fields.fixedBytes(tags.Message.header, maskedHeaderBytes, 'header');
  const ciphertext = fields.bytes(tags.Message.ciphertext);
  return { kind: 'message', header, ciphertext };
}

function readLeave(fields: CanonicalReader): LeaveContent {
  const leaf = fields.index(tags.Leave.leaf, maxLeafCount, 'leaf');
  const leafEpoch = fields.uint64(tags.Leave.leafEpoch, 'leaf_epoch');
  return { kind: 'leave', leaf, leafEpoch };
}
