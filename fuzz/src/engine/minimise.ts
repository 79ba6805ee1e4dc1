/** Makes an input that breaks something small and plain, as long as it breaks in the same way. */
import { splice } from './encodings.ts';

const nothing = new Uint8Array(0);

/** `fails` says whether an input shows the same failure; it is asked at most `budget` times. */
export async function minimise(
  bytes: Uint8Array,
  fails: (bytes: Uint8Array) => boolean | Promise<boolean>,
  budget = 2_000,
): Promise<Uint8Array> {
  const state = { best: bytes, left: budget };
  const tryOut = async (candidate: Uint8Array): Promise<boolean> => {
    if (state.left-- <= 0 || !(await fails(candidate))) return false;
    state.best = candidate;
    return true;
  };
  for (let size = 2 ** Math.ceil(Math.log2(bytes.length + 1)); size >= 1 && state.left > 0; size /= 2) {
    for (let at = 0; at < state.best.length && state.left > 0;) {
      const count = Math.min(size, state.best.length - at);
      if (!(await tryOut(splice(state.best, at, count, nothing)))) at += count;
    }
  }
  for (let size = 64; size >= 1 && state.left > 0; size /= 4) {
    for (let at = 0; at < state.best.length && state.left > 0; at += size) {
      const part = state.best.subarray(at, at + size);
      if (part.some((byte) => byte !== 0)) await tryOut(state.best.slice().fill(0, at, at + size));
    }
  }
  return state.best;
}
