/**
 * Arithmetic on two elements of GF(2^255 - 19) at once, in floating point: for public data, where the processor has a fused
 * multiply-add (`fused.ts`). Twice as fast as two calls of `field.ts`, because WebAssembly's integer products are 32 bits
 * wide and a fused multiply-add gives all 106 bits of a 53-bit one, in two steps (Emmart, Zheng, Weems, "Faster modular
 * exponentiation using double precision floating point arithmetic on the GPU", 2018):
 *
 *   high = fma(a, b, 1.5 * 2^103)                  a * b rounded to a multiple of 2^51, which is its last bit's worth
 *   low  = fma(a, b, (1.5 * 2^103 + 3 * 2^51) - high)      the rest, exactly, in [-2^50, 2^50], plus 3 * 2^51
 *
 * The integer a * b is in their bits: both lie in a binade of known exponent, so adding bit patterns as 64-bit integers adds the
 * numbers, and the exponents, known constants, are subtracted once a column.
 *
 * A pair is five vectors of two doubles (80 bytes): limb i of the first element in lane 0, of the second in lane 1; values are
 * sum limb[i] * 2^(51 i), limbs are integers, signed.
 *
 * Bounds. One *unit* is 2^50 + 2^12. `pairMultiply`, `pairSquareTimes` and `pairCarry` write one unit. `high` needs |a * b| < 2^102, so
 * that it stays in its binade: factors of one and one or of one and two units, 2 * (2^50 + 2^12)^2 < 2^102, and never two
 * and two. A column is then below 5 * (2^51 + 2^50), nineteen times as much below 2^58: the bias of 2^60 keeps every column positive.
 *
 * Choices by measurement: 14 ns a squaring and 21 ns a product where `field.ts` takes 25 and 34 (EPYC, Node 24, shared cores).
 */
export const pairBytes: usize = 80;

/** Vectors of two equal 64-bit words: constants in memory are cheaper than in code. */
/** 1.5 * 2^103; with 3 * 2^51 more; a limb's bits; the exponent of 2^52; 2^52 + 2^50 + 19 * 2^9 2^52 + 2^50 + 2^9; 2^-51 and 19 * 2^-51. */
const bases: usize = memory.data<u32>([
  0x0, 0x46680000, 0x0, 0x46680000, 0x3, 0x46680000, 0x3, 0x46680000, 0xffffffff, 0x7ffff, 0xffffffff,
  0x7ffff, 0x0, 0x43300000, 0x0, 0x43300000, 0x2600, 0x43340000, 0x2600, 0x43340000, 0x200, 0x43340000, 0x200,
  0x43340000, 0x0, 0x3cc00000, 0x0, 0x3cc00000, 0x0, 0x3d030000, 0x0, 0x3d030000,
]);
/** For columns 0 to 4: the bias 2^60 + 2^50, less the exponents that were added to the column and to the one that folds onto it. */
const multiplyOffsets: usize = memory.data<u32>([
  0x0, 0xb7940000, 0x0, 0xb7940000, 0x0, 0x64d40000, 0x0, 0x64d40000, 0x0, 0x12140000, 0x0, 0x12140000, 0x0,
  0xbf540000, 0x0, 0xbf540000, 0x0, 0x6c940000, 0x0, 0x6c940000,
]);
const squareOffsets: usize = memory.data<u32>([
  0x0, 0x25540000, 0x0, 0x25540000, 0x0, 0x18a40000, 0x0, 0x18a40000, 0x0, 0xd2940000, 0x0, 0xd2940000, 0x0,
  0xc5e40000, 0x0, 0xc5e40000, 0x0, 0x7fd40000, 0x0, 0x7fd40000,
]);
/** The sign bit of lane 0. */
const firstSign: usize = memory.data<u32>([0, 0x80000000, 0, 0]);

function times19(a: v128): v128 {
  return i64x2.add(i64x2.add(i64x2.shl(a, 4), i64x2.shl(a, 1)), a);
}

