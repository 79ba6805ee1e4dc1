/**
 * What each part of the sealing proof is for: a forgery that a verifier without it accepts, and the real one refuses.
 * Every attack is carried out: a malicious proof is built, and what it does to the recipients is shown.
 */
import type { Point, Scalar } from '@conclave/ristretto';
import { describe, expect, it } from 'vitest';
import { verifySealing } from '../../src/sealing/equations.ts';
import { beginSearch, openSealed } from '../../src/sealing/open.ts';
import {
  digitBound,
  digitCount,
  repetitions,
  responseEnd,
  responseMin,
} from '../../src/sealing/parameters.ts';
import { sealSecrets } from '../../src/sealing/seal.ts';
import { digitsOf } from '../../src/sealing/sealed-secret.ts';
import { searchDigits } from '../../src/sealing/slow-search.ts';
import type { RuleId } from '../../src/rules/index.ts';
import { equationsHold } from '../../src/signature/equation-batch.ts';
import { keyPoint, publicKeyOf } from '../../src/signature/keys.ts';
import type { PublicKey, SecretScalar } from '../../src/signature/keys.ts';
import { sign, signatureEquation } from '../../src/signature/schnorr.ts';
import { claimOf, hedgeOf, honestSealing, keyPair, seededRandom, suite } from './fixture.ts';
import {
  bit,
  commit,
  forgeProof,
  honestMasks,
  randomScalars,
  sealForged,
  secretOf,
  subsetSum,
} from './forger.ts';
import type { Forgery, MaskStrategy } from './forger.ts';
import { shortSolution } from './lattice.ts';
import { weakVerifierAccepts } from './weak-verifier.ts';
import type { Weakness } from './weak-verifier.ts';

const { group } = suite;
const { scalars } = group;

const alice = keyPair('alice');
const bob = keyPair('bob');
const recipients = [alice.publicKey, bob.publicKey];
const blindings = randomScalars('forger blindings', digitCount);

/** What the verifier with the weakness says, and the rule by which the real one refuses. */
function verdicts(
  forgery: Forgery,
  weakness: Weakness,
): { weak: 'accepts' | 'refuses'; real: RuleId | 'accepts' } {
  const weak = weakVerifierAccepts(forgery.claim, forgery.proof, weakness);
  const random = seededRandom('verifier');
  const real = verifySealing(suite, { ...forgery.claim, proof: forgery.proof, random });
  return { weak: weak ? 'accepts' : 'refuses', real: real.ok ? 'accepts' : real.rule };
}

function openedBy(key: { readonly secret: SecretScalar }, recipient: number, { claim }: Forgery) {
  return openSealed(suite, { sealed: claim.sealed[0]!, recipient, secret: key.secret });
}

const toScalars = (numbers: readonly number[]) => numbers.map((number) => scalars.fromNumber(number));

describe('the weak verifier without any weakness', () => {
  it('accepts honest proofs and refuses altered ones, as the real one', () => {
    const { proof, ...sealing } = honestSealing('control', [2, 3]);
    expect(weakVerifierAccepts(claimOf(sealing), proof, {})).toBe(true);
    const altered = proof.slice();
    altered[altered.length - 32]! ^= 1;
    expect(weakVerifierAccepts(claimOf(sealing), altered, {})).toBe(false);
  });

  it('accepts a forger that does nothing forbidden', () => {
    const honest = keyPair('nothing forbidden');
    const digits = digitsOf(honest.secret);
    const witness = { digits: toScalars(digits), blindings };
    const sealed = sealForged(honest.publicKey, recipients, witness);
    const strategy = (attempt: number) => honestMasks(`honest ${attempt}`, digits);
    const forgery = forgeProof({ sealed, recipients, witness, strategy, weakness: {} });
    const random = seededRandom('verifier');
    expect(verifySealing(suite, { ...forgery.claim, proof: forgery.proof, random }).ok).toBe(true);
    expect(openedBy(bob, 1, forgery)).toEqual({ ok: true, value: honest.secret });
  });
});

