/**
 * A dishonest prover for one sealed node: any digits, any randomness in the handles, any answers. What it does not
 * deviate in, it does as the protocol says, against the transcript of a verifier with a given weakness.
 */
import type { Point, Scalar } from '@conclave/ristretto';
import { hedgedScalar } from '../../src/hash/hedge.ts';
import { placeValues } from '../../src/sealing/equations.ts';
import { repetitions, responseEnd, responseMin } from '../../src/sealing/parameters.ts';
import type { SealedSecret } from '../../src/sealing/sealed-secret.ts';
import { encodeSealingProof } from '../../src/sealing/sealing-proof.ts';
import type { SealingClaim } from '../../src/sealing/statement.ts';
import { keyPoint } from '../../src/signature/keys.ts';
import type { PublicKey, SecretScalar } from '../../src/signature/keys.ts';
import { bodyHash, context, hedgeOf, suite } from './fixture.ts';
import { weakTranscript } from './weak-verifier.ts';
import type { Weakness } from './weak-verifier.ts';

const { group } = suite;
const { scalars } = group;

export interface Forgery {
  readonly claim: SealingClaim;
  readonly proof: Uint8Array;
}

/** What the forger puts into V and D. */
export interface ForgedDigits {
  readonly digits: readonly Scalar[];
  readonly blindings: readonly Scalar[];
}

export function randomScalars(seed: string, count: number): Scalar[] {
  const hedge = hedgeOf(seed);
  return Array.from({ length: count }, (_, i) => hedgedScalar(suite, 'forger', hedge, i));
}

export function commit(value: Scalar, blinding: Scalar): Point {
  return group.add(suite.messageBaseTable.multiply(value), group.multiplyGenerator(blinding));
}

/** The secret that digits stand for. */
export function secretOf(digits: readonly Scalar[]): SecretScalar {
  return scalars.innerProduct(placeValues(suite), digits) as SecretScalar;
}

/** V of the digits, D of `handleBlindings` (the same r_j unless the forger deviates). */
export function sealForged(
  publicKey: PublicKey,
  recipients: readonly PublicKey[],
  { digits, blindings }: ForgedDigits,
  handlePoints: readonly (readonly Point[])[] = recipients.map((key) =>
    blindings.map((blinding) => group.multiply(keyPoint(suite, key), blinding)),
  ),
): SealedSecret {
  return {
    publicKey,
    commitments: group.encodePoints(digits.map((digit, j) => commit(digit, blindings[j]!))),
    handles: handlePoints.map((row) => group.encodePoints(row)),
  };
}

/** Openings of the masks, and how to answer once the subsets are known. */
export interface MaskStrategy {
  readonly sigmas: readonly Scalar[];
  readonly betas: readonly Scalar[];
  /** Replaces the masks commit(sigma, beta): for a forger who knows the subsets beforehand. */
  masks?(subsets: readonly Uint8Array[]): readonly Point[];
  /** z, given the subsets; `undefined` to start again. */
  respond(subsets: readonly Uint8Array[]): readonly number[] | undefined;
  /** z, once gamma is known: only where the verifier does not bind z. */
  respondLate?(subsets: readonly Uint8Array[], repetitionWeight: Scalar): readonly number[];
}

/** Answers honestly, with masks below `sigmaEnd` and responses below `responseEnd`: for digits with sums below 2^53. */
export function honestMasks(
  seed: string,
  digits: readonly number[],
  limits = { sigmaEnd: responseEnd, responseEnd },
): MaskStrategy {
  const { random } = hedgeOf(seed);
  const sigmas = Array.from({ length: repetitions }, () => {
    const view = new DataView(random.bytes(8).buffer);
    return Number(view.getBigUint64(0) % BigInt(limits.sigmaEnd));
  });
  return {
    sigmas: sigmas.map((sigma) => scalars.fromNumber(sigma)),
    betas: randomScalars(`${seed} beta`, repetitions),
    respond(subsets) {
      const responses = sigmas.map((sigma, k) =>
        digits.reduce((sum, digit, j) => sum + bit(subsets[k]!, j) * digit, sigma),
      );
      return responses.every((z) => z >= responseMin && z < limits.responseEnd) ? responses : undefined;
    },
  };
}

