/**
 * Multiplication by secret scalars, signed digits to base 16: every scalar takes the same operations on the same
 * addresses.
 *
 *   any point    table of 1P..8P; from the top, four doublings and one addition a digit         252 dbl + 64 add
 *   fixed base   table of 1..8 times 256^i P, i < 32 (Bernstein, Duif, Lange, Schwabe, Yang 2011): odd digits, four
 *                doublings, even digits                                                           4 dbl + 64 add
 */
import { allocateOrTrap } from './arena';
import {
  addAffine,
  addCached,
  affineBytes,
  cachedBytes,
  doubleTimes,
  pointBytes,
  pointCopy,
  pointSetIdentity,
  toCached,
} from './edwards';
import { normalizePoints, normalizeScratchBytes, toAffineEntries } from './normalize';
import { pointsScratch } from './scratch';
import {
  digitCount,
  digits,
  recodeSigned16,
  selectAffine,
  selectCached,
  selected,
  tableEntries,
} from './select';

const sum: usize = pointsScratch + 768;
const base: usize = pointsScratch + 928;

const tableRows: usize = 32;
/** Bytes of a fixed-base table. */
export const fixedTableBytes: usize = tableRows * tableEntries * affineBytes;

/** scalar * p. */
export function multiplySecret(out: usize, p: usize, scalar: usize): void {
  const table = allocateOrTrap(tableEntries * cachedBytes);
  pointCopy(base, p);
  toCached(table, base);
  pointCopy(sum, base);
  for (let k: usize = 1; k < tableEntries; k++) {
    addCached(sum, sum, table);
    toCached(table + k * cachedBytes, sum);
  }
  recodeSigned16(scalar);
  pointSetIdentity(sum);
  for (let i = digitCount - 1; i >= 0; i--) {
    doubleTimes(sum, sum, 4);
    selectCached(table, load<i8>(digits + <usize>i));
    addCached(sum, sum, selected);
  }
  pointCopy(out, sum);
}

/** The table of a point, `fixedTableBytes`; the point may be secret. */
export function buildFixedTable(table: usize, p: usize): void {
  const count = <i32>(tableRows * tableEntries);
  const points = allocateOrTrap(<usize>count * pointBytes);
  const products = allocateOrTrap(normalizeScratchBytes(count));
  pointCopy(base, p);
  let point = points;
  for (let row: usize = 0; row < tableRows; row++) {
    toCached(selected, base);
    pointCopy(point, base);
    for (let k: usize = 1; k < tableEntries; k++) {
      addCached(point + pointBytes, point, selected);
      point += pointBytes;
    }
    doubleTimes(base, point, 5); // 8 * 2^5 = 256
    point += pointBytes;
  }
  normalizePoints(points, count, products);
  toAffineEntries(table, points, count);
}

/**
 * scalar * (the table's point), for a scalar below 2^bits: `bits`, at most 253, is public, and the work is proportional to it.
 */
export function multiplyFixed(out: usize, table: usize, scalar: usize, bits: i32): void {
  // One digit more takes the last carry.
  const count = min<i32>(((bits + 3) >> 2) + 1, digitCount);
  recodeSigned16(scalar);
  pointSetIdentity(sum);
  addDigits(table, 1, count);
  doubleTimes(sum, sum, 4);
  addDigits(table, 0, count);
  pointCopy(out, sum);
}

/** Adds the digits first, first + 2, ..., below count: digit 2i + first belongs to row i. */
function addDigits(table: usize, first: i32, count: i32): void {
  for (let i = first; i < count; i += 2) {
    selectAffine(table, load<i8>(digits + <usize>i));
    addAffine(sum, sum, selected);
    table += tableEntries * affineBytes;
  }
}
