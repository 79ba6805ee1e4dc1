/**
 * Logarithms below a public range, for secrets: one pass over a table that holds half of the range, whatever the logarithm is.
 * Neither a branch nor an address depends on it. Four entries are compared at once, and four points in one pass.
 *
 *   m * B = P, 0 <= m < range      m = half + v, v * 4B = 4P - half * 4B, |v| <= half
 *   4(P - half * B)                multiplying by four clears the torsion; y is then unique up to the sign of v
 *   group of four entries          four keys, u32: one word of canonical y | four values, u32: v + half + 1 for the v of both
 *                                  signs whose x is even; 0 in entries that only fill the last group
 *
 * No two entries have one key, so at most one value is met: a word of y in which all keys differ is chosen when the table is built.
 * Other points than those of the table may have such a key as well: what is found counts only if m * B is P.
 *
 *   table, kept for ever: half u32 | the word's offset u32 | bytes of the groups u32 | unused | -half * 4B, cached, 160 |
 *                         table of B (`secret-multiply.ts`) | groups of 32 bytes
 */
import { allocateOrTrap } from './arena';
import {
  addCached,
  cachedBytes,
  pointBytes,
  pointCopy,
  pointDouble,
  pointNegate,
  pointSetIdentity,
  second,
  toCached,
} from './edwards';
import { fieldIsNegative, fieldToBytes } from './field-bytes';
import { normalizePoints, normalizeScratchBytes } from './normalize';
import { pointsEqual } from './ristretto';
import { scalarBytes } from './scalar';
import { pointsScratch } from './scratch';
import { buildFixedTable, fixedTableBytes, multiplyFixed } from './secret-multiply';

const centreOffset: usize = 16;
const baseOffset: usize = centreOffset + cachedBytes;
const groupsOffset: usize = baseOffset + fixedTableBytes;
const groupBytes: usize = 32;
const valuesOffset: usize = 16;
const lanes: i32 = 4;
/** Points of one step in building: bounds what is allocated for it. */
const buildStep: i32 = 2048;

/** Beside what `secret-multiply.ts` and `normalize.ts` use of this scratch. */
const current: usize = pointsScratch + 1088;
const encoded: usize = pointsScratch + 1248;

function groupCount(half: i32): usize {
  return <usize>((half + 1 + lanes - 1) / lanes);
}

/** Bytes of a table for logarithms below 2 * half. */
export function digitTableBytes(half: i32): usize {
  return groupsOffset + groupCount(half) * groupBytes;
}

/** False if no word of y tells all entries apart: the base is not of large order. */
export function buildDigitTable(table: usize, base: usize, half: i32): bool {
  const count = half + 1;
  store<u32>(table, <u32>half);
  store<u32>(table, <u32>(groupCount(half) * groupBytes), 8);
  buildFixedTable(table + baseOffset, base);
  const entries = allocateOrTrap(<usize>count * scalarBytes);
  encodeMultiples(entries, table, base, count);
  const seen = allocateOrTrap(slotBytes(count));
  for (let word: usize = 0; word < scalarBytes - 4; word += 4) {
    if (!tellsApart(entries, word, count, seen)) continue;
    store<u32>(table, <u32>word, 4);
    writeGroups(table, entries, half);
    return true;
  }
  return false;
}

/** y of 0, 4B, 8B, ...; bit 255 is the parity of x. Leaves -half * 4B in the table: the last one's negative. */
function encodeMultiples(entries: usize, table: usize, base: usize, count: i32): void {
  const points = allocateOrTrap(<usize>buildStep * pointBytes);
  const products = allocateOrTrap(normalizeScratchBytes(buildStep));
  const next = allocateOrTrap(pointBytes);
  const stride = allocateOrTrap(cachedBytes);
  pointDouble(next, base);
  pointDouble(next, next);
  toCached(stride, next);
  pointSetIdentity(next);
  for (let first = 0; first < count; first += buildStep) {
    const size = min<i32>(buildStep, count - first);
    for (let i = 0; i < size; i++) {
      const point = points + <usize>i * pointBytes;
      pointCopy(point, next);
      if (first + i == count - 1) {
        pointNegate(next, next);
        toCached(table + centreOffset, next);
      } else {
        addCached(next, next, stride);
      }
    }
    normalizePoints(points, size, products);
    for (let i = 0; i < size; i++) {
      encodeY(entries + <usize>(first + i) * scalarBytes, points + <usize>i * pointBytes);
    }
  }
}

function encodeY(out: usize, normalized: usize): void {
  const parity = <u64>(fieldIsNegative(normalized) & 1);
  fieldToBytes(out, normalized + second);
  store<u64>(out, load<u64>(out, 24) | (parity << 63), 24);
}

function slotBytes(count: i32): usize {
  let slots: usize = 4;
  while (slots < 2 * <usize>count) slots <<= 1;
  return 4 * slots;
}

