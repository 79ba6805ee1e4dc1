/**
 * The prover (design, section 4). Zero knowledge: responses are masked by uniform sigma and kept only inside [S, Z),
 * where they are uniform whatever the digits are; a block that falls outside starts again alone with fresh masks, which
 * says nothing about the secrets; w is masked by the beta.
 *
 * All randomness is hedged, and bound to the transcript so far: the same mask or nonce never meets two challenges, even
 * with a generator that repeats [F9].
 */
import type { Point, Scalar } from '@conclave/ristretto';
import { hashTuple } from '../hash/hash-tuple.ts';
import { hedgedBytes, hedgedScalar } from '../hash/hedge.ts';
import type { Hedge } from '../hash/hedge.ts';
import { uint32 } from '../hash/label.ts';
import type { Transcript } from '../hash/transcript.ts';
import { keyPoint } from '../signature/keys.ts';
import type { Suite } from '../suite.ts';
import {
  absorbResponses,
  blockSizes,
  digitWeightOf,
  finalChallenges,
  startBlock,
  startSealingTranscript,
} from './challenges.ts';
import { placeValues } from './equations.ts';
import { blockNodes, repetitions, responseEnd, responseMin } from './parameters.ts';
import type { SealedSecret, SealingOpenings, SealingTarget } from './sealed-secret.ts';
import { encodeSealingProof } from './sealing-proof.ts';
import type { HandleProof, KeyProof, ShortnessBlock } from './sealing-proof.ts';
import { digitScalarsOf, isBelow, shortScalar, toPublicNumber } from './short-scalar.ts';

/** sigma < Z < 2^34. */
const maskBits = 34;
/** Bytes drawn for one repetition: 64 for beta, then three candidates of 5 for sigma. */
const maskDrawBytes = 64 + 3 * 5;
/** An attempt succeeds with probability 0.6; this many failures in a row mean a bug, not bad luck. */
const maxAttempts = 1000;

/**
 * Proves that `sealed` holds the targets' secrets, openable by all their recipients. `openings` are those of
 * `sealSecrets`. Without targets the proof is empty. `context` is the encoded version, suite, origin, group id and epoch.
 */
export function proveSealing(
  suite: Suite,
  input: {
    readonly context: Uint8Array;
    readonly bodyHash: Uint8Array;
    readonly targets: readonly SealingTarget[];
    readonly sealed: readonly SealedSecret[];
    readonly openings: SealingOpenings;
    readonly hedge: Hedge;
  },
): Uint8Array {
  const { targets, sealed, openings } = input;
  if (targets.length !== sealed.length) throw new RangeError('one sealed secret per target');
  if (targets.length === 0) return new Uint8Array(0);
  const transcript = startSealingTranscript(suite, {
    context: input.context,
    bodyHash: input.bodyHash,
    sealed,
    recipients: targets.map((target) => target.recipients),
  });
  const hedge: Hedge = {
    secret: hashTuple('sealing proof secret', input.hedge.secret, ...targets.map((target) => target.secret)),
    random: input.hedge.random,
    context: input.hedge.context,
  };
  const witness: Witness = {
    targets,
    digits: targets.map(
      ({ secret, digits }) =>
        digits?.map((digit) => suite.group.scalars.fromNumber(digit)) ?? digitScalarsOf(suite, secret),
    ),
    blindings: targets.map((_, node) => openings.ofNode(node)),
  };

  const digitWeight = digitWeightOf(suite, transcript);
  const blocks = blockSizes(targets.length).map((nodes, index) => {
    const first = index * blockNodes;
    return proveBlock(suite, transcript, {
      index,
      nodes,
      digits: witness.digits.slice(first, first + nodes).flat(),
      hedge,
    });
  });
  for (const block of blocks) transcript.absorbFork(block.fork);

  const nonces = drawNonces(suite, targets.length, boundTo(hedge, 'sealing nonces', transcript));
  const keyCommitments = commitToKeys(suite, nonces);
  const handleCommitments = targets.map((target, node) =>
    commitToHandles(suite, target, nonces.nodes[node]!),
  );
  const { challenge, repetitionWeight } = finalChallenges(suite, transcript, {
    key: keyCommitments,
    handles: handleCommitments,
  });

  const key = answerKeys(suite, witness, { commitments: keyCommitments, nonces, challenge });
  const handles = handleCommitments.map((commitments, node) =>
    answerHandles(suite, witness, { node, commitments, nonces, challenge, digitWeight }),
  );
  return encodeSealingProof({
    blocks: blocks.map((block, index) => closeBlock(suite, block, { index, witness, repetitionWeight })),
    key,
    handles,
  });
}

