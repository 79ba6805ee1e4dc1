/**
 * Arithmetic in GF(p), p = 2^255 - 19.
 *
 * An element is nine signed limbs of 29 bits, little-endian, each an i32 in linear memory (36 bytes): the value is
 * sum limb[i] * 2^(29 * i). Nine limbs hold 261 bits, and 2^261 = 64 * 2^255 = 64 * 19 = 1216 modulo p ("fold").
 * Signed limbs make a subtraction as cheap as an addition, and neither carries.
 *
 * Bounds. One *unit* is 2^28 + 2^17. What multiplication, squaring and `fieldCarry` write is bounded by one unit in every
 * limb; the sum or difference of an m-unit and an n-unit element has m + n units. The factors of a product may have
 * m and n units if m * n <= 14: a column then is at most 9 * 14 * (2^28 + 2^17)^2 < 2^62.98. What folds onto it is cut
 * at 29 bits first, so at most 1216 * (2^29 + 2^34), and the carry of the column before is at most 2^34: together below
 * 2^45, so that nothing leaves an i64. Callers state their units where they are not plain.
 *
 * Why the result has one unit: every carry rounds to the nearest, so limbs are at most 2^28; the last column's carry, at most
 * 2^34, folds onto limb 0 as at most 2^45, and what limb 0 then carries to limb 1 is at most 2^16 + 1.
 *
 * Choice by measurement (Xeon, Node 24, the best of many short runs, one multiplication): this form 34 ns; all columns
 * first and two interleaved carry chains 40; Karatsuba over (5, 4) limbs 36, over three blocks of three 37; two
 * independent products in the lanes of SIMD `i64x2.extmul` 31 each, which bringing two points' coordinates into lanes
 * would eat up. WASM has no 128-bit product, so 51-bit limbs are out.
 *
 * Outputs may alias inputs: all limbs are read before any is written. No branch and no address depends on a value.
 */

/** Bytes of a field element in linear memory. */
export const elementBytes: usize = 36;

const limbBits: i64 = 29;
const limbMask: i64 = 0x1fffffff;
/** 2^28: added before a shift, it makes the carry round to the nearest. */
const half: i64 = 0x10000000;
/** 2^261 modulo p. */
const fold: i64 = 1216;

