/**
 * The kernel with relaxed SIMD: the same exports, sums, decoding and encoding on pairs (`pair-field.ts`). Its one instruction beyond
 * plain SIMD, `relaxed_madd`, may round once or twice, as the processor likes, and pairs need it to round once: `isExact` says
 * whether it does here. The choice is the same as long as the program runs (WebAssembly, "relaxed operations").
 */
export * from './index';
export { fieldFromPair, pairFromFields } from './pair-bytes';
export { pairCarry, pairDifferenceAndSum, pairMultiply, pairSquareTimes } from './pair-field';
export { pairRootPower } from './pair-power';
export { normalizePoints } from './normalize';
export { encodePower, startEncode } from './ristretto';

/** 2^51 + 1, and minus its square rounded to 53 bits, 2^102 + 2^52: twice each. */
const sample: usize = memory.data<f64>([
  2251799813685249.0, 2251799813685249.0, -5070602400912922109586440192000.0,
  -5070602400912922109586440192000.0,
]);

/** -1 if a multiplication and addition round once; else 0. */
export function isExact(): i32 {
  const a = v128.load(sample);
  const rest = f64x2.relaxed_madd(a, a, v128.load(sample, 16));
  return f64x2.extract_lane(rest, 0) == 1.0 && f64x2.extract_lane(rest, 1) == 1.0 ? -1 : 0;
}
