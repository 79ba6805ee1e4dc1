/**
 * RFC 9496, section 4.3: decoding, encoding, equality and the hash-to-group map, step by step as the RFC has them. A group
 * element is held as any one of its Edwards representatives (`edwards.ts`, extended coordinates).
 *
 * Constant time except for the verdict of decoding, whose input is public.
 */
import {
  curveD,
  dMinusOneSquared,
  invSqrtAMinusD,
  one,
  oneMinusDSquared,
  sqrtAdMinusOne,
  sqrtMinusOne,
} from './constants';
import { addCached, fourth, second, third, toCached } from './edwards';
import {
  elementBytes,
  fieldAdd,
  fieldAssignIf,
  fieldCopy,
  fieldMultiply,
  fieldNegate,
  fieldNegateIf,
  fieldSquare,
  fieldSubtract,
} from './field';
import { bytesAreCanonical, fieldFromBytes, fieldIsNegative, fieldIsZero, fieldToBytes } from './field-bytes';
import { finishRoot, inverseSqrt, sqrtRatio, startRoot } from './field-power';
import { ristrettoScratch } from './scratch';

/** Bytes of an encoded element. */
export const encodedBytes: usize = 32;

const s: usize = ristrettoScratch;
const u1: usize = ristrettoScratch + elementBytes;
const u2: usize = ristrettoScratch + 2 * elementBytes;
const v: usize = ristrettoScratch + 3 * elementBytes;
const root: usize = ristrettoScratch + 4 * elementBytes;
const denX: usize = ristrettoScratch + 5 * elementBytes;
const denY: usize = ristrettoScratch + 6 * elementBytes;
const t: usize = ristrettoScratch + 7 * elementBytes;
const x: usize = ristrettoScratch + 8 * elementBytes;
const y: usize = ristrettoScratch + 9 * elementBytes;
const zInverse: usize = ristrettoScratch + 10 * elementBytes;
/** Points of the hash-to-group map: 12 to 15, 16 to 19. */
const firstPoint: usize = ristrettoScratch + 12 * elementBytes;
const secondPoint: usize = ristrettoScratch + 16 * elementBytes;

/**
 * Section 4.3.1 in two halves, so that the power between them, which takes most of the time, can be taken of two elements at
 * once (`bulk.ts`). `work` keeps `decodeWorkBytes` from one half to the next.
 *
 *   0: s   1: u1   2: u2   3: v   4: v * u2_sqr   5: its cube   6: its seventh power, and then the power of that
 */
export const decodeWorkBytes: usize = 7 * elementBytes;
/** Where a half leaves, and the other expects, what is raised to (p - 5) / 8. */
export const decodePower: usize = 6 * elementBytes;
const workU1: usize = elementBytes;
const workU2: usize = 2 * elementBytes;
const workV: usize = 3 * elementBytes;
const workRadicand: usize = 4 * elementBytes;
const workCube: usize = 5 * elementBytes;

/** Steps 1 and 2, and 3 up to the root; 0 if the 32 bytes cannot be an encoding. */
export function startDecode(work: usize, bytes: usize): i32 {
  // 1. and 2. canonical and non-negative.
  if (!bytesAreCanonical(bytes) || load<u8>(bytes) & 1) return 0;
  fieldFromBytes(work, bytes);
  // 3.
  fieldSquare(t, work); // ss
  fieldSubtract(work + workU1, one, t); // 2 units
  fieldAdd(work + workU2, one, t); // 2
  fieldSquare(t, work + workU2); // u2_sqr
  fieldSquare(v, work + workU1);
  fieldMultiply(v, v, curveD);
  fieldAdd(v, v, t); // D * u1^2 + u2_sqr, 2 units
  fieldNegate(work + workV, v);
  fieldMultiply(work + workRadicand, work + workV, t); // v * u2_sqr
  startRoot(work + workCube, work + decodePower, work + workRadicand);
  return -1;
}