/** Product of an m-unit and an n-unit element, m * n <= 14; one unit. Schoolbook: 81 products. */
export function fieldMultiply(out: usize, a: usize, b: usize): void {
  const a0 = i64.load32_s(a, 0);
  const a1 = i64.load32_s(a, 4);
  const a2 = i64.load32_s(a, 8);
  const a3 = i64.load32_s(a, 12);
  const a4 = i64.load32_s(a, 16);
  const a5 = i64.load32_s(a, 20);
  const a6 = i64.load32_s(a, 24);
  const a7 = i64.load32_s(a, 28);
  const a8 = i64.load32_s(a, 32);
  const b0 = i64.load32_s(b, 0);
  const b1 = i64.load32_s(b, 4);
  const b2 = i64.load32_s(b, 8);
  const b3 = i64.load32_s(b, 12);
  const b4 = i64.load32_s(b, 16);
  const b5 = i64.load32_s(b, 20);
  const b6 = i64.load32_s(b, 24);
  const b7 = i64.load32_s(b, 28);
  const b8 = i64.load32_s(b, 32);

  // Columns 9 to 16, then the lower ones: each takes what folds onto it and the carry of the one before.
  const c9 = a1 * b8 + a2 * b7 + a3 * b6 + a4 * b5 + a5 * b4 + a6 * b3 + a7 * b2 + a8 * b1;
  const c10 = a2 * b8 + a3 * b7 + a4 * b6 + a5 * b5 + a6 * b4 + a7 * b3 + a8 * b2;
  const c11 = a3 * b8 + a4 * b7 + a5 * b6 + a6 * b5 + a7 * b4 + a8 * b3;
  const c12 = a4 * b8 + a5 * b7 + a6 * b6 + a7 * b5 + a8 * b4;
  const c13 = a5 * b8 + a6 * b7 + a7 * b6 + a8 * b5;
  const c14 = a6 * b8 + a7 * b7 + a8 * b6;
  const c15 = a7 * b8 + a8 * b7;
  const c16 = a8 * b8;
  let carry: i64 = 0;
  let c0 = a0 * b0 + fold * (c9 & limbMask);
  carry = (c0 + half) >> limbBits;
  c0 -= carry << limbBits;
  let c1 = a0 * b1 + a1 * b0 + fold * ((c10 & limbMask) + (c9 >> limbBits)) + carry;
  carry = (c1 + half) >> limbBits;
  c1 -= carry << limbBits;
  let c2 = a0 * b2 + a1 * b1 + a2 * b0 + fold * ((c11 & limbMask) + (c10 >> limbBits)) + carry;
  carry = (c2 + half) >> limbBits;
  c2 -= carry << limbBits;
  let c3 = a0 * b3 + a1 * b2 + a2 * b1 + a3 * b0 + fold * ((c12 & limbMask) + (c11 >> limbBits)) + carry;
  carry = (c3 + half) >> limbBits;
  c3 -= carry << limbBits;
  let c4 =
    a0 * b4 + a1 * b3 + a2 * b2 + a3 * b1 + a4 * b0 + fold * ((c13 & limbMask) + (c12 >> limbBits)) + carry;
  carry = (c4 + half) >> limbBits;
  c4 -= carry << limbBits;
  let c5 =
    a0 * b5 +
    a1 * b4 +
    a2 * b3 +
    a3 * b2 +
    a4 * b1 +
    a5 * b0 +
    fold * ((c14 & limbMask) + (c13 >> limbBits)) +
    carry;
  carry = (c5 + half) >> limbBits;
  c5 -= carry << limbBits;
  let c6 =
    a0 * b6 +
    a1 * b5 +
    a2 * b4 +
    a3 * b3 +
    a4 * b2 +
    a5 * b1 +
    a6 * b0 +
    fold * ((c15 & limbMask) + (c14 >> limbBits)) +
    carry;
  carry = (c6 + half) >> limbBits;
  c6 -= carry << limbBits;
  let c7 =
    a0 * b7 +
    a1 * b6 +
    a2 * b5 +
    a3 * b4 +
    a4 * b3 +
    a5 * b2 +
    a6 * b1 +
    a7 * b0 +
    fold * ((c16 & limbMask) + (c15 >> limbBits)) +
    carry;
  carry = (c7 + half) >> limbBits;
  c7 -= carry << limbBits;
  let c8 =
    a0 * b8 +
    a1 * b7 +
    a2 * b6 +
    a3 * b5 +
    a4 * b4 +
    a5 * b3 +
    a6 * b2 +
    a7 * b1 +
    a8 * b0 +
    fold * (c16 >> limbBits) +
    carry;
  carry = (c8 + half) >> limbBits;
  c8 -= carry << limbBits;
  c0 += fold * carry;
  carry = (c0 + half) >> limbBits;
  c0 -= carry << limbBits;
  c1 += carry;

  i64.store32(out, c0, 0);
  i64.store32(out, c1, 4);
  i64.store32(out, c2, 8);
  i64.store32(out, c3, 12);
  i64.store32(out, c4, 16);
  i64.store32(out, c5, 20);
  i64.store32(out, c6, 24);
  i64.store32(out, c7, 28);
  i64.store32(out, c8, 32);
}

