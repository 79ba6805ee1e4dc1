import { decryptChunks, encryptChunks } from '../../../packages/sdk/src/attachments/chunked-aead.ts';
import { ConclaveError } from '../../../packages/sdk/src/errors/conclave-error.ts';
import { demand } from '../engine/target.ts';
import type { FuzzTarget } from '../engine/target.ts';

const key = new Uint8Array(32).fill(8);
const sizes = [0, 5, 1_500, 70_000];

/** The first octet chooses the size that the message announced, the second how the octets arrive in pieces. */
export const target: FuzzTarget = {
  about: 'decryptChunks: an attachment’s blob, from the server',
  format: 'octets',
  maxBytes: 80 * 1024,
  runs: 1_500,
  async prepare() {
    const contents = sizes.map((size) => new Uint8Array(size).fill(3));
    const boxes = await Promise.all(
      contents.map(async (content) =>
        Buffer.concat(await collect(encryptChunks(pieces(content, 9_999), content.length, key))),
      ),
    );
    return {
      seeds: boxes.map((box, choice) => Uint8Array.of(choice, 255, ...box)),
      async check(bytes) {
        const choice = (bytes[0] ?? 0) % sizes.length;
        const pieceBytes = 1 + (bytes[1] ?? 0) * 257;
        const box = bytes.subarray(2);
        const content = contents[choice]!;
        let at = 0;
        try {
          for await (const chunk of decryptChunks(pieces(box, pieceBytes), content.length, key)) {
            demand(
              Buffer.from(chunk).equals(content.subarray(at, at + chunk.length)),
              'only the content is given out',
            );
            at += chunk.length;
          }
          demand(boxes[choice]!.equals(box), 'only the stored octets open to the end');
        } catch (error) {
          if (!(error instanceof ConclaveError && error.code === 'ATTACHMENT_DAMAGED')) throw error;
        }
      },
    };
  },
};

async function* pieces(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function collect(chunks: AsyncIterable<Uint8Array>): Promise<Uint8Array[]> {
  const all: Uint8Array[] = [];
  for await (const chunk of chunks) all.push(chunk);
  return all;
}