/** The rest: -1 and a point with Z = 1, or 0 if the 32 bytes are no encoding. */
export function finishDecode(out: usize, work: usize): i32 {
  fieldMultiply(t, work + workCube, work + decodePower);
  const wasSquare = finishRoot(root, one, work + workRadicand, t);
  fieldMultiply(denX, root, work + workU2);
  fieldMultiply(denY, root, denX);
  fieldMultiply(denY, denY, work + workV);
  fieldAdd(s, work, work); // 2 units
  fieldMultiply(x, s, denX);
  fieldNegateIf(x, x, fieldIsNegative(x)); // x = CT_ABS(2 * s * den_x)
  fieldMultiply(y, work + workU1, denY);
  fieldMultiply(t, x, y);
  // 4.
  if (!wasSquare || fieldIsNegative(t) || fieldIsZero(y)) return 0;
  fieldCopy(out, x);
  fieldCopy(out + second, y);
  fieldCopy(out + third, one);
  fieldCopy(out + fourth, t);
  return -1;
}

/** Step 2 of section 4.3.2: x and y are those of the point, or i*y and i*x. */
function rotateIf(p: usize, rotate: i32): void {
  fieldCopy(x, p);
  fieldCopy(y, p + second);
  fieldMultiply(t, p + second, sqrtMinusOne); // iy0
  fieldAssignIf(x, t, rotate);
  fieldMultiply(t, p, sqrtMinusOne); // ix0
  fieldAssignIf(y, t, rotate);
}

/** Section 4.3.2: 32 bytes. */
export function encode(out: usize, p: usize): void {
  // 1.
  fieldAdd(u1, p + third, p + second); // 2 units
  fieldSubtract(t, p + third, p + second); // 2
  fieldMultiply(u1, u1, t);
  fieldMultiply(u2, p, p + second);
  fieldSquare(t, u2);
  fieldMultiply(t, t, u1);
  inverseSqrt(root, t); // u1 * u2^2 is a square for every point: the verdict is ignored, as in the RFC
  fieldMultiply(denX, root, u1); // den1
  fieldMultiply(denY, root, u2); // den2
  fieldMultiply(zInverse, denX, denY);
  fieldMultiply(zInverse, zInverse, p + fourth);
  // 2. rotate
  fieldMultiply(t, p + fourth, zInverse);
  const rotate = fieldIsNegative(t);
  rotateIf(p, rotate);
  fieldMultiply(t, denX, invSqrtAMinusD); // enchanted_denominator
  fieldAssignIf(denY, t, rotate); // den_inv
  // 3. to 5.
  fieldMultiply(t, x, zInverse);
  fieldNegateIf(y, y, fieldIsNegative(t));
  fieldSubtract(t, p + third, y); // 2 units
  fieldMultiply(s, denY, t);
  fieldNegateIf(s, s, fieldIsNegative(s));
  fieldToBytes(out, s);
}

/**
 * Section 4.3.2 of a point with Z = 1 and stale T, in two halves as above; `work` is smaller than that of decoding. With Z = 1 the
 * rotation and the sign of y, which the RFC finds after the root, come before it: of the element's four representatives (x, y),
 * (-x, -y), (i*y, i*x), (-i*y, -i*x) one is left with x non-negative and x * y non-negative, and what is raised to a power depends
 * on the element alone.
 *
 *   0: y   1: u2   2: u1 * u2^2   3: its cube   4: its seventh power, and then the power of that
 */
export const encodePower: usize = 4 * elementBytes;
const encodeU2: usize = elementBytes;
const encodeRadicand: usize = 2 * elementBytes;
const encodeCube: usize = 3 * elementBytes;

/** Steps 2 and 3 (x and y rotated, y's sign), then 1 up to the root. */
export function startEncode(work: usize, p: usize): void {
  // 2. t0 * z_inv is x * y.
  fieldMultiply(u2, p, p + second);
  const rotate = fieldIsNegative(u2);
  rotateIf(p, rotate);
  // 3.
  fieldNegateIf(work, y, fieldIsNegative(x));
  // 1. The sign of u2 = x * y does not matter, neither to its square nor to s.
  fieldCopy(work + encodeU2, u2);
  fieldAdd(u1, one, work); // 2 units
  fieldSubtract(t, one, work); // 2
  fieldMultiply(u1, u1, t);
  fieldSquare(t, u2);
  fieldMultiply(work + encodeRadicand, u1, t);
  startRoot(work + encodeCube, work + encodePower, work + encodeRadicand);
}

