/**
 * From bytes to a frame: the first gate for everything that comes from outside, in the server and in clients alike.
 * One pass over frame, body and trailer, in this order, each refused for its form [F10] before it is for a value in it; the
 * body is hashed when all is well. Never throws, and refusing costs no more than accepting a frame of the same length.
 * Keys and signatures are only measured here; whether they are points and verify is the business of `src/commit/`.
 */
import type { Result } from '../result.ts';
import { accept, violation } from '../result.ts';
import { CanonicalReader } from './canonical-reader.ts';
import { fieldTags } from './field-tags.ts';
import type {
  CommitFrame,
  CreateFrame,
  FrameContent,
  LeaveFrame,
  MessageFrame,
  ParsedFrame,
} from './frame.ts';
import { frameBodyHash } from './frame-hash.ts';
import { maxFrameBytes } from './limits.ts';
import { readBody } from './read-body.ts';
import {
  readCommitTrailer,
  readCreateTrailer,
  readLeaveTrailer,
  readMessageTrailer,
} from './read-trailer.ts';

/** What differs from kind to kind. */
type Parts =
  | Pick<CreateFrame, 'content' | 'trail'>
  | Pick<CommitFrame, 'content' | 'trail'>
  | Pick<MessageFrame, 'content' | 'trail'>
  | Pick<LeaveFrame, 'content' | 'trail'>;

/**
 * Parses one frame. Every part of the result is a view of `bytes`, which nobody may change afterwards; the views are plain
 * `Uint8Array`s even if `bytes` is a `Buffer`.
 */
export function parseFrame(bytes: Uint8Array): Result<ParsedFrame> {
  if (bytes.length > maxFrameBytes) return violation('frame/size', `${bytes.length} bytes`);
  const frame = new CanonicalReader(bytes);
  const body = frame.bytes(fieldTags.Frame.body);
  const trailer = frame.bytes(fieldTags.Frame.trailer);
  const levels = frame.finish({ body, trailer }, 'frame/content');
  if (!levels.ok) return levels;

  const bodyFields = new CanonicalReader(body);
  const read = bodyFields.finish(readBody(bodyFields), 'frame/content');
  if (!read.ok) return read;
  const { header, content } = read.value;

  const trailerFields = new CanonicalReader(trailer);
  const parts = trailerFields.finish(readTrailer(trailerFields, content), 'frame/content');
  if (!parts.ok) return parts;
  return accept({ header, bytes, body, bodyHash: frameBodyHash(body), trailer, ...parts.value });
}

/** Content and the trailer of its kind; undefined if there is none. */
function readTrailer(fields: CanonicalReader, content: FrameContent): Parts | undefined {
  if (content.kind === 'create') return { content, trail: readCreateTrailer(fields) };
  if (content.kind === 'commit') return { content, trail: readCommitTrailer(fields, content) };
  if (content.kind === 'leave') return { content, trail: readLeaveTrailer(fields) };
  const trail = readMessageTrailer(fields);
  return trail && { content, trail };
}
