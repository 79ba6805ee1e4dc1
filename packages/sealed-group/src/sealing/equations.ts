/**
 * Verification of a sealing proof: its five groups of linear equations (design, section 4, step 3). What each group
 * prevents is shown by an attack in `test/sealing/`.
 *
 *   key-opening       za H + zb G = A1 + sum_i c^(i+1) sum_j 2^(16 j) V_ij     the digits' value is known: (s, R)
 *   key-secret        za G        = A2 + sum_i c^(i+1) Q_i                     and it is the secret of Q
 *   handle-opening    zm H + zr G = B0 + c sum_j rho^j V_j                     per node: (m, r) is known
 *   handle-recipient  zr P        = B  + c sum_j rho^j D_j                     per node and recipient: and r is that of D
 *   shortness         (sum_k gamma^k z_k) H + w G = sum_k gamma^k (W_k + sum_j e_kj V_j)     per block
 */
import type { Point, RandomSource, Scalar } from '@conclave/ristretto';
import { accept, violation } from '../result.ts';
import type { Result } from '../result.ts';
import type { RuleId } from '../rules/index.ts';
import { equationsHold } from '../signature/equation-batch.ts';
import type { Equation } from '../signature/equation.ts';
import type { Suite } from '../suite.ts';
import { digitBits } from '../suite.ts';
import { deriveChallenges } from './challenges.ts';
import type { SealingChallenges } from './challenges.ts';
import { blockNodes, digitCount, repetitions } from './parameters.ts';
import { parseSealingProof, responsesInBounds, sealingProofBytes } from './sealing-proof.ts';
import type { DecodedProof, HandleProof } from './sealing-proof.ts';
import { checkShape, decodeStatement } from './statement.ts';
import type { SealingClaim, StatementNode } from './statement.ts';

export type SealingEquationName =
  | 'key-opening'
  | 'key-secret'
  | 'handle-opening'
  | 'handle-recipient'
  | 'shortness';

export interface SealingEquation extends Equation {
  readonly name: SealingEquationName;
}

const ruleByEquation: Record<SealingEquationName, RuleId> = {
  'key-opening': 'sealing/key-consistency',
  'key-secret': 'sealing/key-consistency',
  'handle-opening': 'sealing/handle-consistency',
  'handle-recipient': 'sealing/handle-consistency',
  shortness: 'sealing/shortness',
};

/**
 * The equations that hold exactly when the proof is valid; everything else about it (shapes, encodings, bounds) is
 * checked here. Fold them into an `EquationBatch`.
 */
export function sealingEquations(
  suite: Suite,
  input: SealingClaim & { readonly proof: Uint8Array },
): Result<SealingEquation[]> {
  // What costs nothing, before thousands of points are decoded.
  const shape = checkShape(input);
  if (!shape.ok) return shape;
  const recipientCounts = input.recipients.map((keys) => keys.length);
  if (input.proof.length !== sealingProofBytes(recipientCounts)) return violation('sealing/proof-length');
  if (!responsesInBounds(input.proof, recipientCounts.length)) return violation('sealing/response-bounds');
  const statement = decodeStatement(suite, input);
  if (!statement.ok) return statement;
  if (input.sealed.length === 0) return accept([]);
  const proof = parseSealingProof(suite, input.proof, recipientCounts);
  if (!proof.ok) return proof;
  const challenges = deriveChallenges(suite, input, proof.value);
  return accept(equationsOf(suite, statement.value, proof.value, challenges));
}

/** Verifies one proof by itself, and names the rule that it breaks. */
export function verifySealing(
  suite: Suite,
  input: SealingClaim & { readonly proof: Uint8Array; readonly random: RandomSource },
): Result<undefined> {
  const equations = sealingEquations(suite, input);
  if (!equations.ok) return equations;
  if (equationsHold(suite, equations.value, input.random)) return accept(undefined);
  const wrong = equations.value.find((equation) => !equationsHold(suite, [equation], input.random));
  // The sum can only fail if one of them does.
  return violation(ruleByEquation[wrong?.name ?? 'shortness']);
}

