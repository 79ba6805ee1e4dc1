/**
 * The scalar field: integers modulo l = 2^252 + 27742317777372353535851937790883648493, as eight 32-bit words,
 * little-endian: the 32 bytes of the interface, unchanged.
 *
 * Products are Montgomery's ("Modular multiplication without trial division", 1985) with R = 2^256, words interleaved (CIOS,
 * Koc, Acar, Kaliski 1996): montgomery(a, b) = a * b / R mod l. Stored scalars are plain; a function that multiplies
 * plain scalars makes up for the 1/R with one more product by R^2 mod l.
 *
 * Constant time, `subsetSums`' addresses included; loops have public bounds. Outputs may alias inputs.
 */
import { scalarScratch } from './scratch';

export const scalarBytes: usize = 32;

/** l; its words 4, 5 and 6 are zero. */
const order: usize = memory.data<u32>([
  0x5cf5d3ed, 0x5812631a, 0xa2f79cd6, 0x14def9de, 0x0, 0x0, 0x0, 0x10000000,
]);
const l0: u64 = 0x5cf5d3ed;
const l1: u64 = 0x5812631a;
const l2: u64 = 0xa2f79cd6;
const l3: u64 = 0x14def9de;
const l7: u64 = 0x10000000;
/** -1/l modulo 2^32. */
const orderInverse: u64 = 0x12547e1b;
/** R mod l, R^2 mod l, R^3 mod l. */
const montgomeryR: usize = memory.data<u32>([
  0x8d98951d, 0xd6ec3174, 0x737dcf70, 0xc6ef5bf4, 0xfffffffe, 0xffffffff, 0xffffffff, 0xfffffff,
]);
const montgomeryR2: usize = memory.data<u32>([
  0x449c0f01, 0xa40611e3, 0x68859347, 0xd00e1ba7, 0x17f5be65, 0xceec73d2, 0x7c309a3d, 0x399411b,
]);
const wordMask: u64 = 0xffffffff;

/**
 * a * b / R mod l, for a < 2^256 and b < l: the sum before the last subtraction is below (2^256 * l + R * l) / R = 2l.
 * Every step fits 64 bits: (2^32 - 1)^2 + 2 * (2^32 - 1) = 2^64 - 1; the running value stays below 2^32 * 2l / 2^32 < 2^254.
 */
export function montgomery(out: usize, a: usize, b: usize): void {
  const b0: u64 = load<u32>(b, 0);
  const b1: u64 = load<u32>(b, 4);
  const b2: u64 = load<u32>(b, 8);
  const b3: u64 = load<u32>(b, 12);
  const b4: u64 = load<u32>(b, 16);
  const b5: u64 = load<u32>(b, 20);
  const b6: u64 = load<u32>(b, 24);
  const b7: u64 = load<u32>(b, 28);
  let t0: u64 = 0;
  let t1: u64 = 0;
  let t2: u64 = 0;
  let t3: u64 = 0;
  let t4: u64 = 0;
  let t5: u64 = 0;
  let t6: u64 = 0;
  let t7: u64 = 0;
  for (let i: usize = 0; i < scalarBytes; i += 4) {
    const x: u64 = load<u32>(a + i);
    let u = t0 + x * b0;
    const m = ((u & wordMask) * orderInverse) & wordMask;
    let v = (u & wordMask) + m * l0;
    u = t1 + x * b1 + (u >> 32);
    v = (u & wordMask) + m * l1 + (v >> 32);
    t0 = v & wordMask;
    u = t2 + x * b2 + (u >> 32);
    v = (u & wordMask) + m * l2 + (v >> 32);
    t1 = v & wordMask;
    u = t3 + x * b3 + (u >> 32);
    v = (u & wordMask) + m * l3 + (v >> 32);
    t2 = v & wordMask;
    u = t4 + x * b4 + (u >> 32);
    v = (u & wordMask) + (v >> 32);
    t3 = v & wordMask;
    u = t5 + x * b5 + (u >> 32);
    v = (u & wordMask) + (v >> 32);
    t4 = v & wordMask;
    u = t6 + x * b6 + (u >> 32);
    v = (u & wordMask) + (v >> 32);
    t5 = v & wordMask;
    u = t7 + x * b7 + (u >> 32);
    v = (u & wordMask) + m * l7 + (v >> 32);
    t6 = v & wordMask;
    t7 = (u >> 32) + (v >> 32);
  }
  store<u32>(out, <u32>t0, 0);
  store<u32>(out, <u32>t1, 4);
  store<u32>(out, <u32>t2, 8);
  store<u32>(out, <u32>t3, 12);
  store<u32>(out, <u32>t4, 16);
  store<u32>(out, <u32>t5, 20);
  store<u32>(out, <u32>t6, 24);
  store<u32>(out, <u32>t7, 28);
  subtractOrderOnce(out);
}

