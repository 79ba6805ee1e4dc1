/**
 * Field constants as limbs (`field.ts`), each of one unit: those of RFC 9496, section 4.1, by the names it gives them, and the
 * curve's generator (RFC 8032, section 5.1). `constants.test.ts` checks every one against its definition.
 */

/** 0. */
export const zero: usize = memory.data<i32>([0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);

/** 1. */
export const one: usize = memory.data<i32>([1, 0, 0, 0, 0, 0, 0, 0, 0, 0]);

/** 2. */
export const two: usize = memory.data<i32>([2, 0, 0, 0, 0, 0, 0, 0, 0, 0]);

/** d = -121665/121666, the curve's constant. */
export const curveD: usize = memory.data<i32>([
  -212240202, 257584721, -260691235, 1350275, -24543225, 3980221, -103927011, -37392896, -3013779, 0,
]);

/** 2d. */
export const curveTwoD: usize = memory.data<i32>([
  112390489, -21701471, 15488443, 2700549, -49086450, 7960442, -207854022, -74785792, 2361050, 0,
]);

/** 1/d. */
export const curveInverseD: usize = memory.data<i32>([
  231340118, 252154806, -27980919, -72535931, -50962250, -259365155, -116609959, -96298310, -4157313, 0,
]);

/** SQRT_M1. */
export const sqrtMinusOne: usize = memory.data<i32>([
  168730800, 124836154, 200875569, 103812442, -42306828, 5021438, -64180940, -267782084, 2851621, 0,
]);

/** SQRT_AD_MINUS_ONE. */
export const sqrtAdMinusOne: usize = memory.data<i32>([
  159067675, -188762878, -32166048, -82044873, -48243974, -26961669, 45104372, -135958423, 3631410, 0,
]);

/** INVSQRT_A_MINUS_D. */
export const invSqrtAMinusD: usize = memory.data<i32>([
  6111485, 239594836, -262361178, -30658891, -41678381, -37159167, -225944822, 12187136, -496503, 0,
]);

/** ONE_MINUS_D_SQ. */
export const oneMinusDSquared: usize = memory.data<i32>([
  -195051146, -203403763, -141736967, 54686107, 234767048, -168894664, 56518227, -183085444, 168051, 0,
]);

/** D_MINUS_ONE_SQ. */
export const dMinusOneSquared: usize = memory.data<i32>([
  82660659, 225105234, 126248524, -57386656, -185680598, 160934222, 151335795, 257871236, -2529101, 0,
]);

/** The generator, extended coordinates: x positive, y = 4/5, z = 1, t = x * y. */
export const generatorPoint: usize = memory.data<i32>([
  254137626, 179399428, 157936818, -108084950, 231065235, -250020117, 268108436, -92688950, 2189623, 0,
  107374187, -214748365, -107374182, 214748365, 107374182, -214748365, -107374182, 214748365, -1677722, 0, 1,
  0, 0, 0, 0, 0, 0, 0, 0, 0, 95935926, 250893725, -195773093, 20906223, -29896177, 122106454, -107635799,
  33223023, -1603745, 0,
]);

/** The identity: (0 : 1 : 1 : 0). */
export const identityPoint: usize = memory.data<i32>([
  0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
  0, 0, 0, 0,
]);
