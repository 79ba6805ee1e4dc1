/**
 * The verification of a frame's claims, as a task that may run elsewhere: in a worker, so that whoever takes a commit with hundreds of
 * recipients stays usable meanwhile. Claims are public octets; the verdict is believed, so it must come from one's own process.
 */
import type { Result } from '../result.ts';
import type { Claim } from './claims.ts';

/**
 * Accepts only if every claim holds; otherwise the rule that `verifyClaims` names. Rejects when `signal` fires, or when it cannot
 * verify: then nothing has changed, and nothing is believed.
 */
export type ProofVerifier = (claims: readonly Claim[], signal?: AbortSignal) => Promise<Result<void>>;
