/** Decoding of what members send each other: like frames (§5), only the one canonical encoding is accepted [F10]. */
import type { DescMessage, MessageShape } from '@bufbuild/protobuf';
import { fromBinary, toBinary } from '@bufbuild/protobuf';
import { equalBytes } from '@noble/ciphers/utils.js';

/** Undefined for anything that encoding the decoded message would not give back. Byte fields are views of `bytes`. */
export function decodeCanonical<Desc extends DescMessage>(
  schema: Desc,
  bytes: Uint8Array,
): MessageShape<Desc> | undefined {
  try {
    const message = fromBinary(schema, bytes, { readUnknownFields: false });
    return equalBytes(toBinary(schema, message), bytes) ? message : undefined;
  } catch {
    // Bytes from outside: every way of being malformed has the same answer.
    return undefined;
  }
}

/** A protobuf uint64 as a number, undefined above 2^53 - 1. */
export function safeInteger(value: bigint): number | undefined {
  return value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : undefined;
}
