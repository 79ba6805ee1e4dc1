/**
 * Powers with fixed exponents: inversion and the inverse square root of RFC 9496. The exponents are public constants, so
 * the sequence of operations is the same for every input.
 */
import { one, sqrtMinusOne } from './constants';
import {
  elementBytes,
  fieldAdd,
  fieldAssignIf,
  fieldCopy,
  fieldMultiply,
  fieldNegateIf,
  fieldSquare,
  fieldSquareTimes,
  fieldSubtract,
} from './field';
import { fieldIsNegative, fieldIsZero } from './field-bytes';
import { powerScratch } from './scratch';

const t0: usize = powerScratch;
const t1: usize = powerScratch + elementBytes;
const t2: usize = powerScratch + 2 * elementBytes;
const t3: usize = powerScratch + 3 * elementBytes;
const t4: usize = powerScratch + 4 * elementBytes;
const t5: usize = powerScratch + 5 * elementBytes;
const t6: usize = powerScratch + 6 * elementBytes;

/**
 * t1 = a^(2^250 - 1), t0 = a^11. The addition chain of Bernstein's curve25519 (2006): a run of n one bits is shifted and
 * joined with another one. `a` must not be t0, t1 or t2.
 */
function powerOfOnes(a: usize): void {
  fieldSquare(t0, a); // 2
  fieldSquareTimes(t1, t0, 2); // 8
  fieldMultiply(t1, a, t1); // 9
  fieldMultiply(t0, t0, t1); // 11
  fieldSquare(t2, t0); // 22
  fieldMultiply(t1, t1, t2); // 31 = 2^5 - 1
  fieldSquareTimes(t2, t1, 5);
  fieldMultiply(t1, t2, t1); // 2^10 - 1
  fieldSquareTimes(t2, t1, 10);
  fieldMultiply(t2, t2, t1); // 2^20 - 1
  fieldSquareTimes(t3, t2, 20);
  fieldMultiply(t2, t3, t2); // 2^40 - 1
  fieldSquareTimes(t2, t2, 10);
  fieldMultiply(t1, t2, t1); // 2^50 - 1
  fieldSquareTimes(t2, t1, 50);
  fieldMultiply(t2, t2, t1); // 2^100 - 1
  fieldSquareTimes(t3, t2, 100);
  fieldMultiply(t2, t3, t2); // 2^200 - 1
  fieldSquareTimes(t2, t2, 50);
  fieldMultiply(t1, t2, t1); // 2^250 - 1
}

/** a^(p - 2) = 1/a; zero gives zero. p - 2 = (2^250 - 1) * 2^5 + 11. `a` of up to three units. */
export function fieldInvert(out: usize, a: usize): void {
  powerOfOnes(a);
  fieldSquareTimes(t1, t1, 5);
  fieldMultiply(out, t1, t0);
}

/** a^((p - 5) / 8) = a^(2^252 - 3); 2^252 - 3 = (2^250 - 1) * 4 + 1. `out` may be `a`. */
export function rootPower(out: usize, a: usize): void {
  fieldCopy(t4, a);
  powerOfOnes(t4);
  fieldSquareTimes(t1, t1, 2);
  fieldMultiply(out, t1, t4);
}

/** v^3 and v^7. */
export function startRoot(cube: usize, seventh: usize, v: usize): void {
  fieldSquare(t0, v);
  fieldMultiply(cube, t0, v);
  fieldSquare(t0, cube);
  fieldMultiply(seventh, t0, v);
}

/**
 * RFC 9496, section 4.2, SQRT_RATIO_M1(u, v): writes the non-negative square root of u/v, or of SQRT_M1 * u/v if u/v is
 * not a square. -1 if it is a square (zero included), else 0. `u` and `v` of up to two units; `out` of one.
 */
export function sqrtRatio(out: usize, u: usize, v: usize): i32 {
  // r = (u * v^3) * (u * v^7)^((p - 5) / 8)
  startRoot(t5, t6, v);
  fieldMultiply(t5, t5, u);
  fieldMultiply(t6, t6, u);
  rootPower(t6, t6);
  fieldMultiply(t6, t5, t6);
  return finishRoot(out, u, v, t6);
}

/** The same from r on. */
export function finishRoot(out: usize, u: usize, v: usize, r: usize): i32 {
  fieldCopy(t4, r);
  // check = v * r^2
  fieldSquare(t5, t4);
  fieldMultiply(t5, t5, v);
  fieldSubtract(t0, t5, u);
  const correctSign = fieldIsZero(t0);
  fieldAdd(t0, t5, u);
  const flippedSign = fieldIsZero(t0);
  fieldMultiply(t1, u, sqrtMinusOne);
  fieldAdd(t0, t5, t1);
  const flippedSignI = fieldIsZero(t0);

  // r = CT_SELECT(SQRT_M1 * r IF flipped_sign | flipped_sign_i ELSE r), then CT_ABS
  fieldMultiply(t0, t4, sqrtMinusOne);
  fieldAssignIf(t4, t0, flippedSign | flippedSignI);
  fieldNegateIf(out, t4, fieldIsNegative(t4));
  return correctSign | flippedSign;
}

/** SQRT_RATIO_M1(1, v). */
export function inverseSqrt(out: usize, v: usize): i32 {
  return sqrtRatio(out, one, v);
}
