/**
 * A message frame read in one pass, without the schema: nearly every frame is one, and decoding it generically, encoding it
 * again and comparing costs a server more than anything else that it does with the octets.
 *
 * Reads nothing but the canonical encoding of a message with every length and range in order; of everything else it says
 * `undefined`, and `parseFrame` finds by the schema what it is or which rule it breaks. So this reader may refuse what the
 * schema accepts, and never the other way round; test/wire/read-message-frame.test.ts compares the two.
 */
import { protocolVersion, suiteId } from '../suite.ts';
import type { FrameHeader, MessageFrame, MessageTrailerContent } from './frame.ts';
import { frameBodyHash } from './frame-hash.ts';
import { groupIdBytes, maskedHeaderBytes, maxLeafCount, nonceBytes, signatureBytes } from './limits.ts';

/** Tags of the fields in sealed_group.proto: number and wire type in one octet. */
const tag = {
  frame: { body: 0x0a, trailer: 0x12 },
  body: {
    version: 0x08,
    suite: 0x10,
    origin: 0x1a,
    groupId: 0x22,
    epoch: 0x28,
    nonce: 0x32,
    nowMs: 0x38,
    message: 0x52,
  },
  message: { header: 0x0a, ciphertext: 0x12 },
  trailer: { epochProof: 0x0a, leafProof: 0x12 },
  leafProof: { leaf: 0x08, signature: 0x12 },
} as const;

const maxOriginBytes = 255;

export function readMessageFrame(bytes: Uint8Array): MessageFrame | undefined {
  const frame = new Fields(bytes);
  const body = frame.bytes(tag.frame.body);
  const trailer = frame.bytes(tag.frame.trailer);
  if (body === undefined || trailer === undefined || !frame.isAtEnd) return undefined;

  const fields = new Fields(body);
  const header = readHeader(fields);
  const message = header && fields.bytes(tag.body.message);
  if (message === undefined || !fields.isAtEnd) return undefined;

  const content = new Fields(message);
  const masked = content.bytes(tag.message.header, maskedHeaderBytes);
  const ciphertext = content.bytes(tag.message.ciphertext);
  // An empty ciphertext would be left out.
  if (masked === undefined || ciphertext === undefined || ciphertext.length === 0 || !content.isAtEnd)
    return undefined;

  const trail = readTrailer(new Fields(trailer));
  if (header === undefined || trail === undefined) return undefined;
  return {
    header,
    bytes,
    body,
    bodyHash: frameBodyHash(body),
    trailer,
    content: { kind: 'message', header: masked, ciphertext },
    trail,
  };
}

function readHeader(fields: Fields): FrameHeader | undefined {
  if (fields.integer(tag.body.version) !== protocolVersion) return undefined;
  if (fields.integer(tag.body.suite) !== suiteId) return undefined;
  const originBytes = fields.bytes(tag.body.origin);
  const groupId = fields.bytes(tag.body.groupId, groupIdBytes);
  const epoch = fields.integer(tag.body.epoch);
  const nonce = fields.bytes(tag.body.nonce, nonceBytes);
  const nowMs = fields.integer(tag.body.nowMs);
  const origin = originBytes && visibleAscii(originBytes);
  if (
    origin === undefined ||
    groupId === undefined ||
    epoch === undefined ||
    nonce === undefined ||
    nowMs === undefined
  )
    return undefined;
  return { origin, groupId, epoch, nonce, nowMs };
}

function readTrailer(fields: Fields): MessageTrailerContent | undefined {
  const epochProof = fields.bytes(tag.trailer.epochProof, signatureBytes);
  if (epochProof !== undefined) return fields.isAtEnd ? { proof: 'epoch', signature: epochProof } : undefined;
  const leafProof = fields.bytes(tag.trailer.leafProof);
  if (leafProof === undefined || !fields.isAtEnd) return undefined;
  const proof = new Fields(leafProof);
  const leaf = proof.integer(tag.leafProof.leaf);
  const signature = proof.bytes(tag.leafProof.signature, signatureBytes);
  if (leaf === undefined || leaf >= maxLeafCount || signature === undefined || !proof.isAtEnd)
    return undefined;
  return { proof: 'leaf', leaf, signature };
}

/** Undefined unless it is 1–255 characters of 0x21–0x7e, in which UTF-8 and ASCII are the same. */
function visibleAscii(bytes: Uint8Array): string | undefined {
  if (bytes.length === 0 || bytes.length > maxOriginBytes) return undefined;
  if (!bytes.every((byte) => byte >= 0x21 && byte <= 0x7e)) return undefined;
  return String.fromCharCode(...bytes);
}

/** The fields of one message in their order, each in its shortest encoding. What does not fit is not read. */
class Fields {
  readonly #bytes: Uint8Array;
  #offset = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get isAtEnd(): boolean {
    return this.#offset === this.#bytes.length;
  }

  /** The value of a `bytes` or message field, a view; undefined if the next field is another, or has another length. */
  bytes(fieldTag: number, length?: number): Uint8Array | undefined {
    const start = this.#offset;
    const found = this.#bytes[start] === fieldTag ? this.#readBytes(start + 1) : undefined;
    if (found !== undefined && (length === undefined || found.length === length)) return found;
    this.#offset = start;
    return undefined;
  }

  /** The value of an integer field, at most 2^53 - 1; zero is the field that is not there. Undefined if it is longer than needed. */
  integer(fieldTag: number): number | undefined {
    if (this.#bytes[this.#offset] !== fieldTag) return 0;
    this.#offset += 1;
    const value = this.#varint();
    return value === 0 ? undefined : value;
  }

  #readBytes(from: number): Uint8Array | undefined {
    this.#offset = from;
    const length = this.#varint();
    if (length === undefined || this.#offset + length > this.#bytes.length) return undefined;
    return this.#bytes.subarray(this.#offset, (this.#offset += length));
  }

  /** Undefined for what is too large, cut off, or has groups of seven bits that say nothing. */
  #varint(): number | undefined {
    let value = 0;
    for (let weight = 1; weight < Number.MAX_SAFE_INTEGER; weight *= 0x80) {
      const byte = this.#bytes[this.#offset++];
      if (byte === undefined) return undefined;
      value += (byte & 0x7f) * weight;
      if (byte < 0x80) return (byte === 0 && weight > 1) || !Number.isSafeInteger(value) ? undefined : value;
    }
    return undefined;
  }
}
