/** Verifies claims for the delivery service, wherever that is done (docs/decisions/0007-proof-engine.md). */
import type { Claim, Violation } from '@conclave/sealed-group';

export interface ProofService {
  /**
   * Undefined if all claims hold, else the first that does not. `groupId` is for fairness between groups only. Rejects with
   * {@link ApiError} `CONCLAVE_OVERLOADED` and a retry time when too much waits already.
   */
  verify(groupId: string, claims: readonly Claim[]): Promise<Violation | undefined>;
}
