/** Decoding, encoding and adding of whole arrays. */
import { allocateOrTrap } from './arena';
import { addCached, pointBytes, subtractCached, toCached } from './edwards';
import { rootPower } from './field-power';
import { normalizePoints, normalizeScratchBytes } from './normalize';
import { fieldFromPair, pairFromFields } from './pair-bytes';
import { pairRootPower } from './pair-power';
import {
  decodePower,
  decodeWorkBytes,
  encode,
  encodedBytes,
  encodePower,
  finishDecode,
  finishEncode,
  startDecode,
  startEncode,
} from './ristretto';
import { pointsScratch } from './scratch';

const firstWork: usize = pointsScratch;
const secondWork: usize = pointsScratch + decodeWorkBytes;
/** 16 divides its address. */
const pair: usize = (pointsScratch + 2 * decodeWorkBytes + 15) & ~15;

/** -1 if all `count` encodings are canonical; the points are then in `out`. Stops at the first that is not. */
export function decodeAll(out: usize, bytes: usize, count: i32): i32 {
  let i: usize = 0;
  if (ASC_FEATURE_RELAXED_SIMD) {
    for (; i + 1 < <usize>count; i += 2) {
      if (!decodeTwo(out + i * pointBytes, bytes + i * encodedBytes)) return 0;
    }
  }
  for (; i < <usize>count; i++) {
    if (!decode(out + i * pointBytes, bytes + i * encodedBytes)) return 0;
  }
  return -1;
}

function decode(out: usize, bytes: usize): i32 {
  if (!startDecode(firstWork, bytes)) return 0;
  rootPower(firstWork + decodePower, firstWork + decodePower);
  return finishDecode(out, firstWork);
}

/** Two at once: they share the power. */
function decodeTwo(out: usize, bytes: usize): i32 {
  if (!startDecode(firstWork, bytes) || !startDecode(secondWork, bytes + encodedBytes)) return 0;
  twoRootPowers(firstWork + decodePower, secondWork + decodePower);
  return finishDecode(out, firstWork) & finishDecode(out + pointBytes, secondWork);
}

/**
 * `points` is overwritten. Pairs run in floating point, of which no processor promises constant time: what they are given depends
 * on the 32 bytes alone, not on Z or the representative. Without a partner, a point is encoded by `encode`.
 */
export function encodeAll(out: usize, points: usize, count: i32): void {
  let i: usize = 0;
  if (ASC_FEATURE_RELAXED_SIMD) {
    const paired = count & ~1;
    if (paired != 0) normalizePoints(points, paired, allocateOrTrap(normalizeScratchBytes(paired)));
    for (; i < <usize>paired; i += 2) encodeTwo(out + i * encodedBytes, points + i * pointBytes);
  }
  for (; i < <usize>count; i++) encode(out + i * encodedBytes, points + i * pointBytes);
}

/** Of points with Z = 1. */
function encodeTwo(out: usize, points: usize): void {
  startEncode(firstWork, points);
  startEncode(secondWork, points + pointBytes);
  twoRootPowers(firstWork + encodePower, secondWork + encodePower);
  finishEncode(out, firstWork);
  finishEncode(out + encodedBytes, secondWork);
}

/** Both to the power (p - 5) / 8, in place. */
function twoRootPowers(a: usize, b: usize): void {
  pairFromFields(pair, a, b);
  pairRootPower(pair, pair);
  fieldFromPair(a, pair, 0);
  fieldFromPair(b, pair, 8);
}

export function pointAdd(out: usize, p: usize, q: usize): void {
  toCached(pointsScratch, q);
  addCached(out, p, pointsScratch);
}

export function pointSubtract(out: usize, p: usize, q: usize): void {
  toCached(pointsScratch, q);
  subtractCached(out, p, pointsScratch);
}
