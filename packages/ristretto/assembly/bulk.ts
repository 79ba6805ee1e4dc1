/** Decoding, encoding and adding of whole arrays. */
import { addCached, pointBytes, subtractCached, toCached } from './edwards';
import { rootPower } from './field-power';
import { fieldFromPair, pairFromFields } from './pair-bytes';
import { pairRootPower } from './pair-power';
import { decodePower, decodeWorkBytes, encode, encodedBytes, finishDecode, startDecode } from './ristretto';
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
  pairFromFields(pair, firstWork + decodePower, secondWork + decodePower);
  pairRootPower(pair, pair);
  fieldFromPair(firstWork + decodePower, pair, 0);
  fieldFromPair(secondWork + decodePower, pair, 8);
  return finishDecode(out, firstWork) & finishDecode(out + pointBytes, secondWork);
}

export function encodeAll(out: usize, points: usize, count: i32): void {
  for (let i: usize = 0; i < <usize>count; i++) encode(out + i * encodedBytes, points + i * pointBytes);
}

export function pointAdd(out: usize, p: usize, q: usize): void {
  toCached(pointsScratch, q);
  addCached(out, p, pointsScratch);
}

export function pointSubtract(out: usize, p: usize, q: usize): void {
  toCached(pointsScratch, q);
  subtractCached(out, p, pointsScratch);
}