/** All equations under given challenges, for at least one node. */
export function equationsOf(
  suite: Suite,
  nodes: readonly StatementNode[],
  proof: DecodedProof,
  challenges: SealingChallenges,
): SealingEquation[] {
  const { scalars } = suite.group;
  const weights = scalars.scale(scalars.powers(challenges.digitWeight, digitCount), challenges.challenge);
  return [
    ...keyEquations(suite, nodes, proof, challenges.challenge),
    ...nodes.flatMap((node, index) =>
      handleEquations(suite, node, proof.handles[index]!, {
        commitments: proof.handlePoints[index]!,
        weights,
      }),
    ),
    ...proof.blocks.map((_, block) => shortnessEquation(suite, nodes, { block, proof, challenges })),
  ];
}

function keyEquations(
  suite: Suite,
  nodes: readonly StatementNode[],
  proof: DecodedProof,
  challenge: Scalar,
): SealingEquation[] {
  const { scalars } = suite.group;
  const opening = createSum(suite, 'key-opening');
  const secret = createSum(suite, 'key-secret');
  opening.subtract(suite.messageBase, proof.key.secretResponse);
  opening.subtract(suite.group.generator, proof.key.blindingResponse);
  opening.add(proof.keyPoints[0]!, scalars.one);
  secret.subtract(suite.group.generator, proof.key.secretResponse);
  secret.add(proof.keyPoints[1]!, scalars.one);
  const places = placeValues(suite);
  const weights = scalars.powers(challenge, nodes.length + 1);
  nodes.forEach((node, i) => {
    const weight = weights[i + 1]!;
    opening.addAll(node.commitments, scalars.scale(places, weight));
    secret.add(node.key, weight);
  });
  return [opening.equation(), secret.equation()];
}

function handleEquations(
  suite: Suite,
  node: StatementNode,
  { digitResponse, blindingResponse }: HandleProof,
  { commitments, weights }: { readonly commitments: readonly Point[]; readonly weights: readonly Scalar[] },
): SealingEquation[] {
  const { scalars } = suite.group;
  const opening = createSum(suite, 'handle-opening');
  opening.subtract(suite.messageBase, digitResponse);
  opening.subtract(suite.group.generator, blindingResponse);
  opening.add(commitments[0]!, scalars.one);
  opening.addAll(node.commitments, weights);

  const perRecipient = node.recipients.map((recipient, t) => {
    const sum = createSum(suite, 'handle-recipient');
    sum.subtract(recipient, blindingResponse);
    sum.add(commitments[t + 1]!, scalars.one);
    sum.addAll(node.handles[t]!, weights);
    return sum.equation();
  });
  return [opening.equation(), ...perRecipient];
}

function shortnessEquation(
  suite: Suite,
  nodes: readonly StatementNode[],
  at: { readonly block: number; readonly proof: DecodedProof; readonly challenges: SealingChallenges },
): SealingEquation {
  const { scalars } = suite.group;
  const { responses, blinding } = at.proof.blocks[at.block]!;
  const digits = nodes
    .slice(at.block * blockNodes, (at.block + 1) * blockNodes)
    .flatMap((node) => node.commitments);
  const weights = scalars.powers(at.challenges.repetitionWeight, repetitions);
  const sum = createSum(suite, 'shortness');
  sum.subtract(
    suite.messageBase,
    scalars.innerProduct(
      weights,
      responses.map((z) => scalars.fromNumber(z)),
    ),
  );
  sum.subtract(suite.group.generator, blinding);
  sum.addAll(at.proof.maskPoints[at.block]!, weights);
  sum.addAll(digits, scalars.subsetSums(at.challenges.subsets[at.block]!, weights, digits.length));
  return sum.equation();
}

/** 2^(16 j). */
export function placeValues(suite: Suite): Scalar[] {
  return suite.group.scalars.powers(suite.group.scalars.fromNumber(2 ** digitBits), digitCount);
}

function createSum(suite: Suite, name: SealingEquationName) {
  const points: Point[] = [];
  const scalars: Scalar[] = [];
  const add = (point: Point, scalar: Scalar) => {
    points.push(point);
    scalars.push(scalar);
  };
  return {
    add,
    addAll: (more: readonly Point[], coefficients: readonly Scalar[]) =>
      more.forEach((point, i) => add(point, coefficients[i]!)),
    subtract: (point: Point, scalar: Scalar) => add(point, suite.group.scalars.negate(scalar)),
    equation: (): SealingEquation => ({ name, points, scalars }),
  };
}