/** a^(2^count), count >= 1; `a` of up to three units, the result of one. 45 products a squaring. */
export function fieldSquareTimes(out: usize, a: usize, count: i32): void {
  let a0 = i64.load32_s(a, 0);
  let a1 = i64.load32_s(a, 4);
  let a2 = i64.load32_s(a, 8);
  let a3 = i64.load32_s(a, 12);
  let a4 = i64.load32_s(a, 16);
  let a5 = i64.load32_s(a, 20);
  let a6 = i64.load32_s(a, 24);
  let a7 = i64.load32_s(a, 28);
  let a8 = i64.load32_s(a, 32);
  for (let n = 0; n < count; n++) {
    const d0 = a0 << 1;
    const d1 = a1 << 1;
    const d2 = a2 << 1;
    const d3 = a3 << 1;
    const d4 = a4 << 1;
    const d5 = a5 << 1;
    const d6 = a6 << 1;
    const d7 = a7 << 1;

    // Columns 9 to 16, then the lower ones: each takes what folds onto it and the carry of the one before.
    const c9 = d1 * a8 + d2 * a7 + d3 * a6 + d4 * a5;
    const c10 = d2 * a8 + d3 * a7 + d4 * a6 + a5 * a5;
    const c11 = d3 * a8 + d4 * a7 + d5 * a6;
    const c12 = d4 * a8 + d5 * a7 + a6 * a6;
    const c13 = d5 * a8 + d6 * a7;
    const c14 = d6 * a8 + a7 * a7;
    const c15 = d7 * a8;
    const c16 = a8 * a8;
    let carry: i64 = 0;
    let c0 = a0 * a0 + fold * (c9 & limbMask);
    carry = (c0 + half) >> limbBits;
    c0 -= carry << limbBits;
    let c1 = d0 * a1 + fold * ((c10 & limbMask) + (c9 >> limbBits)) + carry;
    carry = (c1 + half) >> limbBits;
    c1 -= carry << limbBits;
    let c2 = d0 * a2 + a1 * a1 + fold * ((c11 & limbMask) + (c10 >> limbBits)) + carry;
    carry = (c2 + half) >> limbBits;
    c2 -= carry << limbBits;
    let c3 = d0 * a3 + d1 * a2 + fold * ((c12 & limbMask) + (c11 >> limbBits)) + carry;
    carry = (c3 + half) >> limbBits;
    c3 -= carry << limbBits;
    let c4 = d0 * a4 + d1 * a3 + a2 * a2 + fold * ((c13 & limbMask) + (c12 >> limbBits)) + carry;
    carry = (c4 + half) >> limbBits;
    c4 -= carry << limbBits;
    let c5 = d0 * a5 + d1 * a4 + d2 * a3 + fold * ((c14 & limbMask) + (c13 >> limbBits)) + carry;
    carry = (c5 + half) >> limbBits;
    c5 -= carry << limbBits;
    let c6 = d0 * a6 + d1 * a5 + d2 * a4 + a3 * a3 + fold * ((c15 & limbMask) + (c14 >> limbBits)) + carry;
    carry = (c6 + half) >> limbBits;
    c6 -= carry << limbBits;
    let c7 = d0 * a7 + d1 * a6 + d2 * a5 + d3 * a4 + fold * ((c16 & limbMask) + (c15 >> limbBits)) + carry;
    carry = (c7 + half) >> limbBits;
    c7 -= carry << limbBits;
    let c8 = d0 * a8 + d1 * a7 + d2 * a6 + d3 * a5 + a4 * a4 + fold * (c16 >> limbBits) + carry;
    carry = (c8 + half) >> limbBits;
    c8 -= carry << limbBits;
    c0 += fold * carry;
    carry = (c0 + half) >> limbBits;
    c0 -= carry << limbBits;
    c1 += carry;

    a0 = c0;
    a1 = c1;
    a2 = c2;
    a3 = c3;
    a4 = c4;
    a5 = c5;
    a6 = c6;
    a7 = c7;
    a8 = c8;
  }
  i64.store32(out, a0, 0);
  i64.store32(out, a1, 4);
  i64.store32(out, a2, 8);
  i64.store32(out, a3, 12);
  i64.store32(out, a4, 16);
  i64.store32(out, a5, 20);
  i64.store32(out, a6, 24);
  i64.store32(out, a7, 28);
  i64.store32(out, a8, 32);
}

