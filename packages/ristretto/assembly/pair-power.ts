/**
 * The power of `field-power.ts` that decoding and encoding spend their time on, of two elements at once. The exponent is fixed, so
 * the sequence of operations is the same for every input; how long one in floating point takes is the processor's: public data only.
 */
import { pairBytes, pairCopy, pairMultiply, pairSquareTimes } from './pair-field';
import { pairScratch } from './scratch';

const t0: usize = pairScratch + 48;
const t1: usize = t0 + pairBytes;
const t2: usize = t0 + 2 * pairBytes;
const base: usize = t0 + 3 * pairBytes;

/** a^((p - 5) / 8) = a^(2^252 - 3) of both, by the addition chain of `powerOfOnes`. One unit; `out` may be `a`. */
export function pairRootPower(out: usize, a: usize): void {
  pairCopy(base, a);
  pairSquareTimes(t0, base, 1); // 2
  pairSquareTimes(t1, t0, 2); // 8
  pairMultiply(t1, base, t1); // 9
  pairMultiply(t0, t0, t1); // 11
  pairSquareTimes(t0, t0, 1); // 22
  pairMultiply(t1, t0, t1); // 31 = 2^5 - 1
  pairSquareTimes(t0, t1, 5);
  pairMultiply(t1, t0, t1); // 2^10 - 1
  pairSquareTimes(t0, t1, 10);
  pairMultiply(t0, t0, t1); // 2^20 - 1
  pairSquareTimes(t2, t0, 20);
  pairMultiply(t0, t2, t0); // 2^40 - 1
  pairSquareTimes(t0, t0, 10);
  pairMultiply(t1, t0, t1); // 2^50 - 1
  pairSquareTimes(t0, t1, 50);
  pairMultiply(t0, t0, t1); // 2^100 - 1
  pairSquareTimes(t2, t0, 100);
  pairMultiply(t0, t2, t0); // 2^200 - 1
  pairSquareTimes(t0, t0, 50);
  pairMultiply(t1, t0, t1); // 2^250 - 1
  pairSquareTimes(t1, t1, 2);
  pairMultiply(out, base, t1);
}
