export type { Equation } from './equation.ts';
export { createEquationBatch, equationsHold } from './equation-batch.ts';
export type { BatchVerdict, EquationBatch } from './equation-batch.ts';
export {
  claimedPublicKey,
  keyPoint,
  nextSecret,
  parseElement,
  parsePublicKey,
  parseSecret,
  publicKeyOf,
} from './keys.ts';
export type { PublicKey, SecretScalar } from './keys.ts';
export { sign, signatureBytes, signatureEquation } from './schnorr.ts';
export type { SignaturePurpose } from './schnorr.ts';
