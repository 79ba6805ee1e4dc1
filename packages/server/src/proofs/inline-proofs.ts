/**
 * Verifies the claims of frames that arrive close together with one multi-scalar multiplication (claims.ts of the
 * protocol). A frame waits no longer than until the event loop has read the sockets that are ready now; a false frame is
 * found by bisection and costs the others little.
 */
import { verifyClaims } from '@conclave/sealed-group';
import type { Claim, VerificationDeps, Violation } from '@conclave/sealed-group';
import type { ProofService } from './proof-service.ts';

interface Waiting {
  readonly claims: readonly Claim[];
  readonly resolve: (verdict: Violation | undefined) => void;
  readonly reject: (error: unknown) => void;
}

export function createInlineProofs(
  deps: VerificationDeps,
  options: { readonly maxFrames: number; readonly onBatch?: (frames: number) => void },
): ProofService {
  let waiting: Waiting[] = [];

  const flush = (): void => {
    const batch = waiting.slice(0, options.maxFrames);
    waiting = waiting.slice(options.maxFrames);
    // What does not fit lets the event loop breathe first.
    if (waiting.length > 0) setImmediate(flush);
    options.onBatch?.(batch.length);
    try {
      const verdicts = verifyClaims(
        deps,
        batch.map(({ claims }) => claims),
      );
      batch.forEach(({ resolve }, index) => resolve(verdicts[index]));
    } catch (error) {
      for (const { reject } of batch) reject(error);
    }
  };

  return {
    verify: (_groupId, claims) =>
      new Promise((resolve, reject) => {
        waiting.push({ claims, resolve, reject });
        if (waiting.length === 1) setImmediate(flush);
      }),
  };
}
