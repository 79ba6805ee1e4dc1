/**
 * Baby-step table of small multiples of a base, for a cheater's digits by baby-step giant-step (`src/wasm/wasm-small-log.ts` drives
 * it). Its look-ups depend on the logarithms, which whoever made the search necessary knows; honest digits go through
 * `digit-table.ts`.
 *
 * Points are compared by the affine coordinates of four times themselves: multiplying by four clears the torsion that
 * separates the representatives of one ristretto element; y is then unique up to the sign of the logarithm.
 *
 *   table, kept for ever:  size: u32, slots - 1: u32, 8 unused bytes | (size + 1) entries of 32 bytes | slots of u32
 *   entry i                canonical y of i * 4B; bit 255, free, holds the parity of x
 *   slot                   i + 1, or 0: open addressing by the low word of y, linear probing
 */
import { allocateOrTrap } from './arena';
import { addCached, pointBytes, pointCopy, pointDouble, pointSetIdentity, second, toCached } from './edwards';
import { fieldIsNegative, fieldToBytes } from './field-bytes';
import { normalizePoints, normalizeScratchBytes } from './normalize';
import { pointsScratch } from './scratch';

const headerBytes: usize = 16;
const entryBytes: usize = 32;

/** No logarithm within the table. */
export const notFound: i32 = i32.MIN_VALUE;

const current: usize = pointsScratch;
const step: usize = pointsScratch + pointBytes;
/** An entry to be looked up. */
const probe: usize = pointsScratch + 2 * pointBytes;

function slotCount(size: i32): usize {
  let count: usize = 4;
  while (count < 2 * (<usize>size + 1)) count <<= 1;
  return count;
}

export function smallLogTableBytes(size: i32): usize {
  return headerBytes + (<usize>size + 1) * entryBytes + slotCount(size) * 4;
}

/** out = 4p. */
export function clearTorsion(out: usize, p: usize): void {
  pointDouble(out, p);
  pointDouble(out, out);
}

/** Fills the table with i * 4B, 0 <= i <= size. False if two are equal up to sign: the base is not of large order. */
export function buildSmallLogTable(table: usize, base: usize, size: i32): bool {
  const count = size + 1;
  const slots = slotCount(size);
  store<u32>(table, <u32>size);
  store<u32>(table, <u32>(slots - 1), 4);
  memory.fill(slotsOf(table), 0, slots * 4);

  const points = allocateOrTrap(<usize>count * pointBytes);
  const products = allocateOrTrap(normalizeScratchBytes(count));
  clearTorsion(current, base);
  toCached(step, current);
  pointSetIdentity(points);
  for (let i: usize = 1; i < <usize>count; i++) {
    addCached(points + i * pointBytes, points + (i - 1) * pointBytes, step);
  }
  normalizePoints(points, count, products);
  for (let i = 0; i < count; i++) {
    const entry = entryOf(table, <u32>i);
    writeEntry(entry, points + <usize>i * pointBytes);
    const slot = findSlot(table, entry);
    if (load<u32>(slot) != 0) return false;
    store<u32>(slot, <u32>i + 1);
  }
  return true;
}

function entryOf(table: usize, index: u32): usize {
  return table + headerBytes + <usize>index * entryBytes;
}

function slotsOf(table: usize): usize {
  return entryOf(table, load<u32>(table) + 1);
}

function writeEntry(out: usize, normalized: usize): void {
  const parity = <u64>(fieldIsNegative(normalized) & 1);
  fieldToBytes(out, normalized + second);
  store<u64>(out, load<u64>(out, 24) | (parity << 63), 24);
}

/** The slot of the entry with this y, or the empty slot where it would be. */
function findSlot(table: usize, entry: usize): usize {
  const mask = load<u32>(table, 4);
  const slots = slotsOf(table);
  let place = load<u32>(entry) & mask;
  while (true) {
    const slot = slots + <usize>place * 4;
    const found = load<u32>(slot);
    if (found == 0 || sameY(entryOf(table, found - 1), entry)) return slot;
    place = (place + 1) & mask;
  }
}

function sameY(p: usize, q: usize): bool {
  return (
    load<u64>(p) == load<u64>(q) &&
    load<u64>(p, 8) == load<u64>(q, 8) &&
    load<u64>(p, 16) == load<u64>(q, 16) &&
    (load<u64>(p, 24) ^ load<u64>(q, 24)) << 1 == 0
  );
}

/** i with i * 4B = the normalised point, -size <= i <= size, or `notFound`. */
function lookUp(table: usize, normalized: usize): i32 {
  writeEntry(probe, normalized);
  const found = load<u32>(findSlot(table, probe));
  if (found == 0) return notFound;
  const index = <i32>found - 1;
  const isSameX = load<u8>(entryOf(table, found - 1) + 31) == load<u8>(probe + 31);
  return isSameX ? index : -index;
}

/** Offsets (i32) of `count` points, which are overwritten. */
export function lookUpAll(out: usize, table: usize, points: usize, count: i32): void {
  normalizePoints(points, count, allocateOrTrap(normalizeScratchBytes(count)));
  for (let i: usize = 0; i < <usize>count; i++)
    store<i32>(out + 4 * i, lookUp(table, points + i * pointBytes));
}

/** `steps` points from `p` on, each the one before plus `stride` (cached); `p` moves to the next. */
export function walk(out: usize, outStride: usize, p: usize, stride: usize, steps: i32): void {
  for (let i = 0; i < steps; i++) {
    pointCopy(out, p);
    addCached(p, p, stride);
    out += outStride;
  }
}