/** Both products: factors of one unit, or of one and two. */
export function pairMultiply(out: usize, a: usize, b: usize): void {
  const highBase = v128.load(bases);
  const lowBase = v128.load(bases, 16);
  const mask = v128.load(bases, 32);
  const exponent = v128.load(bases, 48);
  const firstBase = v128.load(bases, 64);
  const otherBase = v128.load(bases, 80);
  const a0 = v128.load(a, 0);
  const a1 = v128.load(a, 16);
  const a2 = v128.load(a, 32);
  const a3 = v128.load(a, 48);
  const a4 = v128.load(a, 64);
  const b0 = v128.load(b, 0);
  const b1 = v128.load(b, 16);
  const b2 = v128.load(b, 32);
  const b3 = v128.load(b, 48);
  const b4 = v128.load(b, 64);
  const h04 = f64x2.relaxed_madd(a0, b4, highBase);
  const l04 = f64x2.relaxed_madd(a0, b4, f64x2.sub(lowBase, h04));
  let c4 = l04;
  let c5 = h04;
  const h13 = f64x2.relaxed_madd(a1, b3, highBase);
  const l13 = f64x2.relaxed_madd(a1, b3, f64x2.sub(lowBase, h13));
  c4 = i64x2.add(c4, l13);
  c5 = i64x2.add(c5, h13);
  const h22 = f64x2.relaxed_madd(a2, b2, highBase);
  const l22 = f64x2.relaxed_madd(a2, b2, f64x2.sub(lowBase, h22));
  c4 = i64x2.add(c4, l22);
  c5 = i64x2.add(c5, h22);
  const h31 = f64x2.relaxed_madd(a3, b1, highBase);
  const l31 = f64x2.relaxed_madd(a3, b1, f64x2.sub(lowBase, h31));
  c4 = i64x2.add(c4, l31);
  c5 = i64x2.add(c5, h31);
  const h40 = f64x2.relaxed_madd(a4, b0, highBase);
  const l40 = f64x2.relaxed_madd(a4, b0, f64x2.sub(lowBase, h40));
  c4 = i64x2.add(c4, l40);
  c5 = i64x2.add(c5, h40);
  const h14 = f64x2.relaxed_madd(a1, b4, highBase);
  const l14 = f64x2.relaxed_madd(a1, b4, f64x2.sub(lowBase, h14));
  c5 = i64x2.add(c5, l14);
  let c6 = h14;
  const h23 = f64x2.relaxed_madd(a2, b3, highBase);
  const l23 = f64x2.relaxed_madd(a2, b3, f64x2.sub(lowBase, h23));
  c5 = i64x2.add(c5, l23);
  c6 = i64x2.add(c6, h23);
  const h32 = f64x2.relaxed_madd(a3, b2, highBase);
  const l32 = f64x2.relaxed_madd(a3, b2, f64x2.sub(lowBase, h32));
  c5 = i64x2.add(c5, l32);
  c6 = i64x2.add(c6, h32);
  const h41 = f64x2.relaxed_madd(a4, b1, highBase);
  const l41 = f64x2.relaxed_madd(a4, b1, f64x2.sub(lowBase, h41));
  c5 = i64x2.add(c5, l41);
  c6 = i64x2.add(c6, h41);
  const h24 = f64x2.relaxed_madd(a2, b4, highBase);
  const l24 = f64x2.relaxed_madd(a2, b4, f64x2.sub(lowBase, h24));
  c6 = i64x2.add(c6, l24);
  let c7 = h24;
  const h33 = f64x2.relaxed_madd(a3, b3, highBase);
  const l33 = f64x2.relaxed_madd(a3, b3, f64x2.sub(lowBase, h33));
  c6 = i64x2.add(c6, l33);
  c7 = i64x2.add(c7, h33);
  const h42 = f64x2.relaxed_madd(a4, b2, highBase);
  const l42 = f64x2.relaxed_madd(a4, b2, f64x2.sub(lowBase, h42));
  c6 = i64x2.add(c6, l42);
  c7 = i64x2.add(c7, h42);
  const h34 = f64x2.relaxed_madd(a3, b4, highBase);
  const l34 = f64x2.relaxed_madd(a3, b4, f64x2.sub(lowBase, h34));
  c7 = i64x2.add(c7, l34);
  let c8 = h34;
  const h43 = f64x2.relaxed_madd(a4, b3, highBase);
  const l43 = f64x2.relaxed_madd(a4, b3, f64x2.sub(lowBase, h43));
  c7 = i64x2.add(c7, l43);
  c8 = i64x2.add(c8, h43);
  const h44 = f64x2.relaxed_madd(a4, b4, highBase);
  const l44 = f64x2.relaxed_madd(a4, b4, f64x2.sub(lowBase, h44));
  c8 = i64x2.add(c8, l44);
  let c9 = h44;
  const h00 = f64x2.relaxed_madd(a0, b0, highBase);
  const l00 = f64x2.relaxed_madd(a0, b0, f64x2.sub(lowBase, h00));
  let c0 = l00;
  let c1 = h00;
  const h01 = f64x2.relaxed_madd(a0, b1, highBase);
  const l01 = f64x2.relaxed_madd(a0, b1, f64x2.sub(lowBase, h01));
  c1 = i64x2.add(c1, l01);
  let c2 = h01;
  const h10 = f64x2.relaxed_madd(a1, b0, highBase);
  const l10 = f64x2.relaxed_madd(a1, b0, f64x2.sub(lowBase, h10));
  c1 = i64x2.add(c1, l10);
  c2 = i64x2.add(c2, h10);
  const h02 = f64x2.relaxed_madd(a0, b2, highBase);
  const l02 = f64x2.relaxed_madd(a0, b2, f64x2.sub(lowBase, h02));
  c2 = i64x2.add(c2, l02);
  let c3 = h02;
  const h11 = f64x2.relaxed_madd(a1, b1, highBase);
  const l11 = f64x2.relaxed_madd(a1, b1, f64x2.sub(lowBase, h11));
  c2 = i64x2.add(c2, l11);
  c3 = i64x2.add(c3, h11);
  const h20 = f64x2.relaxed_madd(a2, b0, highBase);
  const l20 = f64x2.relaxed_madd(a2, b0, f64x2.sub(lowBase, h20));
  c2 = i64x2.add(c2, l20);
  c3 = i64x2.add(c3, h20);
  const h03 = f64x2.relaxed_madd(a0, b3, highBase);
  const l03 = f64x2.relaxed_madd(a0, b3, f64x2.sub(lowBase, h03));
  c3 = i64x2.add(c3, l03);
  c4 = i64x2.add(c4, h03);
  const h12 = f64x2.relaxed_madd(a1, b2, highBase);
  const l12 = f64x2.relaxed_madd(a1, b2, f64x2.sub(lowBase, h12));
  c3 = i64x2.add(c3, l12);
  c4 = i64x2.add(c4, h12);
  const h21 = f64x2.relaxed_madd(a2, b1, highBase);
  const l21 = f64x2.relaxed_madd(a2, b1, f64x2.sub(lowBase, h21));
  c3 = i64x2.add(c3, l21);
  c4 = i64x2.add(c4, h21);
  const h30 = f64x2.relaxed_madd(a3, b0, highBase);
  const l30 = f64x2.relaxed_madd(a3, b0, f64x2.sub(lowBase, h30));
  c3 = i64x2.add(c3, l30);
  c4 = i64x2.add(c4, h30);
  // 2^255 = 19: columns 5 to 9 fold onto 0 to 4.
  c0 = i64x2.add(i64x2.add(c0, v128.load(multiplyOffsets, 0)), times19(c5));
  c1 = i64x2.add(i64x2.add(c1, v128.load(multiplyOffsets, 16)), times19(c6));
  c2 = i64x2.add(i64x2.add(c2, v128.load(multiplyOffsets, 32)), times19(c7));
  c3 = i64x2.add(i64x2.add(c3, v128.load(multiplyOffsets, 48)), times19(c8));
  c4 = i64x2.add(i64x2.add(c4, v128.load(multiplyOffsets, 64)), times19(c9));
  // All carries at once; each is too large by 2^9, which the last subtraction makes up for.
  const s0 = i64x2.shr_u(c0, 51);
  const s1 = i64x2.shr_u(c1, 51);
  const s2 = i64x2.shr_u(c2, 51);
  const s3 = i64x2.shr_u(c3, 51);
  const s4 = i64x2.shr_u(c4, 51);
  const r0 = f64x2.sub(i64x2.add(v128.or(v128.and(c0, mask), exponent), times19(s4)), firstBase);
  const r1 = f64x2.sub(i64x2.add(v128.or(v128.and(c1, mask), exponent), s0), otherBase);
  const r2 = f64x2.sub(i64x2.add(v128.or(v128.and(c2, mask), exponent), s1), otherBase);
  const r3 = f64x2.sub(i64x2.add(v128.or(v128.and(c3, mask), exponent), s2), otherBase);
  const r4 = f64x2.sub(i64x2.add(v128.or(v128.and(c4, mask), exponent), s3), otherBase);
  v128.store(out, r0, 0);
  v128.store(out, r1, 16);
  v128.store(out, r2, 32);
  v128.store(out, r3, 48);
  v128.store(out, r4, 64);
}

