/**
 * Where a client verifies claims: the cheap ones at once, because asking a worker costs as much, the dear ones in the worker, and in
 * place when the worker fails for whatever reason.
 */
import { accept, verifyClaimsOfOne, type ProofVerifier, type VerificationDeps } from '@conclave/sealed-group';
import { claimCost } from '@conclave/sealed-group/verification';
import { throwIfAborted } from '../errors/conclave-error.ts';

/**
 * In points (`claimCost`), what is left to the worker: on the kernel a verification of some six milliseconds, so that whoever has
 * groups of up to some hundreds and tidy trees never starts one; without it every sealing proof.
 */
const minWorkerPoints = { onKernel: 600, onReference: 100 };

export function createVerifierWithFallback(deps: VerificationDeps, worker: ProofVerifier): ProofVerifier {
  const minPoints = deps.suite.kernel === undefined ? minWorkerPoints.onReference : minWorkerPoints.onKernel;
  return async (claims, signal) => {
    const points = claims.reduce((sum, claim) => sum + claimCost(claim), 0);
    if (points >= minPoints) {
      try {
        return await worker(claims, signal);
      } catch {
        // Whatever was wrong with the worker, the claims can still be verified; if that is not wanted any more, this says so.
        throwIfAborted(signal);
      }
    }
    return verifyClaimsOfOne(deps, claims) ?? accept(undefined);
  };
}