/** Whether the word differs in all entries. `seen` is room for a hash table of indices. */
function tellsApart(entries: usize, word: usize, count: i32, seen: usize): bool {
  const bytes = slotBytes(count);
  const mask = <u32>(bytes / 4 - 1);
  memory.fill(seen, 0, bytes);
  for (let i = 0; i < count; i++) {
    const key = load<u32>(entries + <usize>i * scalarBytes + word);
    let place = key & mask;
    while (true) {
      const index = load<u32>(seen + 4 * <usize>place);
      if (index == 0) break;
      if (load<u32>(entries + <usize>(index - 1) * scalarBytes + word) == key) return false;
      place = (place + 1) & mask;
    }
    store<u32>(seen + 4 * <usize>place, <u32>i + 1);
  }
  return true;
}

function writeGroups(table: usize, entries: usize, half: i32): void {
  const word = <usize>load<u32>(table, 4);
  memory.fill(table + groupsOffset, 0, groupCount(half) * groupBytes);
  for (let i = 0; i <= half; i++) {
    const entry = entries + <usize>i * scalarBytes;
    const at = table + groupsOffset + <usize>(i / lanes) * groupBytes + <usize>(i % lanes) * 4;
    const isOdd = load<u8>(entry, 31) >> 7;
    store<u32>(at, load<u32>(entry + word));
    store<u32>(at, <u32>((isOdd ? -i : i) + half + 1), valuesOffset);
  }
}

/** Every point's logarithm (i32), or -1 if it is not in [0, 2 * half). The points stay. */
export function findDigits(out: usize, table: usize, points: usize, count: i32): void {
  const half = <i32>load<u32>(table);
  const padded = <usize>((count + lanes - 1) / lanes) * <usize>lanes;
  const candidates = allocateOrTrap(<usize>count * pointBytes);
  const keys = allocateOrTrap(padded * 4);
  const values = allocateOrTrap(padded * 4);
  memory.fill(keys, 0, padded * 4);
  for (let i: usize = 0; i < <usize>count; i++) {
    pointDouble(current, points + i * pointBytes);
    pointDouble(current, current);
    addCached(candidates + i * pointBytes, current, table + centreOffset);
  }
  normalizePoints(candidates, count, allocateOrTrap(normalizeScratchBytes(count)));
  for (let i: usize = 0; i < <usize>count; i++) {
    encodeY(encoded, candidates + i * pointBytes);
    store<u32>(keys + 4 * i, load<u32>(encoded + <usize>load<u32>(table, 4)));
  }
  for (let i: usize = 0; i < padded; i += <usize>lanes) scan(values + 4 * i, table, keys + 4 * i);

  const digit = allocateOrTrap(scalarBytes);
  memory.fill(digit, 0, scalarBytes);
  const bits = bitLength(2 * half - 1);
  for (let i: usize = 0; i < <usize>count; i++) {
    const value = <i32>load<u32>(values + 4 * i);
    const offset = value - (half + 1);
    const sign = fieldIsNegative(candidates + i * pointBytes); // -1: the value's point is this one's negative
    const log = half + ((offset ^ sign) - sign);
    // A value was met, and 0 <= log < 2 * half.
    const isInRange = (-value >> 31) & ~(log >> 31) & ((log - 2 * half) >> 31);
    store<u32>(digit, log & isInRange);
    multiplyFixed(current, table + baseOffset, digit, bits);
    const found = isInRange & pointsEqual(current, points + i * pointBytes);
    store<i32>(out + 4 * i, (log & found) | ~found);
  }
}

/** The smallest n with value < 2^n, of a public value. */
function bitLength(value: i32): i32 {
  return 32 - <i32>clz<u32>(<u32>value);
}

/** For each of four keys the value beside it in the table, or 0. Reads every entry. */
function scan(out: usize, table: usize, keys: usize): void {
  const k0 = v128.load32_splat(keys, 0);
  const k1 = v128.load32_splat(keys, 4);
  const k2 = v128.load32_splat(keys, 8);
  const k3 = v128.load32_splat(keys, 12);
  let s0 = i32x4.splat(0);
  let s1 = i32x4.splat(0);
  let s2 = i32x4.splat(0);
  let s3 = i32x4.splat(0);
  const end = table + groupsOffset + <usize>load<u32>(table, 8);
  for (let group = table + groupsOffset; group < end; group += groupBytes) {
    const entryKeys = v128.load(group);
    const entryValues = v128.load(group, valuesOffset);
    s0 = v128.or(s0, v128.and(i32x4.eq(entryKeys, k0), entryValues));
    s1 = v128.or(s1, v128.and(i32x4.eq(entryKeys, k1), entryValues));
    s2 = v128.or(s2, v128.and(i32x4.eq(entryKeys, k2), entryValues));
    s3 = v128.or(s3, v128.and(i32x4.eq(entryKeys, k3), entryValues));
  }
  store<i32>(out, sumOfLanes(s0), 0);
  store<i32>(out, sumOfLanes(s1), 4);
  store<i32>(out, sumOfLanes(s2), 8);
  store<i32>(out, sumOfLanes(s3), 12);
}

/** At most one of them is not zero. */
function sumOfLanes(v: v128): i32 {
  return (
    i32x4.extract_lane(v, 0) | i32x4.extract_lane(v, 1) | i32x4.extract_lane(v, 2) | i32x4.extract_lane(v, 3)
  );
}
