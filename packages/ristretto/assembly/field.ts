/**
 * Arithmetic in GF(p), p = 2^255 - 19.
 *
 * An element is nine signed limbs of 29 bits, little-endian, each an i32 in linear memory, and four bytes that nobody reads
 * (40 bytes): the value is sum limb[i] * 2^(29 * i). Nine limbs hold 261 bits, and 2^261 = 64 * 2^255 = 64 * 19 = 1216 modulo p ("fold").
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
 * Choices by measurement (Xeon at 2.6 GHz, Node 24, the best of many short runs). WASM has no 128-bit product, so 51-bit limbs
 * are out. With 32-bit products one multiplication is bound by the processor's one integer multiplier: 81 + 9 products
 * took 32 ns (40 with carries after all columns, 36 with Karatsuba). Three of the nine rows moved to the vector unit make
 * it 28.5. Whole products in vectors, two at a time, took 31 each. A squaring, 45 + 9 products, takes 18 ns, and
 * gains nothing from vectors.
 *
 * Elements are written in 8-byte pieces: the vector rows read pairs of limbs, and a processor forwards a store to a later load
 * only if the load lies within it.
 *
 * Outputs may alias inputs: all limbs are read before any is written. No branch and no address depends on a value.
 */

/** Bytes of a field element in linear memory. */
export const elementBytes: usize = 40;

const limbBits: i64 = 29;
const wordMask: i64 = 0xffffffff;
const limbMask: i64 = 0x1fffffff;
/** 2^28: added before a shift, it makes the carry round to the nearest. */
const half: i64 = 0x10000000;
/** 2^261 modulo p. */
const fold: i64 = 1216;

/** The nine limbs, without the padding. */
const limbsBytes: usize = 36;

/** Product of an m-unit and an n-unit element, m * n <= 14; one unit. Schoolbook: 81 products. */
export function fieldMultiply(out: usize, a: usize, b: usize): void {
  // Rows 4, 6 and 8 in vectors: w[i] * (b[j], b[j+1]) is added to columns i + j and i + j + 1.
  const q0 = v128.load64_zero(b, 0);
  const q2 = v128.load64_zero(b, 8);
  const q4 = v128.load64_zero(b, 16);
  const q6 = v128.load64_zero(b, 24);
  const q8 = v128.load32_zero(b, 32);
  const w4 = v128.load32_splat(a, 16);
  const w6 = v128.load32_splat(a, 24);
  const w8 = v128.load32_splat(a, 32);
  const v4 = i64x2.extmul_low_i32x4_s(w4, q0);
  const v6 = i64x2.add(i64x2.extmul_low_i32x4_s(w4, q2), i64x2.extmul_low_i32x4_s(w6, q0));
  const v8 = i64x2.add(
    i64x2.add(i64x2.extmul_low_i32x4_s(w4, q4), i64x2.extmul_low_i32x4_s(w6, q2)),
    i64x2.extmul_low_i32x4_s(w8, q0),
  );
  const v10 = i64x2.add(
    i64x2.add(i64x2.extmul_low_i32x4_s(w4, q6), i64x2.extmul_low_i32x4_s(w6, q4)),
    i64x2.extmul_low_i32x4_s(w8, q2),
  );
  const v12 = i64x2.add(
    i64x2.add(i64x2.extmul_low_i32x4_s(w4, q8), i64x2.extmul_low_i32x4_s(w6, q6)),
    i64x2.extmul_low_i32x4_s(w8, q4),
  );
  const v14 = i64x2.add(i64x2.extmul_low_i32x4_s(w6, q8), i64x2.extmul_low_i32x4_s(w8, q6));
  const v16 = i64x2.extmul_low_i32x4_s(w8, q8);

  const a0 = i64.load32_s(a, 0);
  const a1 = i64.load32_s(a, 4);
  const a2 = i64.load32_s(a, 8);
  const a3 = i64.load32_s(a, 12);
  const a5 = i64.load32_s(a, 20);
  const a7 = i64.load32_s(a, 28);
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
  const c9 = a1 * b8 + a2 * b7 + a3 * b6 + a5 * b4 + a7 * b2 + i64x2.extract_lane(v8, 1);
  const c10 = a2 * b8 + a3 * b7 + a5 * b5 + a7 * b3 + i64x2.extract_lane(v10, 0);
  const c11 = a3 * b8 + a5 * b6 + a7 * b4 + i64x2.extract_lane(v10, 1);
  const c12 = a5 * b7 + a7 * b5 + i64x2.extract_lane(v12, 0);
  const c13 = a5 * b8 + a7 * b6 + i64x2.extract_lane(v12, 1);
  const c14 = a7 * b7 + i64x2.extract_lane(v14, 0);
  const c15 = a7 * b8 + i64x2.extract_lane(v14, 1);
  const c16 = i64x2.extract_lane(v16, 0);
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
    a0 * b4 +
    a1 * b3 +
    a2 * b2 +
    a3 * b1 +
    i64x2.extract_lane(v4, 0) +
    fold * ((c13 & limbMask) + (c12 >> limbBits)) +
    carry;
  carry = (c4 + half) >> limbBits;
  c4 -= carry << limbBits;
  let c5 =
    a0 * b5 +
    a1 * b4 +
    a2 * b3 +
    a3 * b2 +
    a5 * b0 +
    i64x2.extract_lane(v4, 1) +
    fold * ((c14 & limbMask) + (c13 >> limbBits)) +
    carry;
  carry = (c5 + half) >> limbBits;
  c5 -= carry << limbBits;
  let c6 =
    a0 * b6 +
    a1 * b5 +
    a2 * b4 +
    a3 * b3 +
    a5 * b1 +
    i64x2.extract_lane(v6, 0) +
    fold * ((c15 & limbMask) + (c14 >> limbBits)) +
    carry;
  carry = (c6 + half) >> limbBits;
  c6 -= carry << limbBits;
  let c7 =
    a0 * b7 +
    a1 * b6 +
    a2 * b5 +
    a3 * b4 +
    a5 * b2 +
    a7 * b0 +
    i64x2.extract_lane(v6, 1) +
    fold * ((c16 & limbMask) + (c15 >> limbBits)) +
    carry;
  carry = (c7 + half) >> limbBits;
  c7 -= carry << limbBits;
  let c8 =
    a0 * b8 +
    a1 * b7 +
    a2 * b6 +
    a3 * b5 +
    a5 * b3 +
    a7 * b1 +
    i64x2.extract_lane(v8, 0) +
    fold * (c16 >> limbBits) +
    carry;
  carry = (c8 + half) >> limbBits;
  c8 -= carry << limbBits;
  c0 += fold * carry;
  carry = (c0 + half) >> limbBits;
  c0 -= carry << limbBits;
  c1 += carry;

  store<i64>(out, (c0 & wordMask) | (c1 << 32), 0);
  store<i64>(out, (c2 & wordMask) | (c3 << 32), 8);
  store<i64>(out, (c4 & wordMask) | (c5 << 32), 16);
  store<i64>(out, (c6 & wordMask) | (c7 << 32), 24);
  store<i64>(out, c8 & wordMask, 32);
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
  store<i64>(out, (a0 & wordMask) | (a1 << 32), 0);
  store<i64>(out, (a2 & wordMask) | (a3 << 32), 8);
  store<i64>(out, (a4 & wordMask) | (a5 << 32), 16);
  store<i64>(out, (a6 & wordMask) | (a7 << 32), 24);
  store<i64>(out, a8 & wordMask, 32);
}