describe('without key consistency a sealed secret need not be that of the key', () => {
  const published = keyPair('published');
  const sealedSecret = keyPair('sealed instead');
  const digits = digitsOf(sealedSecret.secret);
  const witness = { digits: toScalars(digits), blindings };
  const sealed = sealForged(published.publicKey, recipients, witness);
  const strategy = (attempt: number) => honestMasks(`key ${attempt}`, digits);

  it.each([
    ['key-secret', sealedSecret.secret],
    ['key-opening', published.secret],
  ] as const)('if %s is not checked', (equation, secret) => {
    const weakness: Weakness = { without: [equation] };
    const forgery = forgeProof({
      sealed,
      recipients,
      witness: { ...witness, secret },
      strategy,
      weakness,
    });
    expect(verdicts(forgery, weakness)).toEqual({ weak: 'accepts', real: 'sealing/key-consistency' });
    expect(openedBy(alice, 0, forgery)).toMatchObject({ ok: false, rule: 'sealing/opens-to-key' });
  });
});

describe('without handle consistency a recipient is locked out', () => {
  const node = keyPair('handles');
  const digits = digitsOf(node.secret);
  const witness = { digits: toScalars(digits), blindings };
  const strategy = (attempt: number) => honestMasks(`handle ${attempt}`, digits);
  const handlesFor = (key: PublicKey, values: readonly Scalar[]) =>
    values.map((value) => group.multiply(keyPoint(suite, key), value));

  it('if handle-recipient is not checked: one gets garbage, the other notices nothing', () => {
    const weakness: Weakness = { without: ['handle-recipient'] };
    const sealed = sealForged(node.publicKey, recipients, witness, [
      handlesFor(alice.publicKey, blindings),
      handlesFor(bob.publicKey, randomScalars('garbage', digitCount)),
    ]);
    const forgery = forgeProof({ sealed, recipients, witness, strategy, weakness });
    expect(verdicts(forgery, weakness)).toEqual({ weak: 'accepts', real: 'sealing/handle-consistency' });
    expect(openedBy(alice, 0, forgery).ok).toBe(true);
    expect(openedBy(bob, 1, forgery)).toMatchObject({ ok: false, rule: 'sealing/digit-in-table' });
  });

  it('if handle-opening is not checked: all get handles of another randomness', () => {
    const weakness: Weakness = { without: ['handle-opening'] };
    const handleBlindings = randomScalars('another randomness', digitCount);
    const sealed = sealForged(
      node.publicKey,
      recipients,
      witness,
      recipients.map((key) => handlesFor(key, handleBlindings)),
    );
    const forgery = forgeProof({
      sealed,
      recipients,
      witness: { ...witness, handleBlindings },
      strategy,
      weakness,
    });
    expect(verdicts(forgery, weakness)).toEqual({ weak: 'accepts', real: 'sealing/handle-consistency' });
    expect(openedBy(alice, 0, forgery).ok).toBe(false);
    expect(openedBy(bob, 1, forgery).ok).toBe(false);
  });

  it('if digits are not weighted with rho: errors in two digits cancel', () => {
    const weakness: Weakness = { withoutDigitWeights: true };
    const [error] = randomScalars('error', 1) as [Scalar];
    const shifted = blindings.map((blinding, j) => {
      if (j === 0) return scalars.add(blinding, error);
      return j === 1 ? scalars.subtract(blinding, error) : blinding;
    });
    const sealed = sealForged(node.publicKey, recipients, witness, [
      handlesFor(alice.publicKey, blindings),
      handlesFor(bob.publicKey, shifted),
    ]);
    const forgery = forgeProof({ sealed, recipients, witness, strategy, weakness });
    expect(verdicts(forgery, weakness)).toEqual({ weak: 'accepts', real: 'sealing/handle-consistency' });
    expect(openedBy(alice, 0, forgery).ok).toBe(true);
    expect(openedBy(bob, 1, forgery)).toMatchObject({ ok: false, rule: 'sealing/digit-in-table' });
  });
});

