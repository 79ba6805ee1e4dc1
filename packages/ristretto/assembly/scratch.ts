/**
 * The kernel's temporaries, all in one block, so that one fill erases what a secret operation left behind
 * (`arena.ts`, `release`). Each module owns its part; a function that uses a part never calls another one that uses the
 * same. There is one thread and no recursion: fixed addresses are safe, and cheaper than a stack.
 *
 *   field-power, field-bytes  <-  ristretto, normalize  <-  multiplications
 *                    edwards  <-  ristretto, multiplications
 */
const powerBytes: usize = 8 * 40;
const bytesBytes: usize = 48;
const edwardsBytes: usize = 8 * 40;
const ristrettoBytes: usize = 20 * 40;
const pointsBytes: usize = 2048;
const scalarBytes: usize = 512;
const keccakBytes: usize = 208;
const pairScratchBytes: usize = 48 + 12 * 80;
const callBytes: usize = 1024;

export const scratchStart: usize = memory.data(6656, 16);
/** The caller's: arguments and results of operations on a few points or scalars. */
export const callArea: usize = scratchStart;
/** `field-power.ts`: 8 elements. */
export const powerScratch: usize = callArea + callBytes;
/** `field-bytes.ts`: one canonical encoding. */
export const bytesScratch: usize = powerScratch + powerBytes;
/** `edwards.ts`: 8 elements. */
export const edwardsScratch: usize = bytesScratch + bytesBytes;
/** `ristretto.ts`: 20 elements. */
export const ristrettoScratch: usize = edwardsScratch + edwardsBytes;
/** The multiplications: selected table entries, small tables, digits. */
export const pointsScratch: usize = ristrettoScratch + ristrettoBytes;
/** `scalar.ts`. */
export const scalarScratch: usize = pointsScratch + pointsBytes;
/** `keccak.ts`: one state. */
export const keccakScratch: usize = scalarScratch + scalarBytes;
/** `pair-*.ts`: 48 bytes and 12 pairs, from an address that 16 divides. */
export const pairScratch: usize = (keccakScratch + keccakBytes + 15) & ~15;
export const scratchEnd: usize = pairScratch + pairScratchBytes;
