/**
 * A seeded hash of keys for the table of `key-index.ts`: MurmurHash3 over eight words. It scatters keys; it keeps nobody from
 * finding two that meet.
 */
import type { PublicKey } from '../signature/keys.ts';

/** 32 bits, unsigned. */
export function hashKey(key: PublicKey, seed: number): number {
  let hash = seed;
  for (let i = 0; i < 32; i += 4)
    hash = mixWord(hash, key[i]! | (key[i + 1]! << 8) | (key[i + 2]! << 16) | (key[i + 3]! << 24));
  return finishMix(hash);
}

/** The same for a key that stands in a buffer. */
export function hashKeyAt(page: DataView, start: number, seed: number): number {
  let hash = seed;
  for (let i = 0; i < 32; i += 4) hash = mixWord(hash, page.getInt32(start + i, true));
  return finishMix(hash);
}

function mixWord(hash: number, word: number): number {
  const scrambled = Math.imul(word, 0xcc9e2d51);
  const mixed = hash ^ Math.imul((scrambled << 15) | (scrambled >>> 17), 0x1b873593);
  return (Math.imul((mixed << 13) | (mixed >>> 19), 5) + 0xe6546b64) | 0;
}

function finishMix(hash: number): number {
  let mixed = hash;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}