interface Witness {
  readonly targets: readonly SealingTarget[];
  readonly digits: readonly (readonly Scalar[])[];
  readonly blindings: readonly (readonly Scalar[])[];
}

interface OpenBlock {
  readonly fork: Transcript;
  readonly masks: Uint8Array;
  readonly subsets: readonly Uint8Array[];
  readonly responses: readonly number[];
  /** beta. */
  readonly maskBlindings: readonly Scalar[];
}

/** A hedge whose values differ wherever the transcript does. */
function boundTo(hedge: Hedge, purpose: string, transcript: Transcript): Hedge {
  return { ...hedge, context: hashTuple(purpose, hedge.context, transcript.binding()) };
}

/** Steps 1 to 3 of a block: masks, subsets, responses inside the bounds. */
function proveBlock(
  suite: Suite,
  transcript: Transcript,
  block: {
    readonly index: number;
    readonly nodes: number;
    readonly digits: readonly Scalar[];
    readonly hedge: Hedge;
  },
): OpenBlock {
  const bound = boundTo(block.hedge, 'sealing masks', transcript);
  const hedge: Hedge = { ...bound, context: hashTuple('sealing block', bound.context, uint32(block.index)) };
  for (let attempt = 0; attempt < maxAttempts; attempt++) {
    const drawn = drawMasks(suite, hedge, attempt);
    if (drawn === undefined) continue;
    const masks = suite.group.encodePoints(
      drawn.map(({ sigma, beta }) => commit(suite, sigma, beta, maskBits)),
    );
    const { fork, subsets } = startBlock(transcript, { index: block.index, nodes: block.nodes, masks });
    const sums = suite.group.scalars.subsetSums(
      transposed(subsets, block.digits.length),
      block.digits,
      repetitions,
    );
    const answers = drawn.map(({ sigma }, k) => suite.group.scalars.add(sigma, sums[k]!));
    if (!allInBounds(answers)) continue;
    const responses = answers.map(toPublicNumber);
    absorbResponses(fork, responses);
    return { fork, masks, subsets, responses, maskBlindings: drawn.map(({ beta }) => beta) };
  }
  throw new Error('rejection sampling does not end');
}

/**
 * Every z in [S, Z). All are looked at before anything is said: that one is outside depends on no secret, but how many are, and on
 * which side, would say something about those that nobody sees.
 */
function allInBounds(answers: readonly Scalar[]): boolean {
  let inside = -1;
  for (const z of answers) inside &= isBelow(z, responseEnd) & ~isBelow(z, responseMin);
  return inside !== 0;
}

/** The subsets by digit instead of by repetition: bit k of row j is bit j of row k. */
function transposed(subsets: readonly Uint8Array[], digits: number): Uint8Array[] {
  const rows = Array.from({ length: digits }, () => new Uint8Array(repetitions / 8));
  subsets.forEach((subset, k) => {
    rows.forEach((row, j) => (row[k >> 3]! |= ((subset[j >> 3]! >> (j & 7)) & 1) << (k & 7)));
  });
  return rows;
}

interface Mask {
  readonly sigma: Scalar;
  readonly beta: Scalar;
}

/** sigma uniform in [0, Z) and beta uniform, 128 of each; `undefined` in the rare case that all candidates are too large. */
function drawMasks(suite: Suite, hedge: Hedge, attempt: number): Mask[] | undefined {
  const bytes = hedgedBytes(suite, 'sealing masks', hedge, attempt, repetitions * maskDrawBytes);
  const masks: Mask[] = [];
  for (let k = 0; k < repetitions; k++) {
    const drawn = bytes.subarray(k * maskDrawBytes, (k + 1) * maskDrawBytes);
    const sigma = uniformMask(drawn.subarray(64));
    if (sigma === undefined) return undefined;
    masks.push({
      sigma: shortScalar(suite, sigma),
      beta: suite.group.scalars.fromWideBytes(drawn.subarray(0, 64)),
    });
  }
  return masks;
}

/**
 * The first 34-bit candidate below Z, 5 octets. Z is just below 2^34, so one candidate fails with probability 2^-16; which ones
 * do says nothing about the one that is taken.
 */
