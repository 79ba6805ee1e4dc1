/**
 * The kernel's exports. Everything is an address in linear memory, an `i32` count or a mask (-1 yes, 0 no). The caller
 * (`src/wasm/`) calls `begin`, allocates, copies its arguments in, calls one operation, copies the result out, and
 * calls `wipe` if a secret took part. Points are 160 bytes (`edwards.ts`), scalars and encodings 32.
 */
export { allocate, begin, keep, wipe } from './arena';
export { generatorPoint, identityPoint } from './constants';
export { addCached, pointDouble, pointNegate, toCached } from './edwards';
export { decodeAll, encodeAll, pointAdd, pointSubtract } from './bulk';
export { fromUniformBytes, pointIsIdentity, pointsEqual } from './ristretto';
export {
  isBelowOrder,
  reduceWide,
  scalarAccumulate,
  scalarAdd,
  scalarInnerProduct,
  scalarInvert,
  scalarMultiply,
  scalarPowers,
  scalarScale,
  scalarSubtract,
  subsetSums,
} from './scalar';
export { buildFixedTable, fixedTableBytes, multiplyFixed, multiplySecret } from './secret-multiply';
export { callArea } from './scratch';
export { cshakeStart, cshakeXof } from './keccak';
export { multiScalarMultiply } from './multi-scalar';
export { buildDigitTable, digitTableBytes, findDigits } from './digit-table';
export { buildSmallLogTable, clearTorsion, lookUpAll, smallLogTableBytes, walk } from './small-log';
// For the tests and measurements of the field itself.
export { fieldMultiply, fieldSquareTimes } from './field';
export { fieldInvert, sqrtRatio } from './field-power';
export { fieldFromBytes, fieldToBytes } from './field-bytes';
