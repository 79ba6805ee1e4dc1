/** Numbers that are the same for the same seed, so that a failing run can be had again. */

/** Uniform in [0, 1). Mulberry32: good enough to choose moments with, for nothing else. */
export function seededFraction(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** E2E_SEED, or a new one that the test prints when it fails. (The server refuses unknown CONCLAVE_ variables.) */
export function seedOfRun(): number {
  return Number(process.env['E2E_SEED'] ?? Date.now() % 1_000_000);
}