/** Subtracts l if the value, below 2l, is at least l. */
function subtractOrderOnce(out: usize): void {
  const below = isBelowOrder(out); // -1: keep
  let borrow: i64 = 0;
  for (let i: usize = 0; i < scalarBytes; i += 4) {
    borrow += <i64>load<u32>(out + i) - <i64>(load<u32>(order + i) & ~below);
    store<u32>(out + i, <u32>borrow);
    borrow >>= 32;
  }
}

/** -1 if 32 bytes are below l, else 0. */
export function isBelowOrder(a: usize): i32 {
  let borrow: i64 = 0;
  for (let i: usize = 0; i < scalarBytes; i += 4) {
    borrow = (<i64>load<u32>(a + i) - <i64>load<u32>(order + i) + borrow) >> 32;
  }
  return <i32>borrow;
}

export function scalarAdd(out: usize, a: usize, b: usize): void {
  let carry: u64 = 0;
  for (let i: usize = 0; i < scalarBytes; i += 4) {
    carry += <u64>load<u32>(a + i) + <u64>load<u32>(b + i);
    store<u32>(out + i, <u32>carry);
    carry >>= 32;
  }
  subtractOrderOnce(out); // below 2l < 2^254: no carry left
}

export function scalarSubtract(out: usize, a: usize, b: usize): void {
  let borrow: i64 = 0;
  for (let i: usize = 0; i < scalarBytes; i += 4) {
    borrow += <i64>load<u32>(a + i) - <i64>load<u32>(b + i);
    store<u32>(out + i, <u32>borrow);
    borrow >>= 32;
  }
  // Below zero: borrow is -1, and l comes back.
  const mask = <u32>borrow;
  let carry: u64 = 0;
  for (let i: usize = 0; i < scalarBytes; i += 4) {
    carry += <u64>load<u32>(out + i) + <u64>(load<u32>(order + i) & mask);
    store<u32>(out + i, <u32>carry);
    carry >>= 32;
  }
}

export function scalarMultiply(out: usize, a: usize, b: usize): void {
  montgomery(out, a, b);
  montgomery(out, out, montgomeryR2);
}

const low: usize = scalarScratch;
const high: usize = scalarScratch + 32;
const power: usize = scalarScratch + 64;
const factor: usize = scalarScratch + 96;
const term: usize = scalarScratch + 128;
/** Column sums of `subsetSums`: eight u64. */
const columnSum: usize = scalarScratch + 160;
const wide: usize = scalarScratch + 224;

/** 64 bytes modulo l: low * R / R + high * R^2 / R. */
export function reduceWide(out: usize, bytes: usize): void {
  montgomery(low, bytes, montgomeryR);
  montgomery(high, bytes + 32, montgomeryR2);
  scalarAdd(out, low, high);
}

/** 1/a = a^(l - 2); zero gives zero. Square and multiply over the public exponent, with factors a * R. */
export function scalarInvert(out: usize, a: usize): void {
  montgomery(factor, a, montgomeryR2);
  memory.copy(power, montgomeryR, scalarBytes); // 1 * R
  for (let bit = 252; bit >= 0; bit--) {
    montgomery(power, power, power);
    if (orderMinusTwoBit(bit)) montgomery(power, power, factor);
  }
  store<u32>(term, 1);
  memory.fill(term + 4, 0, scalarBytes - 4);
  montgomery(out, power, term);
}

/** A bit of l - 2; l's lowest word does not borrow. */
function orderMinusTwoBit(bit: i32): bool {
  let word = load<u32>(order + <usize>((bit >> 5) << 2));
  if (bit < 32) word -= 2;
  return ((word >> (bit & 31)) & 1) != 0;
}