/** a^(2^count), count >= 1; `a` of one unit. */
export function pairSquareTimes(out: usize, a: usize, count: i32): void {
  const highBase = v128.load(bases);
  const lowBase = v128.load(bases, 16);
  const mask = v128.load(bases, 32);
  const exponent = v128.load(bases, 48);
  const firstBase = v128.load(bases, 64);
  const otherBase = v128.load(bases, 80);
  let a0 = v128.load(a, 0);
  let a1 = v128.load(a, 16);
  let a2 = v128.load(a, 32);
  let a3 = v128.load(a, 48);
  let a4 = v128.load(a, 64);
  for (let n = 0; n < count; n++) {
    const d0 = f64x2.add(a0, a0);
    const d1 = f64x2.add(a1, a1);
    const d2 = f64x2.add(a2, a2);
    const d3 = f64x2.add(a3, a3);
    const h04 = f64x2.relaxed_madd(d0, a4, highBase);
    const l04 = f64x2.relaxed_madd(d0, a4, f64x2.sub(lowBase, h04));
    let c4 = l04;
    let c5 = h04;
    const h13 = f64x2.relaxed_madd(d1, a3, highBase);
    const l13 = f64x2.relaxed_madd(d1, a3, f64x2.sub(lowBase, h13));
    c4 = i64x2.add(c4, l13);
    c5 = i64x2.add(c5, h13);
    const h22 = f64x2.relaxed_madd(a2, a2, highBase);
    const l22 = f64x2.relaxed_madd(a2, a2, f64x2.sub(lowBase, h22));
    c4 = i64x2.add(c4, l22);
    c5 = i64x2.add(c5, h22);
    const h14 = f64x2.relaxed_madd(d1, a4, highBase);
    const l14 = f64x2.relaxed_madd(d1, a4, f64x2.sub(lowBase, h14));
    c5 = i64x2.add(c5, l14);
    let c6 = h14;
    const h23 = f64x2.relaxed_madd(d2, a3, highBase);
    const l23 = f64x2.relaxed_madd(d2, a3, f64x2.sub(lowBase, h23));
    c5 = i64x2.add(c5, l23);
    c6 = i64x2.add(c6, h23);
    const h24 = f64x2.relaxed_madd(d2, a4, highBase);
    const l24 = f64x2.relaxed_madd(d2, a4, f64x2.sub(lowBase, h24));
    c6 = i64x2.add(c6, l24);
    let c7 = h24;
    const h33 = f64x2.relaxed_madd(a3, a3, highBase);
    const l33 = f64x2.relaxed_madd(a3, a3, f64x2.sub(lowBase, h33));
    c6 = i64x2.add(c6, l33);
    c7 = i64x2.add(c7, h33);
    const h34 = f64x2.relaxed_madd(d3, a4, highBase);
    const l34 = f64x2.relaxed_madd(d3, a4, f64x2.sub(lowBase, h34));
    c7 = i64x2.add(c7, l34);
    let c8 = h34;
    const h44 = f64x2.relaxed_madd(a4, a4, highBase);
    const l44 = f64x2.relaxed_madd(a4, a4, f64x2.sub(lowBase, h44));
    c8 = i64x2.add(c8, l44);
    let c9 = h44;
    const h00 = f64x2.relaxed_madd(a0, a0, highBase);
    const l00 = f64x2.relaxed_madd(a0, a0, f64x2.sub(lowBase, h00));
    let c0 = l00;
    let c1 = h00;
    const h01 = f64x2.relaxed_madd(d0, a1, highBase);
    const l01 = f64x2.relaxed_madd(d0, a1, f64x2.sub(lowBase, h01));
    c1 = i64x2.add(c1, l01);
    let c2 = h01;
    const h02 = f64x2.relaxed_madd(d0, a2, highBase);
    const l02 = f64x2.relaxed_madd(d0, a2, f64x2.sub(lowBase, h02));
    c2 = i64x2.add(c2, l02);
    let c3 = h02;
    const h11 = f64x2.relaxed_madd(a1, a1, highBase);
    const l11 = f64x2.relaxed_madd(a1, a1, f64x2.sub(lowBase, h11));
    c2 = i64x2.add(c2, l11);
    c3 = i64x2.add(c3, h11);
    const h03 = f64x2.relaxed_madd(d0, a3, highBase);
    const l03 = f64x2.relaxed_madd(d0, a3, f64x2.sub(lowBase, h03));
    c3 = i64x2.add(c3, l03);
    c4 = i64x2.add(c4, h03);
    const h12 = f64x2.relaxed_madd(d1, a2, highBase);
    const l12 = f64x2.relaxed_madd(d1, a2, f64x2.sub(lowBase, h12));
    c3 = i64x2.add(c3, l12);
    c4 = i64x2.add(c4, h12);
    // 2^255 = 19: columns 5 to 9 fold onto 0 to 4.
    c0 = i64x2.add(i64x2.add(c0, v128.load(squareOffsets, 0)), times19(c5));
    c1 = i64x2.add(i64x2.add(c1, v128.load(squareOffsets, 16)), times19(c6));
    c2 = i64x2.add(i64x2.add(c2, v128.load(squareOffsets, 32)), times19(c7));
    c3 = i64x2.add(i64x2.add(c3, v128.load(squareOffsets, 48)), times19(c8));
    c4 = i64x2.add(i64x2.add(c4, v128.load(squareOffsets, 64)), times19(c9));
    // All carries at once; each is too large by 2^9, which the last subtraction makes up for.
    const s0 = i64x2.shr_u(c0, 51);
    const s1 = i64x2.shr_u(c1, 51);
    const s2 = i64x2.shr_u(c2, 51);
    const s3 = i64x2.shr_u(c3, 51);
    const s4 = i64x2.shr_u(c4, 51);
    a0 = f64x2.sub(i64x2.add(v128.or(v128.and(c0, mask), exponent), times19(s4)), firstBase);
    a1 = f64x2.sub(i64x2.add(v128.or(v128.and(c1, mask), exponent), s0), otherBase);
    a2 = f64x2.sub(i64x2.add(v128.or(v128.and(c2, mask), exponent), s1), otherBase);
    a3 = f64x2.sub(i64x2.add(v128.or(v128.and(c3, mask), exponent), s2), otherBase);
    a4 = f64x2.sub(i64x2.add(v128.or(v128.and(c4, mask), exponent), s3), otherBase);
  }
  v128.store(out, a0, 0);
  v128.store(out, a1, 16);
  v128.store(out, a2, 32);
  v128.store(out, a3, 48);
  v128.store(out, a4, 64);
}

