/**
 * Verifiers with one thing missing, put together from the parts of the real one: to show what each part is for. With no
 * weakness it is the real verifier, step by step (a test says so).
 */
import { equationsHold } from '../../src/signature/equation-batch.ts';
import {
  absorbResponses,
  blockSizes,
  digitWeightOf,
  finalChallenges,
  startBlock,
  startSealingTranscript,
} from '../../src/sealing/challenges.ts';
import type { SealingChallenges } from '../../src/sealing/challenges.ts';
import { equationsOf } from '../../src/sealing/equations.ts';
import type { SealingEquationName } from '../../src/sealing/equations.ts';
import { parseSealingProof, responsesInBounds } from '../../src/sealing/sealing-proof.ts';
import type { SealingProof } from '../../src/sealing/sealing-proof.ts';
import { decodeStatement } from '../../src/sealing/statement.ts';
import type { SealingClaim } from '../../src/sealing/statement.ts';
import { seededRandom, suite } from './fixture.ts';

export interface Weakness {
  /** Equations that are not checked. */
  readonly without?: readonly SealingEquationName[];
  /** z may be any 40-bit number. */
  readonly withoutBounds?: boolean;
  /** rho is 1: digits are added up instead of combined. */
  readonly withoutDigitWeights?: boolean;
  /** The subsets do not depend on the masks W. */
  readonly withoutBindingMasks?: boolean;
  /** c and gamma do not depend on z [F10]. */
  readonly withoutBindingResponses?: boolean;
  /** gamma is 1: repetitions are added up instead of combined. */
  readonly withoutRepetitionWeights?: boolean;
}

/** The transcript's steps as this verifier takes them; the forger follows the same. */
export function weakTranscript(claim: SealingClaim, weakness: Weakness) {
  const { one } = suite.group.scalars;
  const transcript = startSealingTranscript(suite, claim);
  const digitWeight = digitWeightOf(suite, transcript);
  return {
    digitWeight: weakness.withoutDigitWeights ? one : digitWeight,
    subsets(index: number, masks: Uint8Array) {
      const nodes = blockSizes(claim.sealed.length)[index]!;
      return startBlock(transcript, {
        index,
        nodes,
        masks: weakness.withoutBindingMasks ? new Uint8Array(0) : masks,
      });
    },
    join(fork: ReturnType<typeof startBlock>['fork'], responses: readonly number[]) {
      if (!weakness.withoutBindingResponses) absorbResponses(fork, responses);
      transcript.absorbFork(fork);
    },
    final(commitments: { readonly key: Uint8Array; readonly handles: readonly Uint8Array[] }) {
      const final = finalChallenges(suite, transcript, commitments);
      return weakness.withoutRepetitionWeights ? { ...final, repetitionWeight: one } : final;
    },
  };
}

function weakChallenges(claim: SealingClaim, proof: SealingProof, weakness: Weakness): SealingChallenges {
  const transcript = weakTranscript(claim, weakness);
  const blocks = proof.blocks.map((block, index) => ({ ...transcript.subsets(index, block.masks), block }));
  for (const { fork, block } of blocks) transcript.join(fork, block.responses);
  const final = transcript.final({
    key: proof.key.commitments,
    handles: proof.handles.map((node) => node.commitments),
  });
  return { digitWeight: transcript.digitWeight, subsets: blocks.map((block) => block.subsets), ...final };
}

export function weakVerifierAccepts(claim: SealingClaim, proof: Uint8Array, weakness: Weakness): boolean {
  const statement = decodeStatement(suite, claim);
  const parsed = parseSealingProof(
    suite,
    proof,
    claim.recipients.map((keys) => keys.length),
  );
  if (!statement.ok || !parsed.ok) return false;
  if (!weakness.withoutBounds && !responsesInBounds(proof, claim.recipients.length)) return false;
  const challenges = weakChallenges(claim, parsed.value, weakness);
  const equations = equationsOf(suite, statement.value, parsed.value, challenges).filter(
    ({ name }) => !weakness.without?.includes(name),
  );
  return equationsHold(suite, equations, seededRandom('weak verifier'));
}