/** The rest: 32 bytes. den_inv = den2: the representative needs no rotation any more. */
export function finishEncode(out: usize, work: usize): void {
  fieldMultiply(t, work + encodeCube, work + encodePower);
  finishRoot(root, one, work + encodeRadicand, t); // a square, as in `encode`
  fieldMultiply(denY, root, work + encodeU2); // den2
  // 4. and 5.
  fieldSubtract(t, one, work); // 2 units
  fieldMultiply(s, denY, t);
  fieldNegateIf(s, s, fieldIsNegative(s));
  fieldToBytes(out, s);
}

/** Section 4.3.3: -1 if both represent one element, x1 * y2 = y1 * x2 or y1 * y2 = x1 * x2. */
export function pointsEqual(p: usize, q: usize): i32 {
  fieldMultiply(u1, p, q + second);
  fieldMultiply(u2, p + second, q);
  fieldSubtract(u1, u1, u2);
  fieldMultiply(x, p + second, q + second);
  fieldMultiply(y, p, q);
  fieldSubtract(x, x, y);
  return fieldIsZero(u1) | fieldIsZero(x);
}

/** -1 if the element is the identity, whose representatives are the points with x = 0 or y = 0. */
export function pointIsIdentity(p: usize): i32 {
  return fieldIsZero(p) | fieldIsZero(p + second);
}

/** Section 4.3.4: 64 bytes to an element; out = MAP(first half) + MAP(second half). */
export function fromUniformBytes(out: usize, bytes: usize): void {
  map(firstPoint, bytes);
  map(secondPoint, bytes + 32);
  toCached(secondPoint, secondPoint);
  addCached(out, firstPoint, secondPoint);
}

/** MAP of section 4.3.4. */
function map(out: usize, bytes: usize): void {
  fieldFromBytes(t, bytes); // the top bit is dropped, the rest taken modulo p
  fieldSquare(t, t);
  fieldMultiply(t, t, sqrtMinusOne); // r
  fieldAdd(u1, t, one); // 2 units
  fieldMultiply(u1, u1, oneMinusDSquared); // u
  fieldMultiply(u2, t, curveD);
  fieldAdd(u2, u2, one);
  fieldNegate(u2, u2); // -1 - r * D, 2 units
  fieldAdd(v, t, curveD); // r + D, 2 units
  fieldMultiply(v, u2, v);
  const wasSquare = sqrtRatio(s, u1, v);
  // s' = -CT_ABS(s * t); s = CT_SELECT(s IF was_square ELSE s'); c = CT_SELECT(-1 IF was_square ELSE r)
  fieldFromBytes(x, bytes);
  fieldMultiply(x, s, x);
  fieldNegateIf(x, x, ~fieldIsNegative(x));
  fieldAssignIf(s, x, ~wasSquare);
  fieldNegate(y, one);
  fieldAssignIf(t, y, wasSquare); // c
  // N = c * (r - 1) * D_MINUS_ONE_SQ - v
  fieldFromBytes(y, bytes);
  fieldSquare(y, y);
  fieldMultiply(y, y, sqrtMinusOne);
  fieldSubtract(y, y, one); // 2 units
  fieldMultiply(y, y, t);
  fieldMultiply(y, y, dMinusOneSquared);
  fieldSubtract(y, y, v); // N, 2 units
  fieldMultiply(v, v, s);
  fieldAdd(v, v, v); // w0 = 2 * s * v, 2 units
  fieldMultiply(y, y, sqrtAdMinusOne); // w1
  fieldSquare(s, s);
  fieldSubtract(u1, one, s); // w2, 2 units
  fieldAdd(u2, one, s); // w3, 2 units
  fieldMultiply(out, v, u2); // w0 * w3
  fieldMultiply(out + second, u1, y); // w2 * w1
  fieldMultiply(out + third, y, u2); // w1 * w3
  fieldMultiply(out + fourth, v, u1); // w0 * w2
}
