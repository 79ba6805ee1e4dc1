/** What the sealing tests share: seeded randomness, a suite, keys and honest sealings of any shape. */
import type { RandomSource } from '@conclave/ristretto';
import { hashTuple } from '../../src/hash/hash-tuple.ts';
import { hedgedScalar } from '../../src/hash/hedge.ts';
import type { Hedge } from '../../src/hash/hedge.ts';
import { uint32 } from '../../src/hash/label.ts';
import { proveSealing } from '../../src/sealing/prove.ts';
import { sealSecrets } from '../../src/sealing/seal.ts';
import type { SealedSecret, SealingOpenings, SealingTarget } from '../../src/sealing/sealed-secret.ts';
import { publicKeyOf } from '../../src/signature/keys.ts';
import type { PublicKey, SecretScalar } from '../../src/signature/keys.ts';
import { createSuite } from '../../src/suite.ts';
import type { Suite } from '../../src/suite.ts';

export const suite: Suite = createSuite();

/** Deterministic bytes: the same seed gives the same sequence. */
export function seededRandom(seed: string): RandomSource {
  const key = new TextEncoder().encode(seed);
  let counter = 0;
  return { bytes: (length) => suite.xof('test random', [key, uint32(counter++)], length) };
}

export function hedgeOf(seed: string): Hedge {
  const name = new TextEncoder().encode(seed);
  return { secret: name, random: seededRandom(seed), context: name };
}

export interface KeyPair {
  readonly secret: SecretScalar;
  readonly publicKey: PublicKey;
}

export function keyPair(seed: string): KeyPair {
  const secret = hedgedScalar(suite, 'test key', hedgeOf(seed), 0) as SecretScalar;
  return { secret, publicKey: publicKeyOf(suite, secret) };
}

export const context = hashTuple('test context');
export const bodyHash = hashTuple('test body');

export interface Sealing {
  readonly targets: readonly SealingTarget[];
  /** For each node the key pairs of its recipients. */
  readonly recipients: readonly (readonly KeyPair[])[];
  readonly sealed: readonly SealedSecret[];
  readonly openings: SealingOpenings;
  readonly proof: Uint8Array;
}

/** Honest targets: node i has `recipientCounts[i]` recipients. */
export function targetsOf(
  seed: string,
  recipientCounts: readonly number[],
): { targets: SealingTarget[]; recipients: KeyPair[][] } {
  const recipients = recipientCounts.map((count, node) =>
    Array.from({ length: count }, (_, t) => keyPair(`${seed} recipient ${node} ${t}`)),
  );
  const targets = recipients.map((keys, node) => ({
    ...keyPair(`${seed} node ${node}`),
    recipients: keys.map((key) => key.publicKey),
  }));
  return { targets, recipients };
}

/** An honest sealing and its proof. */
export function honestSealing(seed: string, recipientCounts: readonly number[]): Sealing {
  const { targets, recipients } = targetsOf(seed, recipientCounts);
  const { sealed, openings } = sealSecrets(suite, { targets, hedge: hedgeOf(`${seed} seal`) });
  const hedge = hedgeOf(`${seed} prove`);
  const proof = proveSealing(suite, { context, bodyHash, targets, sealed, openings, hedge });
  return { targets, recipients, sealed, openings, proof };
}

/** The verifier's view of a sealing. */
export function claimOf(sealing: Pick<Sealing, 'targets' | 'sealed'>) {
  return {
    context,
    bodyHash,
    sealed: sealing.sealed,
    recipients: sealing.targets.map((target) => target.recipients),
  };
}
