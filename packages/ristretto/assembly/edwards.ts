/**
 * The twisted Edwards curve -x^2 + y^2 = 1 + d x^2 y^2 over GF(2^255 - 19), in the coordinates of Hisil, Wong, Carter,
 * Dawson, "Twisted Edwards Curves Revisited" (2008). The formulas are complete: no case distinctions.
 *
 *   extended   X, Y, Z, T     160 bytes   x = X/Z, y = Y/Z, T = X*Y/Z; every coordinate of one unit
 *   cached     Y+X, Y-X, 2Z, 2dT   160    the second operand of an addition; 2, 2, 2, 1 units
 *   affine     y+x, y-x, 2dxy      128    cached with Z = 1 (one product less), padded to eight v128; 2, 2, 1 units
 *
 * Unit counts stand at each line; products allow 14 (`field.ts`).
 */
import { curveInverseD, curveTwoD, identityPoint, two } from './constants';
import {
  elementBytes,
  fieldAdd,
  fieldCarry,
  fieldCopy,
  fieldMultiply,
  fieldNegate,
  fieldSquare,
  fieldSubtract,
} from './field';
import { edwardsScratch } from './scratch';

export const pointBytes: usize = 160;
export const cachedBytes: usize = 160;
export const affineBytes: usize = 128;

/** Offsets of the second, third and fourth coordinate. */
export const second: usize = elementBytes;
export const third: usize = 2 * elementBytes;
export const fourth: usize = 3 * elementBytes;

const a: usize = edwardsScratch;
const b: usize = edwardsScratch + elementBytes;
const c: usize = edwardsScratch + 2 * elementBytes;
const d: usize = edwardsScratch + 3 * elementBytes;
const e: usize = edwardsScratch + 4 * elementBytes;
const f: usize = edwardsScratch + 5 * elementBytes;
const g: usize = edwardsScratch + 6 * elementBytes;
const h: usize = edwardsScratch + 7 * elementBytes;

export function pointCopy(out: usize, p: usize): void {
  fieldCopy(out, p);
  fieldCopy(out + second, p + second);
  fieldCopy(out + third, p + third);
  fieldCopy(out + fourth, p + fourth);
}

export function pointSetIdentity(out: usize): void {
  pointCopy(out, identityPoint);
}

export function pointNegate(out: usize, p: usize): void {
  fieldNegate(out, p);
  fieldCopy(out + second, p + second);
  fieldCopy(out + third, p + third);
  fieldNegate(out + fourth, p + fourth);
}

export function toCached(out: usize, p: usize): void {
  fieldMultiply(a, p + fourth, curveTwoD);
  fieldAdd(b, p + second, p); // 2 units
  fieldSubtract(out + second, p + second, p); // 2 units
  fieldAdd(out + third, p + third, p + third); // 2 units
  fieldCopy(out, b);
  fieldCopy(out + fourth, a);
}

/** (E, F, G, H) -> (EF, GH, FG, EH), the last step of every formula. */
function complete(out: usize): void {
  completeProjective(out);
  fieldMultiply(out + fourth, e, h);
}

function completeProjective(out: usize): void {
  fieldMultiply(out, e, f);
  fieldMultiply(out + second, g, h);
  fieldMultiply(out + third, f, g);
}

/** E, H of an addition, and C = T1 * 2d T2. `plus` and `minus` are Y2+X2 and Y2-X2, swapped for a subtraction. */
function startAddition(p: usize, plus: usize, minus: usize, twoDT: usize): void {
  fieldSubtract(e, p + second, p); // 2 units
  fieldAdd(h, p + second, p); // 2
  fieldMultiply(a, e, minus); // 2 * 2
  fieldMultiply(b, h, plus); // 2 * 2
  fieldMultiply(c, p + fourth, twoDT);
  fieldSubtract(e, b, a); // 2
  fieldAdd(h, b, a); // 2
}

/** p + q, q cached. add-2008-hwcd-3 with k = 2d: 8 products. */
export function addCached(out: usize, p: usize, q: usize): void {
  startAddition(p, q, q + second, q + fourth);
  fieldMultiply(d, p + third, q + third); // 1 * 2
  fieldSubtract(f, d, c); // 2
  fieldAdd(g, d, c); // 2
  complete(out); // 2 * 2
}

/** p - q, q cached. */
export function subtractCached(out: usize, p: usize, q: usize): void {
  startAddition(p, q + second, q, q + fourth);
  fieldMultiply(d, p + third, q + third);
  fieldAdd(f, d, c);
  fieldSubtract(g, d, c);
  complete(out);
}

/** p + q, q affine: 7 products. */
export function addAffine(out: usize, p: usize, q: usize): void {
  startAddition(p, q, q + second, q + third);
  fieldAdd(d, p + third, p + third); // 2
  fieldSubtract(f, d, c); // 3
  fieldAdd(g, d, c); // 3
  complete(out); // at most 3 * 3
}

/** p - q, q affine. */
export function subtractAffine(out: usize, p: usize, q: usize): void {
  startAddition(p, q + second, q, q + third);
  fieldAdd(d, p + third, p + third);
  fieldAdd(f, d, c);
  fieldSubtract(g, d, c);
  complete(out);
}

/** E, F, G, H of dbl-2008-hwcd with a = -1: 4 squarings. Reads no T. */
function startDoubling(p: usize): void {
  fieldSquare(a, p);
  fieldSquare(b, p + second);
  fieldSquare(c, p + third);
  fieldAdd(e, p, p + second); // 2
  fieldSquare(e, e); // 2 * 2
  fieldAdd(h, a, b); // 2, -H of the paper
  fieldSubtract(e, h, e); // 3, -E
  fieldSubtract(g, a, b); // 2, -G
  fieldAdd(f, c, c); // 2
  fieldAdd(f, f, g); // 4, -F. All four negated, the products stay.
}

/** 2p. */
export function pointDouble(out: usize, p: usize): void {
  startDoubling(p);
  complete(out); // at most 3 * 4
}

/** 2p without T, for a value that is doubled again: one product less. */
export function pointDoubleProjective(out: usize, p: usize): void {
  startDoubling(p);
  completeProjective(out);
}

/** 2^count * p, count >= 1. */
export function doubleTimes(out: usize, p: usize, count: i32): void {
  let from = p;
  for (let i = 1; i < count; i++) {
    pointDoubleProjective(out, from);
    from = out;
  }
  pointDouble(out, from);
}

/** The extended form of an affine entry, scaled by two: (y+x) - (y-x) = 2x, their sum 2y, Z = 2, T = 2xy = 2dxy / d. */
export function fromAffine(out: usize, q: usize): void {
  fieldSubtract(a, q, q + second); // 4 units, so they are brought back
  fieldAdd(b, q, q + second);
  fieldMultiply(out + fourth, q + third, curveInverseD);
  fieldCarry(out, a);
  fieldCarry(out + second, b);
  fieldCopy(out + third, two);
}