export function fieldSquare(out: usize, a: usize): void {
  fieldSquareTimes(out, a, 1);
}

export function fieldAdd(out: usize, a: usize, b: usize): void {
  v128.store64_lane(out, i32x4.add(v128.load64_zero(a, 0), v128.load64_zero(b, 0)), 0, 0);
  v128.store64_lane(out, i32x4.add(v128.load64_zero(a, 8), v128.load64_zero(b, 8)), 0, 8);
  v128.store64_lane(out, i32x4.add(v128.load64_zero(a, 16), v128.load64_zero(b, 16)), 0, 16);
  v128.store64_lane(out, i32x4.add(v128.load64_zero(a, 24), v128.load64_zero(b, 24)), 0, 24);
  v128.store64_lane(out, i32x4.add(v128.load64_zero(a, 32), v128.load64_zero(b, 32)), 0, 32);
}

export function fieldSubtract(out: usize, a: usize, b: usize): void {
  v128.store64_lane(out, i32x4.sub(v128.load64_zero(a, 0), v128.load64_zero(b, 0)), 0, 0);
  v128.store64_lane(out, i32x4.sub(v128.load64_zero(a, 8), v128.load64_zero(b, 8)), 0, 8);
  v128.store64_lane(out, i32x4.sub(v128.load64_zero(a, 16), v128.load64_zero(b, 16)), 0, 16);
  v128.store64_lane(out, i32x4.sub(v128.load64_zero(a, 24), v128.load64_zero(b, 24)), 0, 24);
  v128.store64_lane(out, i32x4.sub(v128.load64_zero(a, 32), v128.load64_zero(b, 32)), 0, 32);
}

export function fieldNegate(out: usize, a: usize): void {
  v128.store64_lane(out, i32x4.neg(v128.load64_zero(a, 0)), 0, 0);
  v128.store64_lane(out, i32x4.neg(v128.load64_zero(a, 8)), 0, 8);
  v128.store64_lane(out, i32x4.neg(v128.load64_zero(a, 16)), 0, 16);
  v128.store64_lane(out, i32x4.neg(v128.load64_zero(a, 24)), 0, 24);
  v128.store64_lane(out, i32x4.neg(v128.load64_zero(a, 32)), 0, 32);
}

export function fieldCopy(out: usize, a: usize): void {
  store<u64>(out, load<u64>(a, 0), 0);
  store<u64>(out, load<u64>(a, 8), 8);
  store<u64>(out, load<u64>(a, 16), 16);
  store<u64>(out, load<u64>(a, 24), 24);
  store<u64>(out, load<u64>(a, 32), 32);
}

/** Brings up to six units back to one. */
export function fieldCarry(out: usize, a: usize): void {
  let carry: i32 = 0;
  for (let i: usize = 0; i < limbsBytes; i += 4) {
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
  const wide = <u64>(<i64>mask);
  for (let i: usize = 0; i < elementBytes; i += 8) {
    const kept = load<u64>(out + i);
    store<u64>(out + i, kept ^ (wide & (kept ^ load<u64>(a + i))));
  }
}

/** Negates where `mask` is -1. */
export function fieldNegateIf(out: usize, a: usize, mask: i32): void {
  const wide = i32x4.splat(mask);
  for (let i: usize = 0; i < elementBytes; i += 8) {
    const limbs = v128.load64_zero(a + i);
    v128.store64_lane(out + i, i32x4.sub(v128.xor(limbs, wide), wide), 0);
  }
}
