/** Decoding, encoding and adding of whole arrays. */
import { addCached, pointBytes, subtractCached, toCached } from './edwards';
import { decode, encode, encodedBytes } from './ristretto';
import { pointsScratch } from './scratch';

/** -1 if all `count` encodings are canonical; the points are then in `out`. Stops at the first that is not. */
export function decodeAll(out: usize, bytes: usize, count: i32): i32 {
  for (let i: usize = 0; i < <usize>count; i++) {
    if (!decode(out + i * pointBytes, bytes + i * encodedBytes)) return 0;
  }
  return -1;
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