function uniformMask(candidates: Uint8Array): Uint8Array | undefined {
  for (let offset = 0; offset < candidates.length; offset += 5) {
    const candidate = candidates.slice(offset, offset + 5);
    candidate[4]! &= 3;
    if (isBelow(candidate, responseEnd) !== 0) return candidate;
  }
  return undefined;
}

/** w = sum_k gamma^k (beta_k + sum_j e_kj r_j). */
function closeBlock(
  suite: Suite,
  block: OpenBlock,
  at: { readonly index: number; readonly witness: Witness; readonly repetitionWeight: Scalar },
): ShortnessBlock {
  const { scalars } = suite.group;
  const first = at.index * blockNodes;
  const blindings = at.witness.blindings.slice(first, first + blockNodes).flat();
  const weights = scalars.powers(at.repetitionWeight, repetitions);
  const digitWeights = scalars.subsetSums(block.subsets, weights, blindings.length);
  return {
    masks: block.masks,
    responses: block.responses,
    blinding: scalars.add(
      scalars.innerProduct(weights, block.maskBlindings),
      scalars.innerProduct(digitWeights, blindings),
    ),
  };
}

interface NoncePair {
  /** For the value on H: a, mu. */
  readonly value: Scalar;
  /** For the blinding on G: b, nu. */
  readonly blinding: Scalar;
}

interface Nonces {
  readonly key: NoncePair;
  readonly nodes: readonly NoncePair[];
}

function drawNonces(suite: Suite, nodes: number, hedge: Hedge): Nonces {
  const draw = (index: number) => hedgedScalar(suite, 'sealing nonce', hedge, index);
  const pair = (index: number): NoncePair => ({ value: draw(2 * index), blinding: draw(2 * index + 1) });
  return { key: pair(0), nodes: Array.from({ length: nodes }, (_, node) => pair(node + 1)) };
}

function commitToKeys(suite: Suite, { key }: Nonces): Uint8Array {
  return suite.group.encodePoints([
    commit(suite, key.value, key.blinding),
    suite.group.multiplyGenerator(key.value),
  ]);
}

function commitToHandles(suite: Suite, target: SealingTarget, nonce: NoncePair): Uint8Array {
  return suite.group.encodePoints([
    commit(suite, nonce.value, nonce.blinding),
    ...target.recipients.map((key) => suite.group.multiply(keyPoint(suite, key), nonce.blinding)),
  ]);
}

function answerKeys(
  suite: Suite,
  witness: Witness,
  said: { readonly commitments: Uint8Array; readonly nonces: Nonces; readonly challenge: Scalar },
): KeyProof {
  const { scalars } = suite.group;
  const places = placeValues(suite);
  const weights = scalars.powers(said.challenge, witness.targets.length + 1).slice(1);
  const secrets = witness.targets.map((target) => target.secret);
  const blindings = witness.blindings.map((ofNode) => scalars.innerProduct(places, ofNode));
  return {
    commitments: said.commitments,
    secretResponse: scalars.add(said.nonces.key.value, scalars.innerProduct(weights, secrets)),
    blindingResponse: scalars.add(said.nonces.key.blinding, scalars.innerProduct(weights, blindings)),
  };
}

function answerHandles(
  suite: Suite,
  witness: Witness,
  said: {
    readonly node: number;
    readonly commitments: Uint8Array;
    readonly nonces: Nonces;
    readonly challenge: Scalar;
    readonly digitWeight: Scalar;
  },
): HandleProof {
  const { scalars } = suite.group;
  const digits = witness.digits[said.node]!;
  const weights = scalars.powers(said.digitWeight, digits.length);
  const nonce = said.nonces.nodes[said.node]!;
  const answer = (start: Scalar, values: readonly Scalar[]) =>
    scalars.add(start, scalars.multiply(said.challenge, scalars.innerProduct(weights, values)));
  return {
    commitments: said.commitments,
    digitResponse: answer(nonce.value, digits),
    blindingResponse: answer(nonce.blinding, witness.blindings[said.node]!),
  };
}

/** value * H + blinding * G; `bits` is a public bound on the value. */
function commit(suite: Suite, value: Scalar, blinding: Scalar, bits?: number): Point {
  return suite.group.add(
    suite.messageBaseTable.multiply(value, bits),
    suite.group.multiplyGenerator(blinding),
  );
}
