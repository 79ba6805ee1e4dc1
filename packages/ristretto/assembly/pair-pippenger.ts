/**
 * `pippenger.ts` on pairs: the same buckets and running sums with `pair-edwards.ts`. Points need no normalisation. Only the
 * sums of windows come back to single elements, for the few doublings between them. Variable time: public data only.
 */
import { allocateOrTrap } from './arena';
import { addCached, doubleTimes, pointBytes, pointCopy, pointSetIdentity, toCached } from './edwards';
import {
  entryFromPoint,
  pairAdd,
  pairFromEntry,
  pairPointBytes,
  pairSubtract,
  pairToEntry,
  pointFromPair,
  preparePairs,
} from './pair-edwards';
import { pointsScratch } from './scratch';
import { bestWindow, positionsOf, recode } from './windows';

/** Pairs of products that a point and a bucket cost at each position. */
const perPoint: i32 = 4;
const perBucket: i32 = 10;

const sum: usize = pointsScratch;
const windowSum: usize = pointsScratch + pointBytes;
const running: usize = pointsScratch + 2 * pointBytes;
const total: usize = running + pairPointBytes;
const entry: usize = running + 2 * pairPointBytes;

export function pairPippenger(out: usize, points: usize, scalars: usize, count: i32): void {
  const terms = <usize>count;
  const window = bestWindow(count, perPoint, perBucket);
  const positions = positionsOf(window);
  const entries = allocateOrTrap(terms * pairPointBytes);
  const digits = allocateOrTrap(terms * <usize>positions * 2);
  const bucketCount = (<usize>1) << (<usize>(window - 1));
  const buckets = allocateOrTrap(bucketCount * pairPointBytes);
  const filled = allocateOrTrap(bucketCount);

  preparePairs();
  for (let i: usize = 0; i < terms; i++) {
    entryFromPoint(entries + i * pairPointBytes, points + i * pointBytes);
    recode(digits + 2 * i, 2 * terms, scalars + i * 32, window);
  }
  pointSetIdentity(sum);
  for (let position = positions - 1; position >= 0; position--) {
    doubleTimes(sum, sum, window);
    fillBuckets(buckets, filled, bucketCount, entries, digits + <usize>position * 2 * terms, terms);
    if (!weightedSum(buckets, filled, bucketCount)) continue;
    pointFromPair(windowSum, total);
    toCached(windowSum, windowSum);
    addCached(sum, sum, windowSum);
  }
  pointCopy(out, sum);
}

/** Bucket d - 1 becomes the sum of the entries with digit d, less those with -d. */
function fillBuckets(
  buckets: usize,
  filled: usize,
  bucketCount: usize,
  entries: usize,
  digits: usize,
  terms: usize,
): void {
  memory.fill(filled, 0, bucketCount);
  for (let i: usize = 0; i < terms; i++) {
    const digit = <i32>load<i16>(digits + 2 * i);
    if (digit == 0) continue;
    const index = <usize>((digit < 0 ? -digit : digit) - 1);
    const bucket = buckets + index * pairPointBytes;
    const entry = entries + i * pairPointBytes;
    if (!load<u8>(filled + index)) {
      store<u8>(filled + index, 1);
      pairFromEntry(bucket, entry, digit < 0);
    } else if (digit > 0) pairAdd(bucket, bucket, entry);
    else pairSubtract(bucket, bucket, entry);
  }
}

/** total = sum of (d + 1) * bucket[d]: running sums from the top. False if all are empty. */
function weightedSum(buckets: usize, filled: usize, bucketCount: usize): bool {
  let started = false;
  for (let index: isize = <isize>bucketCount - 1; index >= 0; index--) {
    const bucket = buckets + <usize>index * pairPointBytes;
    const isFilled = load<u8>(filled + <usize>index) != 0;
    if (!started) {
      if (!isFilled) continue;
      started = true;
      memory.copy(running, bucket, pairPointBytes);
      memory.copy(total, bucket, pairPointBytes);
      continue;
    }
    if (isFilled) {
      pairToEntry(entry, bucket);
      pairAdd(running, running, entry);
    }
    pairToEntry(entry, running);
    pairAdd(total, total, entry);
  }
  return started;
}
