/**
 * Claims: what remains to be verified of a frame once rules and structure hold. All claims of a frame, and of many frames
 * of different groups, fold into one multi-scalar multiplication; only when it fails is the batch bisected to the frames,
 * and within a frame to the claim, so one bad frame costs the others little and nothing else.
 */
import type { RandomSource } from '@conclave/ristretto';
import type { Violation } from '../result.ts';
import { violation } from '../result.ts';
import type { RuleId } from '../rules/index.ts';
import type { Equation, PublicKey, SignaturePurpose } from '../signature/index.ts';
import { createEquationBatch, signatureEquation } from '../signature/index.ts';
import type { Suite } from '../suite.ts';

/** Equations that must hold, and the rule that is broken if they do not. */
export interface Claim {
  readonly rule: RuleId;
  readonly equations: readonly Equation[];
}

export interface VerificationDeps {
  readonly suite: Suite;
  /** For the verifier's weights: whoever predicts them can forge. */
  readonly random: RandomSource;
}

/** The claim that a signature is valid; undefined when it is malformed, which breaks the same rule. */
export function signatureClaim(
  suite: Suite,
  rule: RuleId,
  input: { purpose: SignaturePurpose; publicKey: PublicKey; context: Uint8Array; signature: Uint8Array },
): Claim | undefined {
  const equation = signatureEquation(suite, input);
  return equation === undefined ? undefined : { rule, equations: [equation] };
}

/** Verifies the claims of several frames at once. One answer per frame, in order: undefined if all its claims hold. */
export function verifyClaims(
  { suite, random }: VerificationDeps,
  frames: readonly (readonly Claim[])[],
): (Violation | undefined)[] {
  const batch = createEquationBatch(suite);
  frames.forEach((claims, index) =>
    batch.add(
      claims.flatMap(({ equations }) => equations),
      index,
    ),
  );
  const verdict = batch.verify(random);
  const failed = new Set(verdict.ok ? [] : verdict.failed);
  return frames.map((claims, index) =>
    failed.has(index) ? firstBroken({ suite, random }, claims) : undefined,
  );
}

/** Verifies the claims of one frame. */
export function verifyClaimsOfOne(deps: VerificationDeps, claims: readonly Claim[]): Violation | undefined {
  return verifyClaims(deps, [claims])[0];
}

function firstBroken({ suite, random }: VerificationDeps, claims: readonly Claim[]): Violation {
  const batch = createEquationBatch(suite);
  claims.forEach(({ equations }, index) => batch.add(equations, index));
  const verdict = batch.verify(random);
  const index = verdict.ok ? 0 : verdict.failed[0]!;
  return violation(claims[index]!.rule);
}