export function bit(row: Uint8Array, j: number): number {
  return (row[j >> 3]! >> (j & 7)) & 1;
}

/** The sum of the values whose bit is set. */
export function subsetSum(row: Uint8Array, values: readonly Scalar[]): Scalar {
  return values.reduce((sum, value, j) => (bit(row, j) ? scalars.add(sum, value) : sum), scalars.zero);
}

/**
 * A proof for one forged node.
 *
 * @param witness digits and blindings for all answers; `secret` and `handleBlindings` where the forger answers the key
 *   equations for another secret, or the handle equations with another randomness.
 * @param strategy a new one for every attempt.
 */
export function forgeProof(input: {
  readonly sealed: SealedSecret;
  readonly recipients: readonly PublicKey[];
  readonly witness: ForgedDigits & {
    readonly secret?: Scalar;
    readonly handleBlindings?: readonly Scalar[];
  };
  readonly strategy: (attempt: number) => MaskStrategy;
  readonly weakness: Weakness;
}): Forgery {
  const { sealed, recipients, witness, weakness } = input;
  const { digits, blindings } = witness;
  const claim: SealingClaim = { context, bodyHash, sealed: [sealed], recipients: [recipients] };
  for (let attempt = 0; attempt < 100; attempt++) {
    const strategy = input.strategy(attempt);
    const transcript = weakTranscript(claim, weakness);
    const committed = strategy.sigmas.map((sigma, k) => commit(sigma, strategy.betas[k]!));
    const maskPoints = strategy.masks?.(transcript.subsets(0, new Uint8Array(0)).subsets) ?? committed;
    const masks = group.encodePoints(maskPoints);
    const { fork, subsets } = transcript.subsets(0, masks);
    const early = strategy.respond(subsets);
    if (early === undefined) continue;
    transcript.join(fork, early);

    const [a, b, mu, nu] = randomScalars('forger nonces', 4) as [Scalar, Scalar, Scalar, Scalar];
    const keyCommitments = group.encodePoints([commit(a, b), group.multiplyGenerator(a)]);
    const handleCommitments = group.encodePoints([
      commit(mu, nu),
      ...recipients.map((key) => group.multiply(keyPoint(suite, key), nu)),
    ]);
    const { challenge, repetitionWeight } = transcript.final({
      key: keyCommitments,
      handles: [handleCommitments],
    });
    const answer = (start: Scalar, weights: readonly Scalar[], values: readonly Scalar[]) =>
      scalars.add(start, scalars.multiply(challenge, scalars.innerProduct(weights, values)));

    const places = placeValues(suite);
    const digitWeights = scalars.powers(transcript.digitWeight, digits.length);
    const repetitionWeights = scalars.powers(repetitionWeight, repetitions);
    const responses = strategy.respondLate?.(subsets, repetitionWeight) ?? early;
    const w = strategy.betas.map((beta, k) => scalars.add(beta, subsetSum(subsets[k]!, blindings)));
    const proof = encodeSealingProof({
      blocks: [{ masks, responses, blinding: scalars.innerProduct(repetitionWeights, w) }],
      key: {
        commitments: keyCommitments,
        secretResponse: answer(a, [scalars.one], [witness.secret ?? secretOf(digits)]),
        blindingResponse: answer(b, places, blindings),
      },
      handles: [
        {
          commitments: handleCommitments,
          digitResponse: answer(mu, digitWeights, digits),
          blindingResponse: answer(nu, digitWeights, witness.handleBlindings ?? blindings),
        },
      ],
    });
    return { claim, proof };
  }
  throw new Error('the forger had no luck');
}
