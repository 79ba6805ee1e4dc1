import type { Intake } from '../intake.ts';
import { chunkBytes, type ChunkCipher } from './sealed-format.ts';

/** The body that goes into the store. Ends with an error when the intake refuses what it takes in. */
export async function* sealBody(
  intake: Intake,
  cipher: ChunkCipher,
  header: Uint8Array,
): AsyncGenerator<Uint8Array> {
  const pending = Buffer.allocUnsafeSlow(chunkBytes);
  let filled = 0;
  let index = 0;
  try {
    yield header;
    for (let chunk = await intake.next(); chunk !== undefined; chunk = await intake.next()) {
      for (let rest = chunk; rest.length > 0;) {
        // A full chunk is the last one unless more comes.
        if (filled === chunkBytes) {
          yield cipher.seal(index++, false, pending);
          filled = 0;
        }
        const taken = rest.subarray(0, chunkBytes - filled);
        pending.set(taken, filled);
        filled += taken.length;
        rest = rest.subarray(taken.length);
      }
    }
    if (intake.refusal !== undefined) throw new Error('the body was refused');
    yield cipher.seal(index, true, pending.subarray(0, filled));
  } finally {
    pending.fill(0);
    await intake.endEarly();
  }
}
