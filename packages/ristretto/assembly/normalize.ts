/**
 * Many points brought to Z = 1 with one inversion (Montgomery's trick: three products a point), for tables and for the
 * comparison of x and y. Z is never zero on this curve.
 */
import { curveTwoD, one } from './constants';
import { affineBytes, fourth, pointBytes, second, third } from './edwards';
import { elementBytes, fieldAdd, fieldCopy, fieldMultiply, fieldSubtract } from './field';
import { fieldInvert } from './field-power';
import { pointsScratch } from './scratch';

const running: usize = pointsScratch + 512;
const inverse: usize = pointsScratch + 512 + elementBytes;
const x: usize = pointsScratch + 512 + 2 * elementBytes;
const y: usize = pointsScratch + 512 + 3 * elementBytes;

/** Bytes of `products` for `count` points. */
export function normalizeScratchBytes(count: i32): usize {
  return <usize>count * elementBytes;
}

/** Replaces X, Y of every point by x and y, and Z by 1; T is stale. `products`: `normalizeScratchBytes`. */
export function normalizePoints(points: usize, count: i32, products: usize): void {
  if (count == 0) return;
  fieldCopy(running, one);
  let point = points;
  for (let i = 0; i < count; i++) {
    fieldCopy(products + <usize>i * elementBytes, running);
    fieldMultiply(running, running, point + third);
    point += pointBytes;
  }
  fieldInvert(running, running);
  for (let i = count - 1; i >= 0; i--) {
    point -= pointBytes;
    fieldMultiply(inverse, running, products + <usize>i * elementBytes);
    fieldMultiply(running, running, point + third);
    fieldMultiply(point, point, inverse);
    fieldMultiply(point + second, point + second, inverse);
    fieldCopy(point + third, one);
  }
}

/** Writes affine entries (y+x, y-x, 2dxy) of points with Z = 1. */
export function toAffineEntries(out: usize, points: usize, count: i32): void {
  for (let i = 0; i < count; i++) {
    fieldCopy(x, points);
    fieldCopy(y, points + second);
    fieldAdd(out, y, x); // 2 units
    fieldSubtract(out + second, y, x); // 2 units
    fieldMultiply(x, x, y);
    fieldMultiply(out + third, x, curveTwoD);
    store<u64>(out, 0, fourth); // the padding, 8 bytes
    points += pointBytes;
    out += affineBytes;
  }
}
