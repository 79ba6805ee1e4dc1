import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { concatBytes } from '../encoding/bytes.ts';
import { chunkBytes, decryptChunks, encryptChunks, encryptedBytes, paddedBytes } from './chunked-aead.ts';

const key = new Uint8Array(32).fill(9);
const boxBytes = chunkBytes + 16;

async function* inPieces(bytes: Uint8Array, pieceBytes: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += pieceBytes) yield bytes.subarray(at, at + pieceBytes);
}

async function collect(parts: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const all: Uint8Array[] = [];
  for await (const part of parts) all.push(part.slice());
  return concatBytes(...all);
}

const encrypt = (content: Uint8Array, pieceBytes = 10_000): Promise<Uint8Array> =>
  collect(encryptChunks(inPieces(content, pieceBytes), content.length, key));
const decrypt = (boxes: Uint8Array, size: number, pieceBytes = 7_777): Promise<Uint8Array> =>
  collect(decryptChunks(inPieces(boxes, pieceBytes), size, key));

describe('chunked encryption of attachments', () => {
  test('what was encrypted is decrypted, whatever its size and the pieces it comes in', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(
          fc.integer({ min: 0, max: 3_000 }),
          fc.integer({ min: chunkBytes - 3, max: 4 * chunkBytes }),
        ),
        fc.integer({ min: 1_000, max: 200_000 }),
        fc.integer({ min: 1_000, max: 200_000 }),
        async (size, pieceIn, pieceOut) => {
          const content = Uint8Array.from({ length: size }, (_, index) => index * 31);
          const boxes = await encrypt(content, pieceIn);
          expect(boxes.length).toBe(encryptedBytes(size));
          expect(await decrypt(boxes, size, pieceOut)).toEqual(content);
        },
      ),
      { numRuns: 25 },
    );
  });

  test('padded sizes are at least the size, at most 12 % more, and few', () => {
    const sizes = new Set<number>();
    for (let size = 1_024; size < 100_000; size += 7) {
      const padded = paddedBytes(size);
      expect(padded).toBeGreaterThanOrEqual(size);
      expect(padded).toBeLessThanOrEqual(size * 1.12);
      sizes.add(padded);
    }
    expect(sizes.size).toBeLessThan(120);
  });

  const content = new Uint8Array(2.5 * chunkBytes).fill(1);
  test.each([
    ['a bit flipped', (boxes: Uint8Array) => boxes.with(70_000, boxes[70_000]! ^ 1)],
    ['the last chunk missing', (boxes: Uint8Array) => boxes.subarray(0, 2 * boxBytes)],
    ['cut inside a chunk', (boxes: Uint8Array) => boxes.subarray(0, boxes.length - 5)],
    ['nothing', () => new Uint8Array()],
    [
      'two chunks swapped',
      (boxes: Uint8Array) =>
        concatBytes(
          boxes.subarray(boxBytes, 2 * boxBytes),
          boxes.subarray(0, boxBytes),
          boxes.subarray(2 * boxBytes),
        ),
    ],
    ['a byte appended', (boxes: Uint8Array) => concatBytes(boxes, Uint8Array.of(0))],
    ['a chunk repeated at the end', (boxes: Uint8Array) => concatBytes(boxes, boxes.subarray(2 * boxBytes))],
  ])('damage is noticed: %s', async (_what, damage) => {
    const boxes = await encrypt(content);
    await expect(decrypt(damage(boxes), content.length)).rejects.toMatchObject({
      code: 'ATTACHMENT_DAMAGED',
    });
  });

  test('a source that is longer or shorter than announced is refused', async () => {
    for (const announced of [9, 11]) {
      const source = inPieces(new Uint8Array(10), 4);
      await expect(collect(encryptChunks(source, announced, key))).rejects.toMatchObject({ code: 'MISUSE' });
    }
  });
});