describe('without shortness a digit can be too long to find', () => {
  /** Consistent with its key, but two digits are random scalars. */
  function longDigits(seed: string) {
    const digits = toScalars(digitsOf(keyPair(seed).secret));
    digits.splice(2, 2, ...randomScalars(`${seed} long`, 2));
    const secret = secretOf(digits);
    const publicKey = publicKeyOf(suite, secret);
    const witness = { digits, blindings };
    return { witness, sealed: sealForged(publicKey, recipients, witness) };
  }

  const inBounds = Array.from({ length: repetitions }, (_, k) => responseMin + k);
  const anyMasks = (seed: string): MaskStrategy => ({
    sigmas: randomScalars(`${seed} sigma`, repetitions),
    betas: randomScalars(`${seed} beta`, repetitions),
    respond: () => inBounds,
  });

  function expectUnopenable(forgery: Forgery) {
    expect(openedBy(alice, 0, forgery)).toMatchObject({ ok: false, rule: 'sealing/digit-in-table' });
    const begun = beginSearch(suite, {
      sealed: forgery.claim.sealed[0]!,
      recipient: 0,
      secret: alice.secret,
    });
    if (!begun.ok) throw new Error(begun.rule);
    const search = searchDigits(suite, begun.value);
    for (let step = 0; step < 3; step++) expect(search.next().done).toBe(false);
  }

  it('if shortness is not checked', () => {
    const weakness: Weakness = { without: ['shortness'] };
    const { witness, sealed } = longDigits('no shortness');
    const strategy = () => anyMasks('no shortness');
    const forgery = forgeProof({ sealed, recipients, witness, strategy, weakness });
    expect(verdicts(forgery, weakness)).toEqual({ weak: 'accepts', real: 'sealing/shortness' });
    expectUnopenable(forgery);
  });

  it('if the bounds of z are not checked: a digit beyond what the search covers', () => {
    const weakness: Weakness = { withoutBounds: true };
    const digits = digitsOf(keyPair('no bounds').secret);
    digits[0] = 2 ** 38;
    expect(digits[0]).toBeGreaterThan(digitBound);
    const witness = { digits: toScalars(digits), blindings };
    const sealed = sealForged(publicKeyOf(suite, secretOf(witness.digits)), recipients, witness);
    const strategy = (attempt: number) =>
      honestMasks(`no bounds ${attempt}`, digits, { sigmaEnd: 2 ** 39, responseEnd: 2 ** 40 });
    const forgery = forgeProof({ sealed, recipients, witness, strategy, weakness });
    expect(verdicts(forgery, weakness)).toEqual({ weak: 'accepts', real: 'sealing/response-bounds' });
    expectUnopenable(forgery);
  });

  it('if the subsets do not depend on W: masks are made to fit', () => {
    const weakness: Weakness = { withoutBindingMasks: true };
    const { witness, sealed } = longDigits('unbound masks');
    const strategy = (): MaskStrategy => {
      const betas = randomScalars('unbound masks beta', repetitions);
      return {
        ...anyMasks('unbound masks'),
        betas,
        // W_k = z_k * H + beta_k * G - (the subset's digits) * H
        masks: (subsets): Point[] =>
          inBounds.map((z, k) =>
            commit(
              scalars.subtract(scalars.fromNumber(z), subsetSum(subsets[k]!, witness.digits)),
              betas[k]!,
            ),
          ),
      };
    };
    const forgery = forgeProof({ sealed, recipients, witness, strategy, weakness });
    // To the real verifier these are other subsets, and so are all challenges after them.
    expect(verdicts(forgery, weakness)).toEqual({ weak: 'accepts', real: 'sealing/key-consistency' });
    expectUnopenable(forgery);
    // Against the real transcript the masks come too early.
    const real = forgeProof({ sealed, recipients, witness, strategy, weakness: {} });
    expect(verdicts(real, weakness).real).toBe('sealing/shortness');
  });

  it('if c and gamma do not depend on z: a lattice finds z that fit [F10]', () => {
    const weakness: Weakness = { withoutBindingResponses: true };
    const { witness, sealed } = longDigits('unbound responses');
    const masks = anyMasks('unbound responses');
    const middle = Math.floor((responseMin + responseEnd) / 2);
    const strategy = (): MaskStrategy => ({
      ...masks,
      respondLate(subsets, repetitionWeight) {
        // Wanted: sum gamma^k z_k = sum gamma^k (sigma_k + subset sum of the digits), every z_k in bounds.
        const weights = scalars.powers(repetitionWeight, repetitions);
        const values = masks.sigmas.map((sigma, k) =>
          scalars.add(sigma, subsetSum(subsets[k]!, witness.digits)),
        );
        const offset = weights.map(() => scalars.fromNumber(middle));
        const target = scalars.subtract(
          scalars.innerProduct(weights, values),
          scalars.innerProduct(weights, offset),
        );
        const free = 10;
        const shifts = shortSolution(weights.slice(0, free).map(toBigInt), toBigInt(target), order);
        return weights.map((_, k) => middle + Number(shifts[k] ?? 0n));
      },
    });
    const forgery = forgeProof({ sealed, recipients, witness, strategy, weakness });
    // To the real verifier z is part of the question: all challenges differ.
    expect(verdicts(forgery, weakness)).toEqual({ weak: 'accepts', real: 'sealing/key-consistency' });
    expectUnopenable(forgery);
  });

  it('if repetitions are not weighted with gamma: errors in several repetitions cancel', () => {
    const weakness: Weakness = { withoutRepetitionWeights: true };
    // One digit is 1/2 modulo the order: wherever it is in an even number of subsets, all repetitions together add up to a
    // small number, and only their sum is looked at.
    const half = scalars.invert(scalars.fromNumber(2));
    const short = digitsOf(keyPair('no gamma').secret);
    short[2] = 0;
    const digits = toScalars(short);
    digits[2] = half;
    const witness = { digits, blindings };
    const sealed = sealForged(publicKeyOf(suite, secretOf(digits)), recipients, witness);
    const strategy = (attempt: number): MaskStrategy => {
      const honest = honestMasks(`no gamma ${attempt}`, short);
      return {
        ...honest,
        respond(subsets) {
          const count = subsets.filter((row) => bit(row, 2) === 1).length;
          const responses = honest.respond(subsets);
          if (count % 2 !== 0 || responses === undefined) return undefined;
          return responses.map((z, k) => (k === 0 ? z + count / 2 : z));
        },
      };
    };
    const forgery = forgeProof({ sealed, recipients, witness, strategy, weakness });
    expect(verdicts(forgery, weakness)).toEqual({ weak: 'accepts', real: 'sealing/shortness' });
    expectUnopenable(forgery);
  });
});