export function fieldSquare(out: usize, a: usize): void {
  fieldSquareTimes(out, a, 1);
}

export function fieldAdd(out: usize, a: usize, b: usize): void {
  store<i32>(out, load<i32>(a, 0) + load<i32>(b, 0), 0);
  store<i32>(out, load<i32>(a, 4) + load<i32>(b, 4), 4);
  store<i32>(out, load<i32>(a, 8) + load<i32>(b, 8), 8);
  store<i32>(out, load<i32>(a, 12) + load<i32>(b, 12), 12);
  store<i32>(out, load<i32>(a, 16) + load<i32>(b, 16), 16);
  store<i32>(out, load<i32>(a, 20) + load<i32>(b, 20), 20);
  store<i32>(out, load<i32>(a, 24) + load<i32>(b, 24), 24);
  store<i32>(out, load<i32>(a, 28) + load<i32>(b, 28), 28);
  store<i32>(out, load<i32>(a, 32) + load<i32>(b, 32), 32);
}

export function fieldSubtract(out: usize, a: usize, b: usize): void {
  store<i32>(out, load<i32>(a, 0) - load<i32>(b, 0), 0);
  store<i32>(out, load<i32>(a, 4) - load<i32>(b, 4), 4);
  store<i32>(out, load<i32>(a, 8) - load<i32>(b, 8), 8);
  store<i32>(out, load<i32>(a, 12) - load<i32>(b, 12), 12);
  store<i32>(out, load<i32>(a, 16) - load<i32>(b, 16), 16);
  store<i32>(out, load<i32>(a, 20) - load<i32>(b, 20), 20);
  store<i32>(out, load<i32>(a, 24) - load<i32>(b, 24), 24);
  store<i32>(out, load<i32>(a, 28) - load<i32>(b, 28), 28);
  store<i32>(out, load<i32>(a, 32) - load<i32>(b, 32), 32);
}

export function fieldNegate(out: usize, a: usize): void {
  store<i32>(out, -load<i32>(a, 0), 0);
  store<i32>(out, -load<i32>(a, 4), 4);
  store<i32>(out, -load<i32>(a, 8), 8);
  store<i32>(out, -load<i32>(a, 12), 12);
  store<i32>(out, -load<i32>(a, 16), 16);
  store<i32>(out, -load<i32>(a, 20), 20);
  store<i32>(out, -load<i32>(a, 24), 24);
  store<i32>(out, -load<i32>(a, 28), 28);
  store<i32>(out, -load<i32>(a, 32), 32);
}

export function fieldCopy(out: usize, a: usize): void {
  memory.copy(out, a, elementBytes);
}

/** Brings up to six units back to one. */
export function fieldCarry(out: usize, a: usize): void {
  let carry: i32 = 0;
  for (let i: usize = 0; i < elementBytes; i += 4) {
    // Six units are below 2^31 - 2^28 - 4, and |carry| <= 4: no overflow, even after rounding.
    const limb = load<i32>(a + i) + carry;
    carry = (limb + <i32>half) >> <i32>limbBits;
    store<i32>(out + i, limb - (carry << (<i32>limbBits)));
  }
  // |carry| <= 4, so limb 0 stays below 2^28 + 2^13.
  store<i32>(out, load<i32>(out) + carry * <i32>fold);
}

/** `out` becomes `a` where `mask` is -1, and stays where it is 0. */
export function fieldAssignIf(out: usize, a: usize, mask: i32): void {
  for (let i: usize = 0; i < elementBytes; i += 4) {
    const kept = load<i32>(out + i);
    store<i32>(out + i, kept ^ (mask & (kept ^ load<i32>(a + i))));
  }
}

/** Negates where `mask` is -1. */
export function fieldNegateIf(out: usize, a: usize, mask: i32): void {
  for (let i: usize = 0; i < elementBytes; i += 4) {
    store<i32>(out + i, (load<i32>(a + i) ^ mask) - mask);
  }
}
