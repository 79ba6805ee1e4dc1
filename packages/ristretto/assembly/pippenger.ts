/**
 * Pippenger's bucket method with signed windows (Bernstein, Doumen, Lange, Oosterwijk 2012, section 4): for each window
 * every point is added to the bucket of its digit, and the sum of d * bucket[d] is a double running sum. Points are first
 * normalised, so that additions to buckets cost seven products. Variable time: public data only.
 */
import { allocateOrTrap } from './arena';
import {
  addAffine,
  addCached,
  affineBytes,
  doubleTimes,
  fromAffine,
  pointBytes,
  pointCopy,
  pointNegate,
  pointSetIdentity,
  subtractAffine,
  toCached,
} from './edwards';
import { normalizePoints, normalizeScratchBytes, toAffineEntries } from './normalize';
import { pointsScratch } from './scratch';
import { bestWindow, positionsOf, recode } from './windows';

/** Products that a point and a bucket cost at each position. */
const perPoint: i32 = 7;
const perBucket: i32 = 18;

const sum: usize = pointsScratch;
const running: usize = pointsScratch + pointBytes;
const total: usize = pointsScratch + 2 * pointBytes;
/** Overlaps with what `normalize.ts` uses, which is done by then. */
const cached: usize = pointsScratch + 3 * pointBytes;

export function pippenger(out: usize, points: usize, scalars: usize, count: i32): void {
  const terms = <usize>count;
  const window = bestWindow(count, perPoint, perBucket);
  const positions = positionsOf(window);
  const products = allocateOrTrap(normalizeScratchBytes(count));
  const entries = allocateOrTrap(terms * affineBytes);
  const digits = allocateOrTrap(terms * <usize>positions * 2);
  const bucketCount = (<usize>1) << (<usize>(window - 1));
  const buckets = allocateOrTrap(bucketCount * pointBytes);
  const filled = allocateOrTrap(bucketCount);

  normalizePoints(points, count, products);
  toAffineEntries(entries, points, count);
  for (let i: usize = 0; i < terms; i++) recode(digits + 2 * i, 2 * terms, scalars + i * 32, window);

  pointSetIdentity(sum);
  for (let position = positions - 1; position >= 0; position--) {
    doubleTimes(sum, sum, window);
    fillBuckets(buckets, filled, bucketCount, entries, digits + <usize>position * 2 * terms, terms);
    if (!weightedSum(buckets, filled, bucketCount)) continue;
    toCached(cached, total);
    addCached(sum, sum, cached);
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
    const bucket = buckets + index * pointBytes;
    const entry = entries + i * affineBytes;
    if (load<u8>(filled + index)) {
      if (digit > 0) addAffine(bucket, bucket, entry);
      else subtractAffine(bucket, bucket, entry);
    } else {
      store<u8>(filled + index, 1);
      fromAffine(bucket, entry);
      if (digit < 0) pointNegate(bucket, bucket);
    }
  }
}

/** total = sum of (d + 1) * bucket[d]: running sums from the top. False if all are empty. */
function weightedSum(buckets: usize, filled: usize, bucketCount: usize): bool {
  let started = false;
  for (let index: isize = <isize>bucketCount - 1; index >= 0; index--) {
    const bucket = buckets + <usize>index * pointBytes;
    if (!started) {
      if (!load<u8>(filled + <usize>index)) continue;
      started = true;
      pointCopy(running, bucket);
      pointCopy(total, bucket);
      continue;
    }
    if (load<u8>(filled + <usize>index)) {
      toCached(cached, bucket);
      addCached(running, running, cached);
    }
    toCached(cached, running);
    addCached(total, total, cached);
  }
  return started;
}
