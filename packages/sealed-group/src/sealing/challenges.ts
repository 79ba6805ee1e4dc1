/**
 * The order in which a sealing proof is said, shared by prover and verifier. Each challenge depends on all that stands
 * above it:
 *
 *   header, body hash, counts, Q, P, V, D ----------------------> rho   weight of digits
 *     fork "block b":  W_k ------------------------------------->  e     128 random subsets of the block's digits
 *                      z_k   (absorbed before anything follows [F10])
 *   forks in order, commitments of key and handle consistency --> c     Schnorr challenge
 *                                                                 gamma weight of repetitions
 */
import type { Scalar } from '@conclave/ristretto';
import { uint32 } from '../hash/label.ts';
import { Transcript } from '../hash/transcript.ts';
import type { Suite } from '../suite.ts';
import { blockNodes, digitCount, repetitions } from './parameters.ts';
import { concatenate, encodeResponses } from './sealing-proof.ts';
import type { SealingProof } from './sealing-proof.ts';
import type { SealingClaim } from './statement.ts';

export interface SealingChallenges {
  /** rho. */
  readonly digitWeight: Scalar;
  /** e: for every block 128 rows of one bit per digit (`ScalarField.subsetSums`' layout). */
  readonly subsets: readonly (readonly Uint8Array[])[];
  /** c. */
  readonly challenge: Scalar;
  /** gamma. */
  readonly repetitionWeight: Scalar;
}

/** Absorbs the claim. */
export function startSealingTranscript(suite: Suite, claim: SealingClaim): Transcript {
  const counts = [claim.sealed.length, ...claim.recipients.map((keys) => keys.length)];
  return Transcript.start(suite, 'sealing')
    .absorb('context', claim.context)
    .absorb('body hash', claim.bodyHash)
    .absorb('counts', concatenate(counts.map(uint32)))
    .absorb('keys', concatenate(claim.sealed.map((node) => node.publicKey)))
    .absorb('recipients', concatenate(claim.recipients.flat()))
    .absorb('commitments', concatenate(claim.sealed.map((node) => node.commitments)))
    .absorb('handles', concatenate(claim.sealed.flatMap((node) => node.handles)));
}

export function digitWeightOf(suite: Suite, transcript: Transcript): Scalar {
  return transcript.challengeScalar(suite.group.scalars, 'rho');
}

/** The fork of one block, after its masks: the next step is `absorbResponses`. */
export function startBlock(
  transcript: Transcript,
  block: { readonly index: number; readonly nodes: number; readonly masks: Uint8Array },
): { fork: Transcript; subsets: Uint8Array[] } {
  const fork = transcript.fork(`block ${block.index}`).absorb('masks', block.masks);
  const rowBytes = (block.nodes * digitCount) / 8;
  const bits = fork.challengeBytes('subsets', repetitions * rowBytes);
  const subsets = Array.from({ length: repetitions }, (_, k) =>
    bits.subarray(k * rowBytes, (k + 1) * rowBytes),
  );
  return { fork, subsets };
}

export function absorbResponses(fork: Transcript, responses: readonly number[]): void {
  fork.absorb('responses', encodeResponses(responses));
}

/** c and gamma, once all forks are joined. */
export function finalChallenges(
  suite: Suite,
  transcript: Transcript,
  commitments: { readonly key: Uint8Array; readonly handles: readonly Uint8Array[] },
): { challenge: Scalar; repetitionWeight: Scalar } {
  transcript.absorb('key commitments', commitments.key);
  transcript.absorb('handle commitments', concatenate(commitments.handles));
  return {
    challenge: transcript.challengeScalar(suite.group.scalars, 'c'),
    repetitionWeight: transcript.challengeScalar(suite.group.scalars, 'gamma'),
  };
}

/** How many nodes each block of a claim with `nodes` nodes has. */
export function blockSizes(nodes: number): number[] {
  return Array.from({ length: Math.ceil(nodes / blockNodes) }, (_, b) =>
    Math.min(blockNodes, nodes - b * blockNodes),
  );
}

/** All challenges, recomputed from a claim and its finished proof. */
export function deriveChallenges(suite: Suite, claim: SealingClaim, proof: SealingProof): SealingChallenges {
  const transcript = startSealingTranscript(suite, claim);
  const digitWeight = digitWeightOf(suite, transcript);
  const blocks = blockSizes(claim.sealed.length).map((nodes, index) => {
    const block = proof.blocks[index]!;
    const started = startBlock(transcript, { index, nodes, masks: block.masks });
    absorbResponses(started.fork, block.responses);
    return started;
  });
  for (const { fork } of blocks) transcript.absorbFork(fork);
  const final = finalChallenges(suite, transcript, {
    key: proof.key.commitments,
    handles: proof.handles.map((node) => node.commitments),
  });
  return { digitWeight, subsets: blocks.map((block) => block.subsets), ...final };
}
