/** The fuzzer's own random numbers (sfc32, Chris Doty-Humphrey's PractRand): small, fast and the same for the same seed. */

export interface FuzzRandom {
  /** An integer from 0 up to, not including, `end`. */
  below(end: number): number;
  /** True once in `times` on average. */
  oneIn(times: number): boolean;
  /** An element of a list that is not empty. */
  pick<T>(items: readonly T[]): T;
}

export function createRandom(seed: number): FuzzRandom {
  let a = seed | 0;
  let b = 0x9e3779b9 | 0;
  let c = 0x243f6a88 | 0;
  let counter = 1;
  const next = (): number => {
    const sum = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (c << 21) | (c >>> 11);
    c = (c + sum) | 0;
    return sum >>> 0;
  };
  for (let round = 0; round < 15; round++) next();
  return {
    below: (end) => Math.floor((next() / 2 ** 32) * end),
    oneIn: (times) => next() % times === 0,
    pick: (items) => items[Math.floor((next() / 2 ** 32) * items.length)]!,
  };
}
