/**
 * What signatures and proofs are bound to: protocol version, suite, server origin, group and epoch first (§2), then what
 * the purpose adds. All are prefix-free: the origin is preceded by its length, everything else has a fixed length.
 */
import { concatBytes, utf8ToBytes } from '@noble/hashes/utils.js';
import { hashTuple, uint32 } from '../hash/index.ts';
import { protocolVersion, suiteId } from '../suite.ts';

export interface ContextSource {
  readonly origin: string;
  readonly groupId: Uint8Array;
  readonly epoch: number;
}

/** version (2) ‖ suite (2) ‖ origin length (1) ‖ origin ‖ group id (16) ‖ epoch (8), big-endian. */
export function encodeContext({ origin, groupId, epoch }: ContextSource): Uint8Array {
  const originBytes = utf8ToBytes(origin);
  const head = new Uint8Array([
    protocolVersion >> 8,
    protocolVersion & 255,
    suiteId >> 8,
    suiteId & 255,
    originBytes.length,
  ]);
  return concatBytes(head, originBytes, groupId, uint64(epoch));
}

/** For `commit-old`, `commit-new` and the possession proof of a create: the trailer binds the body. */
export function trailerSignatureContext(source: ContextSource, trailerContext: Uint8Array): Uint8Array {
  return concatBytes(encodeContext(source), trailerContext);
}

/** For the possession proof of the `add` at position `operation` of a commit's operations. */
export function possessionContext(
  source: ContextSource,
  bodyHash: Uint8Array,
  operation: number,
): Uint8Array {
  return concatBytes(encodeContext(source), bodyHash, uint32(operation));
}

/** For a message's proof by the epoch key. */
export function messageContext(source: ContextSource, bodyHash: Uint8Array): Uint8Array {
  return concatBytes(encodeContext(source), bodyHash);
}

/** For a message's signature by the leaf `leaf`. */
export function leafMessageContext(source: ContextSource, bodyHash: Uint8Array, leaf: number): Uint8Array {
  return concatBytes(encodeContext(source), bodyHash, uint32(leaf));
}

/**
 * For a leave: group and instance and nothing else, so that it stays valid in later epochs until the leaf commits
 * (its key changes) or is removed, and can be checked against the tree alone.
 */
export function leaveContext(
  group: Omit<ContextSource, 'epoch'>,
  leaf: number,
  leafEpoch: number,
): Uint8Array {
  return concatBytes(encodeContext({ ...group, epoch: leafEpoch }), uint32(leaf));
}

/** What a commit's hedged node secrets are bound to besides the secret and fresh randomness [F9]. */
export function secretsContext(source: ContextSource, nonce: Uint8Array, operations: Uint8Array): Uint8Array {
  return hashTuple('commit-secrets', encodeContext(source), nonce, operations);
}

export function uint64(value: number): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(value));
  return bytes;
}
