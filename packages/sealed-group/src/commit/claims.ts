/**
 * Claims: what remains to be verified of a frame once rules and structure hold, as octets that nobody has decoded yet. They
 * survive a structured clone, so whoever has the cores can verify them (docs/decisions/0007-proof-engine.md).
 *
 *   claim ──decode points, hash transcripts──▶ equations ──random weights──▶ one multi-scalar multiplication
 *
 * All claims of a frame, and of many frames of different groups, fold into one sum; only when it fails is the batch
 * bisected to the frames, and within a frame to the equation, so one bad frame costs the others little and nothing else.
 */
import type { RandomSource } from '@conclave/ristretto';
import type { Result, Violation } from '../result.ts';
import { accept, violation } from '../result.ts';
import type { RuleId } from '../rules/index.ts';
import type { SealingClaim, SealingEquationName } from '../sealing/index.ts';
import { sealingEquations } from '../sealing/index.ts';
import type { Equation, SignaturePurpose } from '../signature/index.ts';
import { createEquationBatch, parseElement, signatureEquation } from '../signature/index.ts';
import type { Suite } from '../suite.ts';

/** A signature by a node key. Malformed octets break the same rule as a false signature. */
export interface SignatureClaim {
  readonly kind: 'signature';
  readonly rule: RuleId;
  readonly purpose: SignaturePurpose;
  readonly publicKey: Uint8Array;
  readonly context: Uint8Array;
  readonly signature: Uint8Array;
}

/** Keys that must be points other than the identity [F7]. */
export interface KeysClaim {
  readonly kind: 'keys';
  readonly rule: RuleId;
  readonly keys: readonly Uint8Array[];
}

/** A sealing proof: the dear one, sixteen points for every recipient. */
export interface SealingProofClaim extends SealingClaim {
  readonly kind: 'sealing';
  readonly proof: Uint8Array;
}

export type Claim = SignatureClaim | KeysClaim | SealingProofClaim;

export interface VerificationDeps {
  readonly suite: Suite;
  /** For the verifier's weights: whoever predicts them can forge. */
  readonly random: RandomSource;
}

interface RuledEquation {
  readonly rule: RuleId;
  readonly equation: Equation;
}

const ruleBySealingEquation: Readonly<Record<SealingEquationName, RuleId>> = {
  'key-opening': 'sealing/key-consistency',
  'key-secret': 'sealing/key-consistency',
  'handle-opening': 'sealing/handle-consistency',
  'handle-recipient': 'sealing/handle-consistency',
  shortness: 'sealing/shortness',
};

/**
 * How many points verifying a claim decodes and multiplies: what it costs, near enough to weigh claims against each other.
 */
export function claimCost(claim: Claim): number {
  if (claim.kind === 'signature') return 2;
  if (claim.kind === 'keys') return claim.keys.length;
  const rows = claim.sealed.reduce((sum, { handles }) => sum + 1 + handles.length, 0);
  return rows * 16 + (claim.proof.length >> 5);
}

/** Verifies the claims of several frames at once. One answer per frame, in order: undefined if all its claims hold. */
export function verifyClaims(
  { suite, random }: VerificationDeps,
  frames: readonly (readonly Claim[])[],
): (Violation | undefined)[] {
  const batch = createEquationBatch(suite);
  const decoded = frames.map((claims) => equationsOf(suite, claims));
  decoded.forEach((frame, index) => {
    if (!frame.ok) return;
    batch.add(
      frame.value.map(({ equation }) => equation),
      index,
    );
  });
  const verdict = batch.verify(random);
  const failed = new Set(verdict.ok ? [] : verdict.failed);
  return decoded.map((frame, index) => {
    if (!frame.ok) return frame;
    return failed.has(index) ? firstBroken({ suite, random }, frame.value) : undefined;
  });
}

/** Verifies the claims of one frame. */
export function verifyClaimsOfOne(deps: VerificationDeps, claims: readonly Claim[]): Violation | undefined {
  return verifyClaims(deps, [claims])[0];
}

/** The equations of all claims, or the rule that the first undecodable one breaks. */
function equationsOf(suite: Suite, claims: readonly Claim[]): Result<RuledEquation[]> {
  const all: RuledEquation[] = [];
  for (const claim of claims) {
    const equations = equationsOfOne(suite, claim);
    if (!equations.ok) return equations;
    all.push(...equations.value);
  }
  return accept(all);
}

function equationsOfOne(suite: Suite, claim: Claim): Result<RuledEquation[]> {
  if (claim.kind === 'keys') {
    const arePoints = claim.keys.every((key) => parseElement(suite, key) !== undefined);
    return arePoints ? accept([]) : violation(claim.rule);
  }
  if (claim.kind === 'signature') {
    const equation = signatureEquation(suite, claim);
    return equation === undefined ? violation(claim.rule) : accept([{ rule: claim.rule, equation }]);
  }
  const equations = sealingEquations(suite, claim);
  if (!equations.ok) return equations;
  return accept(
    equations.value.map((equation) => ({ rule: ruleBySealingEquation[equation.name], equation })),
  );
}

function firstBroken({ suite, random }: VerificationDeps, equations: readonly RuledEquation[]): Violation {
  const batch = createEquationBatch(suite);
  equations.forEach(({ equation }, index) => batch.add([equation], index));
  const verdict = batch.verify(random);
  const index = verdict.ok ? 0 : verdict.failed[0]!;
  return violation(equations[index]!.rule);
}
