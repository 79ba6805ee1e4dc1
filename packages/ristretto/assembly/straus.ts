/**
 * Straus (1964): one chain of doublings for all points; each has a table of odd multiples and takes its digits in width-5
 * non-adjacent form, where one digit in six is not zero. Variable time: public data only.
 */
import { allocateOrTrap } from './arena';
import {
  addCached,
  cachedBytes,
  pointBytes,
  pointCopy,
  pointDouble,
  pointDoubleProjective,
  pointSetIdentity,
  subtractCached,
  toCached,
} from './edwards';
import { pointsScratch } from './scratch';

/** Digits are odd and below 16 in absolute value; scalars are below 2^253, so the last digit is at most bit 253. */
const digitPositions: usize = 256;
const windowBits: i32 = 5;
const oddMultiples: usize = 8;

const sum: usize = pointsScratch;
const multiple: usize = pointsScratch + pointBytes;
const twice: usize = pointsScratch + 2 * pointBytes;

export function straus(out: usize, points: usize, scalars: usize, count: i32): void {
  const terms = <usize>count;
  const digits = allocateOrTrap(terms * digitPositions);
  const tables = allocateOrTrap(terms * oddMultiples * cachedBytes);
  for (let i: usize = 0; i < terms; i++) {
    recodeNonAdjacent(digits + i * digitPositions, scalars + i * 32);
    buildOddMultiples(tables + i * oddMultiples * cachedBytes, points + i * pointBytes);
  }
  pointSetIdentity(sum);
  for (let position: isize = <isize>digitPositions - 1; position >= 0; position--) {
    // The last formula before an addition has to give T as well.
    let needsT = position == 0;
    for (let i: usize = 0; i < terms && !needsT; i++) {
      needsT = load<i8>(digits + i * digitPositions + <usize>position) != 0;
    }
    if (needsT) pointDouble(sum, sum);
    else pointDoubleProjective(sum, sum);
    if (!needsT) continue;
    for (let i: usize = 0; i < terms; i++) {
      const digit = <i32>load<i8>(digits + i * digitPositions + <usize>position);
      if (digit == 0) continue;
      const entry = tables + (i * oddMultiples + <usize>((digit < 0 ? -digit : digit) >> 1)) * cachedBytes;
      if (digit > 0) addCached(sum, sum, entry);
      else subtractCached(sum, sum, entry);
    }
  }
  pointCopy(out, sum);
}

/** P, 3P, ..., 15P. */
function buildOddMultiples(table: usize, p: usize): void {
  pointDouble(multiple, p);
  toCached(twice, multiple);
  toCached(table, p);
  pointCopy(multiple, p);
  for (let k: usize = 1; k < oddMultiples; k++) {
    addCached(multiple, multiple, twice);
    toCached(table + k * cachedBytes, multiple);
  }
}

/** Width-5 NAF: digits[i] is 0 or odd in (-16, 16), the scalar is the sum of digits[i] * 2^i. */
function recodeNonAdjacent(digits: usize, scalar: usize): void {
  memory.fill(digits, 0, digitPositions);
  let carry: i32 = 0;
  let bit: i32 = 0;
  while (bit < 254) {
    const window = windowAt(scalar, bit) + carry;
    if ((window & 1) == 0) {
      // An even window: this bit's digit is 0; a carry of one into a one bit carries on.
      bit++;
      continue;
    }
    const low = window & 31;
    carry = low >> 4;
    store<i8>(digits + <usize>bit, <i8>(low - (carry << windowBits)));
    bit += windowBits;
  }
}

/** Five bits from `bit` on; zeros beyond bit 255. */
function windowAt(scalar: usize, bit: i32): i32 {
  const at = <usize>(bit >> 3);
  let bits = <i32>load<u8>(scalar + at);
  if (at < 31) bits |= (<i32>load<u8>(scalar + at + 1)) << 8;
  return (bits >> (bit & 7)) & 31;
}
