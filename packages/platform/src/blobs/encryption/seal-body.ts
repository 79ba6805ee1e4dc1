import type { Intake } from '../intake.ts';
import { chunkBytes, chunkCountOf, sealedChunkBytes, type ChunkCipher } from './sealed-format.ts';

/** A MiB goes into the store at once: each handing over costs turns of the event loop. */
const maxChunksAtOnce = 16;

/**
 * The body that goes into the store: the header, then sealed chunks, many at once in a buffer of their own. Ends with an error
 * when the intake refuses what it takes in.
 *
 *   incoming ─┬─ more than a chunk of it left ─────────────────────┐
 *             └─ else ─▶ pending ─▶ full, and more comes: not last ─┴─▶ sealed into the buffer ─▶ full: yielded
 */
export async function* sealBody(
  intake: Intake,
  cipher: ChunkCipher,
  header: Uint8Array,
  maxBytes: number,
): AsyncGenerator<Uint8Array> {
  const chunksAtOnce = Math.min(maxChunksAtOnce, chunkCountOf(maxBytes));
  const pending = Buffer.allocUnsafeSlow(chunkBytes);
  let filled = 0;
  let index = 0;
  let sealed: Uint8Array | undefined;
  let sealedBytes = 0;

  /** What is to be yielded, once the buffer is full. */
  function seal(isLast: boolean, plain: Uint8Array): Uint8Array | undefined {
    sealed ??= Buffer.allocUnsafeSlow(
      isLast ? plain.length + overheadBytes : chunksAtOnce * sealedChunkBytes,
    );
    sealedBytes += cipher.sealInto(index++, isLast, plain, sealed, sealedBytes);
    if (!isLast && sealedBytes < sealed.length) return undefined;
    const full = sealed.subarray(0, sealedBytes);
    sealed = undefined;
    sealedBytes = 0;
    return full;
  }

  try {
    yield header;
    for (let chunk = await intake.next(); chunk !== undefined; chunk = await intake.next()) {
      for (let rest = chunk; rest.length > 0;) {
        // A full chunk is the last one unless more comes.
        if (filled === chunkBytes) {
          const full = seal(false, pending);
          filled = 0;
          if (full !== undefined) yield full;
        }
        if (filled === 0 && rest.length > chunkBytes) {
          const full = seal(false, rest.subarray(0, chunkBytes));
          rest = rest.subarray(chunkBytes);
          if (full !== undefined) yield full;
          continue;
        }
        const taken = rest.subarray(0, chunkBytes - filled);
        pending.set(taken, filled);
        filled += taken.length;
        rest = rest.subarray(taken.length);
      }
    }
    if (intake.refusal !== undefined) throw new Error('the body was refused');
    yield seal(true, pending.subarray(0, filled))!;
  } finally {
    pending.fill(0);
    await intake.endEarly();
  }
}

const overheadBytes = sealedChunkBytes - chunkBytes;
