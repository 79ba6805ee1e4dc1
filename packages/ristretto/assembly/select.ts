/**
 * Secret digits and table look-ups that read every entry: neither a branch nor an address depends on the scalar. v128 makes
 * a look-up of eight entries about thirty instructions an entry.
 */
import { one, two } from './constants';
import { affineBytes, cachedBytes, fourth, second, third } from './edwards';
import { fieldAssignIf, fieldCopy, fieldNegateIf } from './field';
import { pointsScratch } from './scratch';

/** Signed digits to base 16: 64 of them. */
export const digitCount: i32 = 64;
/** Table entries: 1, 2, ..., 8 times a point. */
export const tableEntries: usize = 8;

/** Where `selectAffine` and `selectCached` leave the entry. */
export const selected: usize = pointsScratch;
const swapped: usize = pointsScratch + 160;
/** 64 bytes of digits. */
export const digits: usize = pointsScratch + 200;

/** scalar = sum digits[i] * 16^i, digits in [-8, 8) but the last, which is at most 2: scalars are below 2^253. */
export function recodeSigned16(scalar: usize): void {
  let carry: i32 = 0;
  for (let i: usize = 0; i < 32; i++) {
    const byte = <i32>load<u8>(scalar + i);
    const low = (byte & 15) + carry;
    carry = (low + 8) >> 4;
    store<i8>(digits + 2 * i, <i8>(low - (carry << 4)));
    const high = (byte >> 4) + carry;
    carry = (high + 8) >> 4;
    store<i8>(digits + 2 * i + 1, <i8>(high - (carry << 4)));
  }
}

/** -1 if a = b, for small non-negative a and b. */
function equalMask(a: i32, b: i32): i32 {
  return ((a ^ b) - 1) >> 31;
}

/** digit * point from the table of eight affine entries, to `selected`. */
export function selectAffine(table: usize, digit: i32): void {
  const sign = digit >> 31;
  const size = (digit ^ sign) - sign;
  let r0 = i32x4.splat(0);
  let r1 = i32x4.splat(0);
  let r2 = i32x4.splat(0);
  let r3 = i32x4.splat(0);
  let r4 = i32x4.splat(0);
  let r5 = i32x4.splat(0);
  let r6 = i32x4.splat(0);
  let r7 = i32x4.splat(0);
  for (let k = 1; k <= <i32>tableEntries; k++) {
    const mask = i32x4.splat(equalMask(size, k));
    r0 = v128.or(r0, v128.and(mask, v128.load(table, 0)));
    r1 = v128.or(r1, v128.and(mask, v128.load(table, 16)));
    r2 = v128.or(r2, v128.and(mask, v128.load(table, 32)));
    r3 = v128.or(r3, v128.and(mask, v128.load(table, 48)));
    r4 = v128.or(r4, v128.and(mask, v128.load(table, 64)));
    r5 = v128.or(r5, v128.and(mask, v128.load(table, 80)));
    r6 = v128.or(r6, v128.and(mask, v128.load(table, 96)));
    r7 = v128.or(r7, v128.and(mask, v128.load(table, 112)));
    table += affineBytes;
  }
  v128.store(selected, r0, 0);
  v128.store(selected, r1, 16);
  v128.store(selected, r2, 32);
  v128.store(selected, r3, 48);
  v128.store(selected, r4, 64);
  v128.store(selected, r5, 80);
  v128.store(selected, r6, 96);
  v128.store(selected, r7, 112);
  // Zero: the identity, (1, 1, 0); the table gave zeros.
  const isZero = equalMask(size, 0);
  fieldAssignIf(selected, one, isZero);
  fieldAssignIf(selected + second, one, isZero);
  // Negative: y+x and y-x change places, 2dxy its sign.
  swapIf(sign);
  fieldNegateIf(selected + third, selected + third, sign);
}

/** digit * point from the table of eight cached entries, to `selected`. */
export function selectCached(table: usize, digit: i32): void {
  const sign = digit >> 31;
  const size = (digit ^ sign) - sign;
  let r0 = i32x4.splat(0);
  let r1 = i32x4.splat(0);
  let r2 = i32x4.splat(0);
  let r3 = i32x4.splat(0);
  let r4 = i32x4.splat(0);
  let r5 = i32x4.splat(0);
  let r6 = i32x4.splat(0);
  let r7 = i32x4.splat(0);
  let r8 = i32x4.splat(0);
  let r9 = i32x4.splat(0);
  for (let k = 1; k <= <i32>tableEntries; k++) {
    const mask = i32x4.splat(equalMask(size, k));
    r0 = v128.or(r0, v128.and(mask, v128.load(table, 0)));
    r1 = v128.or(r1, v128.and(mask, v128.load(table, 16)));
    r2 = v128.or(r2, v128.and(mask, v128.load(table, 32)));
    r3 = v128.or(r3, v128.and(mask, v128.load(table, 48)));
    r4 = v128.or(r4, v128.and(mask, v128.load(table, 64)));
    r5 = v128.or(r5, v128.and(mask, v128.load(table, 80)));
    r6 = v128.or(r6, v128.and(mask, v128.load(table, 96)));
    r7 = v128.or(r7, v128.and(mask, v128.load(table, 112)));
    r8 = v128.or(r8, v128.and(mask, v128.load(table, 128)));
    r9 = v128.or(r9, v128.and(mask, v128.load(table, 144)));
    table += cachedBytes;
  }
  v128.store(selected, r0, 0);
  v128.store(selected, r1, 16);
  v128.store(selected, r2, 32);
  v128.store(selected, r3, 48);
  v128.store(selected, r4, 64);
  v128.store(selected, r5, 80);
  v128.store(selected, r6, 96);
  v128.store(selected, r7, 112);
  v128.store(selected, r8, 128);
  v128.store(selected, r9, 144);
  // Zero: the identity, (1, 1, 2, 0).
  const isZero = equalMask(size, 0);
  fieldAssignIf(selected, one, isZero);
  fieldAssignIf(selected + second, one, isZero);
  fieldAssignIf(selected + third, two, isZero);
  swapIf(sign);
  fieldNegateIf(selected + fourth, selected + fourth, sign);
}

function swapIf(mask: i32): void {
  fieldCopy(swapped, selected);
  fieldAssignIf(selected, selected + second, mask);
  fieldAssignIf(selected + second, swapped, mask);
}
