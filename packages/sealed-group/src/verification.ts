/** What a worker needs, of a server or a client, and what reaches it: it loads sooner, and keeps less, than the whole package. */
export { packClaims, transferablesOf, unpackClaims } from './commit/claim-parcel.ts';
export type { ClaimParcel } from './commit/claim-parcel.ts';
export { claimCost, verifyClaims } from './commit/claims.ts';
export type {
  Claim,
  KeysClaim,
  SealingProofClaim,
  SignatureClaim,
  VerificationDeps,
} from './commit/claims.ts';
export { accept } from './result.ts';
export type { Result, Violation } from './result.ts';
export { rules } from './rules/index.ts';
export type { RuleId } from './rules/index.ts';
export { searchDigits } from './sealing/index.ts';
export type { DigitSearch, FoundDigits } from './sealing/index.ts';
export { createSuite } from './suite.ts';
export type { Suite } from './suite.ts';