/** out[i] = x^i, i < count. One product each: x * R stays on one side. */
export function scalarPowers(out: usize, x: usize, count: i32): void {
  if (count == 0) return;
  montgomery(factor, x, montgomeryR2);
  store<u32>(out, 1);
  memory.fill(out + 4, 0, scalarBytes - 4);
  for (let i = 1; i < count; i++) {
    montgomery(out + scalarBytes, out, factor);
    out += scalarBytes;
  }
}

/** values[i] *= factor, i < count. */
export function scalarScale(values: usize, count: i32, by: usize): void {
  montgomery(factor, by, montgomeryR2);
  for (let i = 0; i < count; i++) {
    montgomery(values, values, factor);
    values += scalarBytes;
  }
}

/** sums[at[i]] += weight * values[i], i < count; `at` holds i32 indices, which are public. */
export function scalarAccumulate(sums: usize, at: usize, values: usize, count: i32, weight: usize): void {
  montgomery(factor, weight, montgomeryR2);
  for (let i = 0; i < count; i++) {
    const sum = sums + <usize>load<i32>(at) * scalarBytes;
    montgomery(term, values, factor);
    scalarAdd(sum, sum, term);
    at += 4;
    values += scalarBytes;
  }
}

/** sum of a[i] * b[i]; the factor 1/R is made up for once, at the end. */
export function scalarInnerProduct(out: usize, a: usize, b: usize, count: i32): void {
  memory.fill(power, 0, scalarBytes);
  for (let i = 0; i < count; i++) {
    montgomery(term, a, b);
    scalarAdd(power, power, term);
    a += scalarBytes;
    b += scalarBytes;
  }
  montgomery(out, power, montgomeryR2);
}

/**
 * Sums of the rows of `weights` whose bit is set, for every column: bit (k, j) at bit j & 7 of byte j >> 3 of row k. Words are
 * summed in 64 bits and carried once a column: up to 2^32 rows do not overflow.
 */
export function subsetSums(out: usize, bits: usize, weights: usize, rows: i32, columns: i32): void {
  const rowBytes = <usize>((columns + 7) >> 3);
  for (let j = 0; j < columns; j++) {
    const shift = j & 7;
    let at = bits + <usize>(j >> 3);
    let weight = weights;
    let s0: u64 = 0;
    let s1: u64 = 0;
    let s2: u64 = 0;
    let s3: u64 = 0;
    let s4: u64 = 0;
    let s5: u64 = 0;
    let s6: u64 = 0;
    let s7: u64 = 0;
    for (let k = 0; k < rows; k++) {
      const mask = 0 - (<u64>(load<u8>(at) >> <u8>shift) & 1);
      s0 += <u64>load<u32>(weight, 0) & mask;
      s1 += <u64>load<u32>(weight, 4) & mask;
      s2 += <u64>load<u32>(weight, 8) & mask;
      s3 += <u64>load<u32>(weight, 12) & mask;
      s4 += <u64>load<u32>(weight, 16) & mask;
      s5 += <u64>load<u32>(weight, 20) & mask;
      s6 += <u64>load<u32>(weight, 24) & mask;
      s7 += <u64>load<u32>(weight, 28) & mask;
      at += rowBytes;
      weight += scalarBytes;
    }
    store<u64>(columnSum, s0, 0);
    store<u64>(columnSum, s1, 8);
    store<u64>(columnSum, s2, 16);
    store<u64>(columnSum, s3, 24);
    store<u64>(columnSum, s4, 32);
    store<u64>(columnSum, s5, 40);
    store<u64>(columnSum, s6, 48);
    store<u64>(columnSum, s7, 56);
    carryColumn();
    reduceWide(out, wide);
    out += scalarBytes;
  }
}

/** The column's words as a 64-byte number. */
function carryColumn(): void {
  memory.fill(wide, 0, 64);
  let carry: u64 = 0;
  for (let i: usize = 0; i < 8; i++) {
    const sum = load<u64>(columnSum + 8 * i);
    carry += sum & wordMask;
    store<u32>(wide + 4 * i, <u32>carry);
    carry = (carry >> 32) + (sum >> 32);
  }
  store<u64>(wide, carry, 32);
}
