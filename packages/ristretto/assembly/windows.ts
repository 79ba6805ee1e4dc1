/** Signed windows of public scalars, for bucket methods. */

/** Scalars are below 2^253; one more bit takes the last carry. */
export const scalarBits: i32 = 254;
const minWindow: i32 = 4;
const maxWindow: i32 = 14;

/** How many windows cover a scalar. */
export function positionsOf(window: i32): i32 {
  return (scalarBits + window - 1) / window;
}

/** The window with the fewest products, given those of a point and of a bucket at each position. */
export function bestWindow(count: i32, perPoint: i32, perBucket: i32): i32 {
  let best = minWindow;
  let fewest = i32.MAX_VALUE;
  for (let window = minWindow; window <= maxWindow; window++) {
    const products = positionsOf(window) * (perPoint * count + (perBucket << (window - 1)));
    if (products < fewest) {
      fewest = products;
      best = window;
    }
  }
  return best;
}

/** Digits in (-2^(window-1), 2^(window-1)], least significant first, `stride` bytes apart. */
export function recode(digits: usize, stride: usize, scalar: usize, window: i32): void {
  const halfRange = 1 << (window - 1);
  const mask = (1 << window) - 1;
  let carry: i32 = 0;
  for (let bit = 0; bit < scalarBits; bit += window) {
    const digit = (bitsAt(scalar, bit) & mask) + carry;
    carry = digit > halfRange ? 1 : 0;
    store<i16>(digits, <i16>(digit - (carry << window)));
    digits += stride;
  }
}

/** At least 17 bits from `bit` on; zeros beyond bit 255. */
function bitsAt(scalar: usize, bit: i32): i32 {
  const at = bit >> 3;
  let bits = <i32>load<u8>(scalar + <usize>at);
  if (at + 1 < 32) bits |= (<i32>load<u8>(scalar + <usize>at + 1)) << 8;
  if (at + 2 < 32) bits |= (<i32>load<u8>(scalar + <usize>at + 2)) << 16;
  return bits >> (bit & 7);
}
