/** The claims of one frame while they wait for their verdict. */
import type { Claim } from '@conclave/sealed-group/verification';
import type { Verdict } from './proof-thread.ts';

export interface ProofJob {
  /** For fairness only. */
  readonly groupId: string;
  readonly claims: readonly Claim[];
  /** Points to decode and multiply (claimCost). */
  readonly cost: number;
  /** By `performance.now()`. */
  readonly putAtMs: number;
  /** Of the request that asks, if that is traced. */
  readonly traceParent: string | undefined;
  readonly resolve: (verdict: Verdict) => void;
  readonly reject: (error: Error) => void;
  /** Workers that died over it. */
  deaths: number;
}

/** The verification of these claims ended more than one worker: a bug, or a machine without memory. Nothing was decided about them. */
export class ProofsUnverifiableError extends Error {
  override readonly name = 'ProofsUnverifiableError';
  readonly code = 'PROOFS_UNVERIFIABLE';

  constructor(options?: ErrorOptions) {
    super('the verification of these proofs ended its worker, twice', options);
  }
}
