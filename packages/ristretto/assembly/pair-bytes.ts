/** Pairs (`pair-field.ts`) from and to single elements (`field.ts`), by way of 32 bytes. */
import { fieldFromBytes, fieldToBytes } from './field-bytes';
import { pairCarry } from './pair-field';
import { pairScratch } from './scratch';

const bytes: usize = pairScratch;
const limbMask: u64 = 0x7ffffffffffff;
const limbBits: u64 = 51;

/** The pair of two elements of up to four units; one unit. */
export function pairFromFields(out: usize, first: usize, second: usize): void {
  writeLimbs(out, first);
  writeLimbs(out + 8, second);
  pairCarry(out, out); // limbs in [0, 2^51) to one unit
}

function writeLimbs(out: usize, a: usize): void {
  fieldToBytes(bytes, a);
  const w0 = load<u64>(bytes);
  const w1 = load<u64>(bytes, 8);
  const w2 = load<u64>(bytes, 16);
  const w3 = load<u64>(bytes, 24);
  store<f64>(out, <f64>(w0 & limbMask), 0);
  store<f64>(out, <f64>(((w0 >> 51) | (w1 << 13)) & limbMask), 16);
  store<f64>(out, <f64>(((w1 >> 38) | (w2 << 26)) & limbMask), 32);
  store<f64>(out, <f64>(((w2 >> 25) | (w3 << 39)) & limbMask), 48);
  store<f64>(out, <f64>(w3 >> 12), 64);
}

/** The first (lane 0) or second (lane 8 bytes on) element of a pair of up to two units; one unit. */
export function fieldFromPair(out: usize, pair: usize, lane: usize): void {
  const a = pair + lane;
  // Plus 4p, whose limbs are 2^53 - 76, 2^53 - 4, 2^53 - 4, ...: every limb gets positive.
  let l0 = <u64>(<i64>load<f64>(a, 0) + ((1 << 53) - 76));
  let l1 = <u64>(<i64>load<f64>(a, 16) + ((1 << 53) - 4));
  let l2 = <u64>(<i64>load<f64>(a, 32) + ((1 << 53) - 4));
  let l3 = <u64>(<i64>load<f64>(a, 48) + ((1 << 53) - 4));
  let l4 = <u64>(<i64>load<f64>(a, 64) + ((1 << 53) - 4));
  // Twice: after the first pass the value is below 2^255 + 19 * 8, after the second below 2^255.
  for (let pass = 0; pass < 2; pass++) {
    l1 += l0 >> limbBits;
    l2 += l1 >> limbBits;
    l3 += l2 >> limbBits;
    l4 += l3 >> limbBits;
    l0 = (l0 & limbMask) + 19 * (l4 >> limbBits);
    l1 &= limbMask;
    l2 &= limbMask;
    l3 &= limbMask;
    l4 &= limbMask;
  }
  l1 += l0 >> limbBits;
  l0 &= limbMask;
  store<u64>(bytes, l0 | (l1 << 51));
  store<u64>(bytes, (l1 >> 13) | (l2 << 38), 8);
  store<u64>(bytes, (l2 >> 26) | (l3 << 25), 16);
  store<u64>(bytes, (l3 >> 39) | (l4 << 12), 24);
  fieldFromBytes(out, bytes);
}
