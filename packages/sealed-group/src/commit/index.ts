/** Commits, creates, leaves and message proofs: built by members, verified by everybody with the same code. */
export * from './budget.ts';
export { buildCommit, newEpochContext } from './build-commit.ts';
export type { BuildCommitInput, BuiltCommit, PayloadInput, RequestedOperation } from './build-commit.ts';
export { CommitSecrets } from './commit-secrets.ts';
export type { AddedLeafSecret } from './commit-secrets.ts';
export { buildCreate } from './build-create.ts';
export type { BuildCreateInput, BuiltCreate } from './build-create.ts';
export { claimCost, verifyClaims, verifyClaimsOfOne } from './claims.ts';
export type { Claim, KeysClaim, SealingProofClaim, SignatureClaim, VerificationDeps } from './claims.ts';
export type { ProofVerifier } from './proof-verifier.ts';
export * from './context.ts';
export type { CommitEffect, CreateEffect, LeaveEffect, Pending } from './effects.ts';
export { checkEligibility, eligibilityClaim, leafFrom, leafOfFrame } from './eligibility.ts';
export { checkClock, checkCommitEpoch, checkMessageEpoch, graceMs, maxClockSkewMs } from './freshness.ts';
export { advanceGroup, foundGroup, maxEpochKeys, noteLeave } from './public-group.ts';
export type { EpochKey, GroupHead, OutstandingLeave, PublicGroup } from './public-group.ts';
export { removalsDue } from './required-removals.ts';
export {
  checkSeals,
  clientVerification,
  sealingClaim,
  serverVerification,
  verifyCommit,
  verifyCommitInSteps,
} from './verify-commit.ts';
export type { VerifyCommitOptions } from './verify-commit.ts';
export { verifyCreate } from './verify-create.ts';
export { verifyLeave } from './verify-leave.ts';
export { checkMessageProof } from './verify-message.ts';
