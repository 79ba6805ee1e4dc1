/**
 * Known answers for attachments (docs/sealed-groups.md §18): the encrypted form of contents of several sizes, and the message
 * that names one. `checkAttachmentVectors` reads them with this package, in Node and in the browser. Bytes are hexadecimal.
 */
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex as hex, hexToBytes, utf8ToBytes } from '@noble/hashes/utils.js';
import { attachmentType, decodeAttachment, encodeAttachment } from '../src/attachments/attachment.ts';
import { chunkBytes, decryptChunks, encryptChunks } from '../src/attachments/chunked-aead.ts';
import { concatBytes } from '../src/encoding/bytes.ts';
import { isConclaveError } from '../src/errors/conclave-error.ts';

export interface AttachmentVector {
  /** Of the content, whose octet i is 31·i modulo 256. */
  readonly size: number;
  readonly key: string;
  readonly storedSize: number;
  /** Of what is stored. */
  readonly sha256: string;
  readonly firstTag: string;
  readonly lastTag: string;
  /** Whole only where it is short. */
  readonly stored: string | null;
}

export interface AttachmentVectors {
  readonly description: string;
  readonly attachments: readonly AttachmentVector[];
  readonly message: { readonly type: string; readonly content: string };
  /** Changes of what is stored for the content of `size` octets, and the error that each is met with. */
  readonly refused: readonly {
    readonly size: number;
    readonly change: 'flip' | 'cut' | 'swap' | 'size';
    /** flip: the bit; cut: the octets that are left; size: the size that is said; swap: the two first chunks. */
    readonly value: number;
    readonly code: string;
  }[];
}

const boxBytes = chunkBytes + 16;

export async function attachmentVectors(): Promise<AttachmentVectors> {
  const attachments: AttachmentVector[] = [];
  for (const size of [0, 5, 1_024, 1_025, chunkBytes, 100_000]) {
    const key = sha256(utf8ToBytes(`attachment ${size}`));
    const stored = await encrypt(contentOf(size), key);
    attachments.push({
      size,
      key: hex(key),
      storedSize: stored.length,
      sha256: hex(sha256(stored)),
      firstTag: hex(stored.subarray(0, boxBytes).slice(-16)),
      lastTag: hex(stored.slice(-16)),
      stored: size === 5 ? hex(stored) : null,
    });
  }
  const [, named] = attachments;
  const content = encodeAttachment({
    blobId: sha256(utf8ToBytes('blob id')).subarray(0, 16),
    key: hexToBytes(named!.key),
    sha256: hexToBytes(named!.sha256),
    size: named!.size,
    name: 'ä.png',
    mediaType: 'image/png',
    caption: 'Look "here"',
  });
  const code = 'ATTACHMENT_DAMAGED';
  return {
    description:
      'Attachments as stored; octet i of a content is 31 * i modulo 256. message: type and content of the message that names the one of 5 octets.',
    attachments,
    message: { type: attachmentType, content: new TextDecoder().decode(content) },
    refused: [
      { size: 5, change: 'flip', value: 3, code },
      { size: 100_000, change: 'flip', value: 8 * 65_600 + 7, code },
      { size: 100_000, change: 'cut', value: boxBytes, code },
      { size: 100_000, change: 'cut', value: boxBytes + 20, code },
      { size: 100_000, change: 'swap', value: 0, code },
      { size: chunkBytes, change: 'size', value: 100_000, code },
      { size: 1_025, change: 'size', value: 1_024, code },
    ],
  };
}

/** Throws unless this package reads the vectors as they are meant, and refuses what it is meant to refuse. */
export async function checkAttachmentVectors(vectors: AttachmentVectors): Promise<void> {
  for (const vector of vectors.attachments) {
    const stored = await encrypt(contentOf(vector.size), hexToBytes(vector.key));
    if (hex(sha256(stored)) !== vector.sha256) throw new Error(`${vector.size}: stored otherwise`);
    const opened = await decrypt(stored, vector.size, hexToBytes(vector.key));
    if (hex(opened) !== hex(contentOf(vector.size))) throw new Error(`${vector.size}: another content`);
  }
  for (const { size, change, value, code } of vectors.refused) {
    const key = hexToBytes(vectors.attachments.find((vector) => vector.size === size)!.key);
    const stored = changed(await encrypt(contentOf(size), key), change, value);
    const said = change === 'size' ? value : size;
    const error: unknown = await decrypt(stored, said, key).catch((reason: unknown) => reason);
    if (!isConclaveError(error, code)) throw new Error(`${size}: ${change} ${value} was not refused`);
  }
  const attachment = decodeAttachment(utf8ToBytes(vectors.message.content));
  const named = vectors.attachments.find(({ size }) => size === attachment?.size);
  if (attachment === undefined || hex(attachment.sha256) !== named?.sha256) throw new Error('the message');
}

export function contentOf(size: number): Uint8Array {
  return Uint8Array.from({ length: size }, (_, index) => index * 31);
}

export function changed(
  stored: Uint8Array,
  change: 'flip' | 'cut' | 'swap' | 'size',
  value: number,
): Uint8Array {
  if (change === 'flip') return stored.with(value >> 3, stored[value >> 3]! ^ (1 << (value & 7)));
  if (change === 'cut') return stored.subarray(0, value);
  if (change === 'size') return stored;
  return concatBytes(stored.subarray(boxBytes), stored.subarray(0, boxBytes));
}

async function encrypt(content: Uint8Array, key: Uint8Array): Promise<Uint8Array> {
  return await collect(encryptChunks(once(content), content.length, key));
}

async function decrypt(stored: Uint8Array, size: number, key: Uint8Array): Promise<Uint8Array> {
  return await collect(decryptChunks(once(stored), size, key));
}

async function* once(octets: Uint8Array): AsyncGenerator<Uint8Array> {
  yield octets;
}

async function collect(parts: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const all: Uint8Array[] = [];
  for await (const part of parts) all.push(part.slice());
  return concatBytes(...all);
}
