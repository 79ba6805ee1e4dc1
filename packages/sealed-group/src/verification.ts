/** What a worker needs that verifies claims and nothing else: it loads sooner, and keeps less, than the whole package. */
export { claimCost, verifyClaims } from './commit/claims.ts';
export type {
  Claim,
  KeysClaim,
  SealingProofClaim,
  SignatureClaim,
  VerificationDeps,
} from './commit/claims.ts';
export type { Violation } from './result.ts';
export { rules } from './rules/index.ts';
export type { RuleId } from './rules/index.ts';
export { createSuite } from './suite.ts';
export type { Suite } from './suite.ts';