describe('without a proof of possession a recipient key made from another opens everything [F7]', () => {
  const [a] = randomScalars('rogue', 1) as [Scalar];
  // P' = a * G - P: Mallory knows a, but the secret of neither key.
  const rogue = group.subtract(group.multiplyGenerator(a), keyPoint(suite, alice.publicKey));
  const rogueKey = group.encodePoint(rogue) as PublicKey;

  it("shared randomness leaks: D + D' = a * r * G opens the commitments", () => {
    const node = keyPair('honest node');
    const target = { ...node, recipients: [alice.publicKey, rogueKey] };
    const { sealed } = sealSecrets(suite, { targets: [target], hedge: hedgeOf('rogue seal') });
    const [first, second] = sealed[0]!.handles.map((row) => group.decodePoints(row)!) as [Point[], Point[]];
    const commitments = group.decodePoints(sealed[0]!.commitments)!;
    const masked = commitments.map((commitment, j) => {
      const blinding = group.multiply(group.add(first[j]!, second[j]!), scalars.invert(a));
      return group.subtract(commitment, blinding);
    });
    expect(suite.digitLog.find(masked)).toEqual(digitsOf(node.secret));
  });

  it('Mallory cannot prove possession of it with what she knows', () => {
    const purpose = 'possession';
    const signed = { purpose, publicKey: rogueKey, context: new Uint8Array(1) } as const;
    const signature = sign(suite, { ...signed, secret: a as SecretScalar, hedge: hedgeOf('rogue') });
    const equation = signatureEquation(suite, { ...signed, signature })!;
    expect(equationsHold(suite, [equation], seededRandom('verifier'))).toBe(false);
  });
});

const order = 2n ** 252n + 27742317777372353535851937790883648493n;

function toBigInt(scalar: Scalar): bigint {
  return scalar.reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);
}
