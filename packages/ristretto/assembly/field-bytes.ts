/** Field elements as 32 little-endian bytes (RFC 9496, section 4), and the predicates that need the canonical form. */
import { fieldCarry } from './field';
import { bytesScratch } from './scratch';

const limbMask: u64 = 0x1fffffff;
const topMask: i64 = 0x7fffff; // limb 8 holds bits 232 to 254

/** Reads 255 bits; the top bit is dropped, values from p to 2^255 - 1 are taken modulo p. One unit. */
export function fieldFromBytes(out: usize, bytes: usize): void {
  const w0 = load<u64>(bytes);
  const w1 = load<u64>(bytes, 8);
  const w2 = load<u64>(bytes, 16);
  const w3 = load<u64>(bytes, 24);
  i64.store32(out, w0 & limbMask, 0);
  i64.store32(out, (w0 >> 29) & limbMask, 4);
  i64.store32(out, ((w0 >> 58) | (w1 << 6)) & limbMask, 8);
  i64.store32(out, (w1 >> 23) & limbMask, 12);
  i64.store32(out, ((w1 >> 52) | (w2 << 12)) & limbMask, 16);
  i64.store32(out, (w2 >> 17) & limbMask, 20);
  i64.store32(out, ((w2 >> 46) | (w3 << 18)) & limbMask, 24);
  i64.store32(out, (w3 >> 11) & limbMask, 28);
  i64.store32(out, (w3 >> 40) & topMask, 32);
  fieldCarry(out, out); // two units (2^29) to one
}

/** Writes the 32 canonical bytes of an element of up to four units. */
export function fieldToBytes(out: usize, a: usize): void {
  // Plus 256p = 2^263 - 4864, whose limbs can be written 2^31 - 4864, 2^31 - 4, 2^31 - 4, ...: every limb gets positive,
  // and the value lies in (0, 2^264).
  let l0 = i64.load32_s(a, 0) + (0x80000000 - 4864);
  let l1 = i64.load32_s(a, 4) + (0x80000000 - 4);
  let l2 = i64.load32_s(a, 8) + (0x80000000 - 4);
  let l3 = i64.load32_s(a, 12) + (0x80000000 - 4);
  let l4 = i64.load32_s(a, 16) + (0x80000000 - 4);
  let l5 = i64.load32_s(a, 20) + (0x80000000 - 4);
  let l6 = i64.load32_s(a, 24) + (0x80000000 - 4);
  let l7 = i64.load32_s(a, 28) + (0x80000000 - 4);
  let l8 = i64.load32_s(a, 32) + (0x80000000 - 4);
  const mask = <i64>limbMask;

  // First pass: floor carries; what lies above bit 255 comes back times 19. Now 0 <= value < 2^255 + 19 * 2^10.
  l1 += l0 >> 29;
  l2 += l1 >> 29;
  l3 += l2 >> 29;
  l4 += l3 >> 29;
  l5 += l4 >> 29;
  l6 += l5 >> 29;
  l7 += l6 >> 29;
  l8 += l7 >> 29;
  l0 = (l0 & mask) + 19 * (l8 >> 23);
  l1 &= mask;
  l2 &= mask;
  l3 &= mask;
  l4 &= mask;
  l5 &= mask;
  l6 &= mask;
  l7 &= mask;
  l8 &= topMask;

  // Second pass: the quotient of value + 19 by 2^255 is 1 exactly if value >= p (it cannot be 2).
  let quotient = (l0 + 19) >> 29;
  quotient = (l1 + quotient) >> 29;
  quotient = (l2 + quotient) >> 29;
  quotient = (l3 + quotient) >> 29;
  quotient = (l4 + quotient) >> 29;
  quotient = (l5 + quotient) >> 29;
  quotient = (l6 + quotient) >> 29;
  quotient = (l7 + quotient) >> 29;
  quotient = (l8 + quotient) >> 23;
  l0 += 19 * quotient;
  l1 += l0 >> 29;
  l2 += l1 >> 29;
  l3 += l2 >> 29;
  l4 += l3 >> 29;
  l5 += l4 >> 29;
  l6 += l5 >> 29;
  l7 += l6 >> 29;
  l8 += l7 >> 29;
  l0 &= mask;
  l1 &= mask;
  l2 &= mask;
  l3 &= mask;
  l4 &= mask;
  l5 &= mask;
  l6 &= mask;
  l7 &= mask;
  l8 &= topMask;

  store<i64>(out, l0 | (l1 << 29) | (l2 << 58));
  store<i64>(out, (l2 >> 6) | (l3 << 23) | (l4 << 52), 8);
  store<i64>(out, (l4 >> 12) | (l5 << 17) | (l6 << 46), 16);
  store<i64>(out, (l6 >> 18) | (l7 << 11) | (l8 << 40), 24);
}

/** -1 if the element is zero modulo p, else 0. Up to four units. */
export function fieldIsZero(a: usize): i32 {
  fieldToBytes(bytesScratch, a);
  const bits =
    load<u64>(bytesScratch) |
    load<u64>(bytesScratch, 8) |
    load<u64>(bytesScratch, 16) |
    load<u64>(bytesScratch, 24);
  // The top bit of bits | -bits is 0 for zero only.
  return <i32>((bits | (0 - bits)) >> 63) - 1;
}

/** IS_NEGATIVE: -1 if the canonical form is odd, else 0. Up to four units. */
export function fieldIsNegative(a: usize): i32 {
  fieldToBytes(bytesScratch, a);
  return -(<i32>load<u8>(bytesScratch) & 1);
}

/** -1 if 32 bytes are below p: canonical. */
export function bytesAreCanonical(bytes: usize): i32 {
  // bytes >= p exactly if bit 255 is set or bytes + 19 reaches it: bits 8 to 254 all ones and the lowest byte from 237 on.
  const high = load<u64>(bytes, 24);
  const ones =
    (load<u64>(bytes) | 0xff) & load<u64>(bytes, 8) & load<u64>(bytes, 16) & (high | ((<u64>1) << 63));
  const isAtLeastP = ~ones == 0 && load<u8>(bytes) >= 237;
  return high >> 63 != 0 || isAtLeastP ? 0 : -1;
}