/** Brings up to three units back to one: adding and subtracting 1.5 * 2^103 rounds to a multiple of 2^51. */
export function pairCarry(out: usize, a: usize): void {
  const highBase = v128.load(bases);
  const down = v128.load(bases, 96);
  const downAndFold = v128.load(bases, 112);
  const a0 = v128.load(a, 0);
  const a1 = v128.load(a, 16);
  const a2 = v128.load(a, 32);
  const a3 = v128.load(a, 48);
  const a4 = v128.load(a, 64);
  const t0 = f64x2.sub(f64x2.add(a0, highBase), highBase);
  const t1 = f64x2.sub(f64x2.add(a1, highBase), highBase);
  const t2 = f64x2.sub(f64x2.add(a2, highBase), highBase);
  const t3 = f64x2.sub(f64x2.add(a3, highBase), highBase);
  const t4 = f64x2.sub(f64x2.add(a4, highBase), highBase);
  v128.store(out, f64x2.relaxed_madd(t4, downAndFold, f64x2.sub(a0, t0)), 0);
  v128.store(out, f64x2.relaxed_madd(t0, down, f64x2.sub(a1, t1)), 16);
  v128.store(out, f64x2.relaxed_madd(t1, down, f64x2.sub(a2, t2)), 32);
  v128.store(out, f64x2.relaxed_madd(t2, down, f64x2.sub(a3, t3)), 48);
  v128.store(out, f64x2.relaxed_madd(t3, down, f64x2.sub(a4, t4)), 64);
}

