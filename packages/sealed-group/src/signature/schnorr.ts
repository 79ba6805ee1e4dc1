/**
 * Schnorr signatures by node keys, domain-separated by purpose.
 *
 *   R = k * G,  c = challenge(purpose, context, publicKey, R),  z = k + c * x;  the signature is R || z, 64 bytes
 *   verification:  R + c * publicKey - z * G = 0
 *
 * Rejected: a non-canonical R, the identity as R [F7], z >= l. Nonces are hedged and bound to all that is signed [F9].
 */
import type { Scalar } from '@conclave/ristretto';
import { hashTuple } from '../hash/hash-tuple.ts';
import { hedgedScalar } from '../hash/hedge.ts';
import type { Hedge } from '../hash/hedge.ts';
import { nameBytes } from '../hash/label.ts';
import { Transcript } from '../hash/transcript.ts';
import { pointBytes, scalarBytes } from '../suite.ts';
import type { Suite } from '../suite.ts';
import type { Equation } from './equation.ts';
import { parseElement } from './keys.ts';
import type { PublicKey, SecretScalar } from './keys.ts';

export const signatureBytes = pointBytes + scalarBytes;

/** What a signature says, one purpose for each statement. A signature for one purpose verifies for no other. */
export const signaturePurposes = [
  'commit-old',
  'commit-new',
  'possession',
  'create-possession',
  'identity',
  'message',
  'leaf-message',
  'leave',
  'read',
  'blob',
] as const;
export type SignaturePurpose = (typeof signaturePurposes)[number];

export function sign(
  suite: Suite,
  input: {
    readonly purpose: SignaturePurpose;
    readonly secret: SecretScalar;
    readonly publicKey: PublicKey;
    /** What is signed, usually a hash. */
    readonly context: Uint8Array;
    readonly hedge: Hedge;
  },
): Uint8Array {
  const { group } = suite;
  const { purpose, secret, publicKey, context, hedge } = input;
  const nonce = hedgedScalar(
    suite,
    'signature nonce',
    {
      secret: hashTuple('signature nonce secret', secret, hedge.secret),
      random: hedge.random,
      context: hashTuple('signature nonce context', nameBytes(purpose), publicKey, context, hedge.context),
    },
    0,
  );
  const commitment = group.encodePoint(group.multiplyGenerator(nonce));
  const challenge = signatureChallenge(suite, { purpose, publicKey, context, commitment });
  const response = group.scalars.add(nonce, group.scalars.multiply(challenge, secret));
  const signature = new Uint8Array(signatureBytes);
  signature.set(commitment);
  signature.set(response, pointBytes);
  return signature;
}

/** The equation that holds exactly for a valid signature; `undefined` for malformed bytes. */
export function signatureEquation(
  suite: Suite,
  input: {
    readonly purpose: SignaturePurpose;
    readonly publicKey: Uint8Array;
    readonly context: Uint8Array;
    readonly signature: Uint8Array;
  },
): Equation | undefined {
  const { purpose, publicKey, context, signature } = input;
  const { scalars, generator } = suite.group;
  if (signature.length !== signatureBytes) return undefined;
  const commitmentBytes = signature.subarray(0, pointBytes);
  const commitment = parseElement(suite, commitmentBytes);
  const response = scalars.fromBytes(signature.subarray(pointBytes));
  const key = parseElement(suite, publicKey);
  if (commitment === undefined || response === undefined || key === undefined) return undefined;
  const challenge = signatureChallenge(suite, { purpose, publicKey, context, commitment: commitmentBytes });
  return {
    points: [generator, commitment, key],
    scalars: [scalars.negate(response), scalars.one, challenge],
  };
}

function signatureChallenge(
  suite: Suite,
  said: {
    readonly purpose: SignaturePurpose;
    readonly publicKey: Uint8Array;
    readonly context: Uint8Array;
    readonly commitment: Uint8Array;
  },
): Scalar {
  return Transcript.start(suite, 'signature')
    .absorb('purpose', nameBytes(said.purpose))
    .absorb('context', said.context)
    .absorb('public key', said.publicKey)
    .absorb('commitment', said.commitment)
    .challengeScalar(suite.group.scalars, 'c');
}
