/**
 * What is measured of proofs, on any suite: ready-made tasks over inputs made once from a seed. `proofs.ts` prints them;
 * other benches take the same tasks, so that figures compare.
 */
import type { RandomSource } from '@conclave/ristretto';
import { hashTuple, hedgedScalar, uint32 } from '../src/hash/index.ts';
import type { Hedge } from '../src/hash/index.ts';
import {
  openSealed,
  proveSealing,
  sealSecrets,
  sealingEquations,
  verifySealing,
} from '../src/sealing/index.ts';
import type { SealingClaim, SealingTarget } from '../src/sealing/index.ts';
import { createEquationBatch, publicKeyOf, sign, signatureEquation } from '../src/signature/index.ts';
import type { PublicKey, SecretScalar } from '../src/signature/index.ts';
import type { Suite } from '../src/suite.ts';

const encoder = new TextEncoder();
const context = hashTuple('bench context');
const bodyHash = hashTuple('bench body');

export interface ProvenSealing extends SealingClaim {
  readonly proof: Uint8Array;
}

interface KeyPair {
  readonly secret: SecretScalar;
  readonly publicKey: PublicKey;
}

/** The same seed gives the same bytes, on every engine. */
export function seededRandom(suite: Suite, seed: string): RandomSource {
  const key = encoder.encode(seed);
  let counter = 0;
  return { bytes: (length) => suite.xof('bench random', [key, uint32(counter++)], length) };
}

function hedgeOf(suite: Suite, seed: string): Hedge {
  return { secret: encoder.encode(seed), random: seededRandom(suite, seed), context };
}

function keyPair(suite: Suite, seed: string): KeyPair {
  const secret = hedgedScalar(suite, 'bench key', hedgeOf(suite, seed), 0) as SecretScalar;
  return { secret, publicKey: publicKeyOf(suite, secret) };
}

/** Sealing, proving, verifying and opening of `nodes` nodes, each with `recipientsPerNode` recipients of their own. */
export function sealingTasks(
  suite: Suite,
  shape: { readonly nodes: number; readonly recipientsPerNode: number; readonly seed?: string },
) {
  const { nodes, recipientsPerNode, seed = 'bench' } = shape;
  const recipients = Array.from({ length: nodes }, (_, node) =>
    Array.from({ length: recipientsPerNode }, (_, t) => keyPair(suite, `${seed} ${node} ${t}`)),
  );
  const targets: SealingTarget[] = recipients.map((keys, node) => ({
    ...keyPair(suite, `${seed} ${node}`),
    recipients: keys.map((key) => key.publicKey),
  }));
  const hedge = hedgeOf(suite, seed);
  const seal = () => sealSecrets(suite, { targets, hedge });
  const { sealed, openings } = seal();
  const prove = () => proveSealing(suite, { context, bodyHash, targets, sealed, openings, hedge });
  const claim: ProvenSealing = {
    context,
    bodyHash,
    sealed,
    recipients: targets.map((target) => target.recipients),
    proof: prove(),
  };
  const random = seededRandom(suite, `${seed} verifier`);
  const { secret } = recipients[0]![0]!;
  return {
    claim,
    seal,
    prove,
    verify: () => check(verifySealing(suite, { ...claim, random }).ok),
    open: () => check(openSealed(suite, { sealed: sealed[0]!, recipient: 0, secret }).ok),
  };
}

/** Verifies all claims with one multi-scalar multiplication. */
export function verifyTogether(suite: Suite, claims: readonly ProvenSealing[]): () => void {
  const random = seededRandom(suite, 'bench verifier');
  return () => {
    const batch = createEquationBatch(suite);
    claims.forEach((claim, tag) => {
      const equations = sealingEquations(suite, claim);
      if (!equations.ok) throw new Error(equations.rule);
      batch.add(equations.value, tag);
    });
    check(batch.verify(random).ok);
  };
}

/** `count` signatures of messages, verified together: by one key, as in one epoch of a group, or each by another. */
export function signatureTasks(suite: Suite, shape: { readonly count: number; readonly keys: number }) {
  const pairs = Array.from({ length: shape.keys }, (_, i) => keyPair(suite, `signer ${i}`));
  const signOne = (index: number) => {
    const pair = pairs[index % pairs.length]!;
    const said = {
      purpose: 'message' as const,
      publicKey: pair.publicKey,
      context: hashTuple('bench message', uint32(index)),
    };
    const hedge = hedgeOf(suite, `message ${index}`);
    return { ...said, signature: sign(suite, { ...said, secret: pair.secret, hedge }) };
  };
  const signed = Array.from({ length: shape.count }, (_, index) => signOne(index));
  const random = seededRandom(suite, 'bench verifier');
  return {
    signed,
    sign: () => signOne(0),
    verify: () => {
      const batch = createEquationBatch(suite);
      signed.forEach((input, tag) => {
        const equation = signatureEquation(suite, input);
        if (equation === undefined) throw new Error('a malformed signature');
        batch.add([equation], tag);
      });
      check(batch.verify(random).ok);
    },
  };
}

/** A task that fails must not be measured. */
function check(ok: boolean): void {
  if (!ok) throw new Error('an honest proof was refused');
}
