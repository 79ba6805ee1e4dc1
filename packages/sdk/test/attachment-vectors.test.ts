/** vectors/attachments.json: what this code makes and takes, and read a second time with `node:crypto` alone. */
import { createCipheriv, createDecipheriv, createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { attachmentVectors, changed, checkAttachmentVectors, contentOf } from './attachment-vectors.ts';
import type { AttachmentVectors } from './attachment-vectors.ts';

const vectors = JSON.parse(
  readFileSync(new URL('../../../vectors/attachments.json', import.meta.url), 'utf8'),
) as AttachmentVectors;

/** Big-endian, eleven octets, and the flag of the last chunk. */
const nonceOf = (chunk: number, isLast: boolean): Buffer => {
  const nonce = Buffer.alloc(12);
  nonce.writeUInt32BE(chunk, 7);
  nonce[11] = Number(isLast);
  return nonce;
};

function paddedSize(size: number): number {
  if (size <= 1_024) return 1_024;
  const exponent = Math.floor(Math.log2(size));
  const step = 2 ** (exponent - Math.floor(Math.log2(exponent)) - 1);
  return Math.ceil(size / step) * step;
}

function seal(content: Uint8Array, key: Buffer): Buffer {
  const padded = Buffer.alloc(paddedSize(content.length));
  padded.set(content);
  const boxes: Buffer[] = [];
  for (let at = 0; at < padded.length; at += 65_536) {
    const nonce = nonceOf(boxes.length / 3, at + 65_536 >= padded.length);
    const cipher = createCipheriv('chacha20-poly1305', key, nonce, { authTagLength: 16 });
    boxes.push(cipher.update(padded.subarray(at, at + 65_536)), cipher.final(), cipher.getAuthTag());
  }
  return Buffer.concat(boxes);
}

/** Throws for anything but exactly the encrypted form of a content of `size` octets. */
function open(stored: Buffer, size: number, key: Buffer): Buffer {
  const padded = paddedSize(size);
  const chunks = Math.ceil(padded / 65_536);
  if (stored.length !== padded + 16 * chunks) throw new Error('another size');
  const opened = Array.from({ length: chunks }, (_, chunk) => {
    const box = stored.subarray(chunk * 65_552, (chunk + 1) * 65_552);
    const nonce = nonceOf(chunk, chunk === chunks - 1);
    const decipher = createDecipheriv('chacha20-poly1305', key, nonce, { authTagLength: 16 });
    decipher.setAuthTag(box.subarray(-16));
    return Buffer.concat([decipher.update(box.subarray(0, -16)), decipher.final()]);
  });
  return Buffer.concat(opened).subarray(0, size);
}

describe('the known answers of attachments', () => {
  test('are what this code computes', async () => {
    expect(await attachmentVectors()).toEqual(vectors);
  });

  test('are taken, and what they say is refused is refused by its code', async () => {
    await expect(checkAttachmentVectors(vectors)).resolves.toBeUndefined();
  });

  test('come out of a second reading of the specification', () => {
    for (const vector of vectors.attachments) {
      const key = Buffer.from(vector.key, 'hex');
      const content = contentOf(vector.size);
      const stored = seal(content, key);
      expect({
        ...vector,
        storedSize: stored.length,
        sha256: createHash('sha256').update(stored).digest('hex'),
        firstTag: stored.subarray(0, 65_552).subarray(-16).toString('hex'),
        lastTag: stored.subarray(-16).toString('hex'),
        stored: vector.stored === null ? null : stored.toString('hex'),
      }).toEqual(vector);
      expect(open(stored, vector.size, key)).toEqual(Buffer.from(content));
    }
    for (const { size, change, value } of vectors.refused) {
      const key = Buffer.from(vectors.attachments.find((vector) => vector.size === size)!.key, 'hex');
      const stored = Buffer.from(changed(seal(contentOf(size), key), change, value));
      expect(() => open(stored, change === 'size' ? value : size, key)).toThrow(/another size|authenticate/);
    }
  });

  test('say in the message where the blob lies and how it opens', () => {
    const { type, content } = vectors.message;
    const said = JSON.parse(content) as Record<string, string>;
    const named = vectors.attachments.find(({ size }) => size === 5)!;
    expect(type).toBe('conclave.attachment');
    expect(said).toMatchObject({
      size: 5,
      name: 'ä.png',
      mediaType: 'image/png',
      caption: 'Look "here"',
      key: Buffer.from(named.key, 'hex').toString('base64url'),
      sha256: Buffer.from(named.sha256, 'hex').toString('base64url'),
    });
    expect(Buffer.from(said['blobId']!, 'base64url').length).toBe(16);
  });
});