/** (x, y) becomes (y - x, y + x): of one unit each, two units. */
export function pairDifferenceAndSum(out: usize, a: usize): void {
  const signs = v128.load(firstSign);
  const a0 = v128.load(a, 0);
  v128.store(out, f64x2.add(i64x2.shuffle(a0, a0, 1, 0), v128.xor(a0, signs)), 0);
  const a1 = v128.load(a, 16);
  v128.store(out, f64x2.add(i64x2.shuffle(a1, a1, 1, 0), v128.xor(a1, signs)), 16);
  const a2 = v128.load(a, 32);
  v128.store(out, f64x2.add(i64x2.shuffle(a2, a2, 1, 0), v128.xor(a2, signs)), 32);
  const a3 = v128.load(a, 48);
  v128.store(out, f64x2.add(i64x2.shuffle(a3, a3, 1, 0), v128.xor(a3, signs)), 48);
  const a4 = v128.load(a, 64);
  v128.store(out, f64x2.add(i64x2.shuffle(a4, a4, 1, 0), v128.xor(a4, signs)), 64);
}

/** The same, brought back to one unit. */
export function pairDifferenceAndSumCarried(out: usize, a: usize): void {
  pairDifferenceAndSum(out, a);
  pairCarry(out, out);
}

/** (x, y) and (z, w) become (x, z). */
export function pairFirsts(out: usize, a: usize, b: usize): void {
  v128.store(out, i64x2.shuffle(v128.load(a, 0), v128.load(b, 0), 0, 2), 0);
  v128.store(out, i64x2.shuffle(v128.load(a, 16), v128.load(b, 16), 0, 2), 16);
  v128.store(out, i64x2.shuffle(v128.load(a, 32), v128.load(b, 32), 0, 2), 32);
  v128.store(out, i64x2.shuffle(v128.load(a, 48), v128.load(b, 48), 0, 2), 48);
  v128.store(out, i64x2.shuffle(v128.load(a, 64), v128.load(b, 64), 0, 2), 64);
}

