/**
 * The additions of `edwards.ts` two products at a time, for sums of public data: the eight products of an addition are
 * four pairs, and the sums between them come in pairs as well.
 *
 *   point    (X, Y) (T, Z)                   160 bytes, one unit
 *   entry    (Y - X, Y + X) (2dT, 2Z)        160 bytes, one unit: the second operand. Z need not be 1: the lane is there anyway.
 *
 *   (A, B) = (Y1 - X1, Y1 + X1) * (Y2 - X2, Y2 + X2)      (E, H) = (B - A, B + A)      (X, Y) = (E, H) * (F, G)
 *   (C, D) = (T1, Z1) * (2d T2, 2 Z2)                     (F, G) = (D - C, D + C)      (T, Z) = (E, F) * (H, G)
 */
import { curveInverseD, curveTwoD, one, two } from './constants';
import { fourth, second, third } from './edwards';
import { fieldFromPair, pairFromFields } from './pair-bytes';
import {
  pairBytes,
  pairCopy,
  pairDifferenceAndSum,
  pairDifferenceAndSumCarried,
  pairFirsts,
  pairMultiply,
  pairNegateFirst,
  pairSeconds,
  pairSwap,
} from './pair-field';
import { pairScratch } from './scratch';

export const pairPointBytes: usize = 2 * pairBytes;
/** Offset of the second pair. */
const other: usize = pairBytes;

const ab: usize = pairScratch + 48 + 4 * pairBytes;
const cd: usize = ab + pairBytes;
const left: usize = ab + 2 * pairBytes;
const right: usize = ab + 3 * pairBytes;
/** (2d, 2) and (1/d, 1). */
const toEntry: usize = ab + 4 * pairBytes;
const fromEntry: usize = ab + 5 * pairBytes;
const negated: usize = ab + 6 * pairBytes;

/** Before anything else of this module, in every call: the scratch may have been wiped. */
export function preparePairs(): void {
  pairFromFields(toEntry, curveTwoD, two);
  pairFromFields(fromEntry, curveInverseD, one);
}

/** p + q, q an entry: four pairs of products. */
export function pairAdd(out: usize, p: usize, q: usize): void {
  pairDifferenceAndSum(ab, p); // 2 units
  pairMultiply(ab, q, ab); // 1 * 2
  pairMultiply(cd, p + other, q + other);
  pairDifferenceAndSumCarried(ab, ab);
  pairDifferenceAndSumCarried(cd, cd);
  pairFirsts(left, ab, cd);
  pairSeconds(right, ab, cd);
  pairMultiply(out, ab, cd);
  pairMultiply(out + other, left, right);
}

/** p - q, q an entry. */
export function pairSubtract(out: usize, p: usize, q: usize): void {
  negateEntry(negated, q);
  pairAdd(out, p, negated);
}

function negateEntry(out: usize, q: usize): void {
  pairSwap(out, q);
  pairNegateFirst(out + other, q + other);
}

export function pairToEntry(out: usize, p: usize): void {
  pairMultiply(cd, p + other, toEntry);
  pairDifferenceAndSumCarried(out, p);
  pairCopy(out + other, cd);
}

/** The point of an entry, or its negative; all coordinates are doubled. */
export function pairFromEntry(out: usize, q: usize, isNegative: bool): void {
  let entry = q;
  if (isNegative) {
    negateEntry(negated, q);
    entry = negated;
  }
  pairMultiply(cd, entry + other, fromEntry);
  pairDifferenceAndSumCarried(out, entry);
  pairCopy(out + other, cd);
}

/** The entry of a point in extended coordinates. */
export function entryFromPoint(out: usize, p: usize): void {
  pairFromFields(left, p, p + second);
  pairFromFields(right, p + fourth, p + third);
  pairMultiply(out + other, right, toEntry);
  pairDifferenceAndSumCarried(out, left);
}

/** Extended coordinates. */
export function pointFromPair(out: usize, p: usize): void {
  fieldFromPair(out, p, 0);
  fieldFromPair(out + second, p, 8);
  fieldFromPair(out + fourth, p + other, 0);
  fieldFromPair(out + third, p + other, 8);
}
