/** What both parsers say of the same octets: for tests and for the fuzz target `frame`. Node only. */
import { isDeepStrictEqual } from 'node:util';
import type { Result } from '../../src/result.ts';
import type { ParsedFrame } from '../../src/wire/index.ts';
import {
  encodeBody,
  encodeCommitTrailer,
  encodeCreateTrailer,
  encodeFrame,
  encodeLeaveTrailer,
  encodeMessageTrailer,
  isCommitFrame,
  isCreateFrame,
  isMessageFrame,
  parseFrame,
} from '../../src/wire/index.ts';
import { parseBySchema } from './reference-parser.ts';

export interface Comparison {
  readonly parsed: Result<ParsedFrame>;
  readonly reference: Result<ParsedFrame>;
  /** What is wrong with that; undefined if nothing is. That different rules are named is not wrong. */
  readonly disagreement: string | undefined;
}

/** `bytes`: a plain `Uint8Array`. */
export function compareParsers(bytes: Uint8Array): Comparison {
  const parsed = parseFrame(bytes);
  const reference = parseBySchema(bytes);
  return { parsed, reference, disagreement: disagreementOf(parsed, reference, bytes) };
}

function disagreementOf(
  parsed: Result<ParsedFrame>,
  reference: Result<ParsedFrame>,
  bytes: Uint8Array,
): string | undefined {
  if (!parsed.ok) return reference.ok ? `${parsed.rule} refuses what the schema accepts` : undefined;
  if (!reference.ok) return `accepts what the schema refuses by ${reference.rule}`;
  if (!isDeepStrictEqual(parsed.value, reference.value)) return 'reads another value than the schema';
  if (!isDeepStrictEqual(encodeWhole(parsed.value), bytes)) return 'the value has another encoding';
  return undefined;
}

function encodeWhole(frame: ParsedFrame): Uint8Array {
  return encodeFrame(encodeBody(frame.header, frame.content), encodeTrailer(frame));
}

function encodeTrailer(frame: ParsedFrame): Uint8Array {
  if (isCreateFrame(frame)) return encodeCreateTrailer(frame.trail);
  if (isCommitFrame(frame)) return encodeCommitTrailer(frame.trail);
  if (isMessageFrame(frame)) return encodeMessageTrailer(frame.trail);
  return encodeLeaveTrailer(frame.trail);
}