/** (x, y) and (z, w) become (y, w). */
export function pairSeconds(out: usize, a: usize, b: usize): void {
  v128.store(out, i64x2.shuffle(v128.load(a, 0), v128.load(b, 0), 1, 3), 0);
  v128.store(out, i64x2.shuffle(v128.load(a, 16), v128.load(b, 16), 1, 3), 16);
  v128.store(out, i64x2.shuffle(v128.load(a, 32), v128.load(b, 32), 1, 3), 32);
  v128.store(out, i64x2.shuffle(v128.load(a, 48), v128.load(b, 48), 1, 3), 48);
  v128.store(out, i64x2.shuffle(v128.load(a, 64), v128.load(b, 64), 1, 3), 64);
}

/** (x, y) becomes (y, x). `out` is not `a`. */
export function pairSwap(out: usize, a: usize): void {
  v128.store(out, i64x2.shuffle(v128.load(a, 0), v128.load(a, 0), 1, 0), 0);
  v128.store(out, i64x2.shuffle(v128.load(a, 16), v128.load(a, 16), 1, 0), 16);
  v128.store(out, i64x2.shuffle(v128.load(a, 32), v128.load(a, 32), 1, 0), 32);
  v128.store(out, i64x2.shuffle(v128.load(a, 48), v128.load(a, 48), 1, 0), 48);
  v128.store(out, i64x2.shuffle(v128.load(a, 64), v128.load(a, 64), 1, 0), 64);
}

/** (x, y) becomes (-x, y). */
export function pairNegateFirst(out: usize, a: usize): void {
  const signs = v128.load(firstSign);
  v128.store(out, v128.xor(v128.load(a, 0), signs), 0);
  v128.store(out, v128.xor(v128.load(a, 16), signs), 16);
  v128.store(out, v128.xor(v128.load(a, 32), signs), 32);
  v128.store(out, v128.xor(v128.load(a, 48), signs), 48);
  v128.store(out, v128.xor(v128.load(a, 64), signs), 64);
}

export function pairCopy(out: usize, a: usize): void {
  v128.store(out, v128.load(a, 0), 0);
  v128.store(out, v128.load(a, 16), 16);
  v128.store(out, v128.load(a, 32), 32);
  v128.store(out, v128.load(a, 48), 48);
  v128.store(out, v128.load(a, 64), 64);
}
