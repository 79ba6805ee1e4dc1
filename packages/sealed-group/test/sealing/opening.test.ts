/** Opening: what recipients get from honest, deviating and malformed sealed secrets, and what sealing refuses. */
import { describe, expect, it } from 'vitest';
import { verifySealing } from '../../src/sealing/equations.ts';
import { beginSearch, finishSearch, openSealed } from '../../src/sealing/open.ts';
import type { OpeningInput } from '../../src/sealing/open.ts';
import { digitCount } from '../../src/sealing/parameters.ts';
import { sealSecrets } from '../../src/sealing/seal.ts';
import { digitsOf } from '../../src/sealing/sealed-secret.ts';
import { searchDigits } from '../../src/sealing/slow-search.ts';
import { publicKeyOf } from '../../src/signature/keys.ts';
import { hedgeOf, honestSealing, keyPair, seededRandom, suite, targetsOf } from './fixture.ts';
import { forgeProof, honestMasks, randomScalars, sealForged, secretOf } from './forger.ts';

const { scalars } = suite.group;
const alice = keyPair('alice');
const bob = keyPair('bob');

function searchToEnd(input: OpeningInput) {
  const begun = beginSearch(suite, input);
  if (!begun.ok) return { result: begun, steps: 0 };
  const search = searchDigits(suite, begun.value);
  let steps = 0;
  for (;;) {
    const step = search.next();
    if (step.done === true) return { result: finishSearch(suite, input.sealed, step.value), steps };
    steps++;
  }
}

describe('opening', () => {
  it("takes the slow search for a cheater's digits that the proof allows, and finds the secret", () => {
    // Digits of both signs outside [0, 2^16), short enough for an honest proof.
    const digits = digitsOf(keyPair('deviating').secret);
    digits[3] = -40_000;
    digits[7] = 3_000_000;
    const witness = {
      digits: digits.map((digit) => scalars.fromNumber(digit)),
      blindings: randomScalars('deviating', digitCount),
    };
    const secret = secretOf(witness.digits);
    const recipients = [alice.publicKey, bob.publicKey];
    const sealed = sealForged(publicKeyOf(suite, secret), recipients, witness);
    const strategy = (attempt: number) => honestMasks(`deviating ${attempt}`, digits);
    const forgery = forgeProof({ sealed, recipients, witness, strategy, weakness: {} });
    const random = seededRandom('verifier');
    expect(verifySealing(suite, { ...forgery.claim, proof: forgery.proof, random }).ok).toBe(true);

    const opening = { sealed, recipient: 1, secret: bob.secret };
    expect(openSealed(suite, opening)).toEqual({ ok: false, rule: 'sealing/digit-in-table' });
    const { result, steps } = searchToEnd(opening);
    expect(result).toEqual({ ok: true, value: secret });
    expect(steps).toBeGreaterThan(0);
  });

  it('believes no answer of a search that the published key does not confirm', () => {
    const { sealed, recipients } = honestSealing('answers', [1]);
    const { secret } = recipients[0]![0]!;
    const opened = openSealed(suite, { sealed: sealed[0]!, recipient: 0, secret });
    const digits = opened.ok ? digitsOf(opened.value) : [];
    const answer = (found: readonly (number | undefined)[]) => finishSearch(suite, sealed[0]!, found);
    expect(answer(digits)).toEqual(opened);
    expect(answer(digits.with(4, digits[4]! + 1))).toMatchObject({ rule: 'sealing/opens-to-key' });
    for (const wrong of [undefined, 2 ** 40, Number.NaN, 0.5])
      expect(answer([...digits].with(0, wrong as number))).toMatchObject({ rule: 'sealing/shortness' });
    expect(answer(digits.slice(1))).toMatchObject({ rule: 'sealing/shortness' });
  });

  it('fails for whoever is not the recipient', () => {
    const { sealed, recipients } = honestSealing('strangers', [2]);
    const [node] = sealed;
    const [first] = recipients[0]!;
    expect(openSealed(suite, { sealed: node!, recipient: 1, secret: first!.secret }).ok).toBe(false);
    expect(openSealed(suite, { sealed: node!, recipient: 0, secret: bob.secret }).ok).toBe(false);
  });

  it('answers malformed input with a rule, slow or fast', () => {
    const { sealed, recipients } = honestSealing('malformed', [1]);
    const node = sealed[0]!;
    const { secret } = recipients[0]![0]!;
    const identityAt = (bytes: Uint8Array) => bytes.with(0, bytes[0]!).fill(0, 64, 96);
    const cases = [
      [{ sealed: node, recipient: 1, secret }, 'sealing/shape'],
      [{ sealed: { ...node, commitments: new Uint8Array(31) }, recipient: 0, secret }, 'sealing/shape'],
      [
        { sealed: { ...node, commitments: identityAt(node.commitments) }, recipient: 0, secret },
        'sealing/statement-encoding',
      ],
      [
        { sealed: { ...node, handles: node.handles.map(identityAt) }, recipient: 0, secret },
        'sealing/statement-encoding',
      ],
    ] as const;
    for (const [input, rule] of cases) {
      expect(openSealed(suite, input)).toEqual({ ok: false, rule });
      expect(searchToEnd(input).result).toEqual({ ok: false, rule });
    }
    const otherKey = { sealed: { ...node, publicKey: alice.publicKey }, recipient: 0, secret };
    expect(openSealed(suite, otherKey)).toEqual({ ok: false, rule: 'sealing/opens-to-key' });
  });
});

describe('sealing', () => {
  it('refuses misuse', () => {
    const { targets } = targetsOf('misuse', [1]);
    const hedge = hedgeOf('misuse');
    const toNobody = [{ ...targets[0]!, recipients: [] }];
    expect(() => sealSecrets(suite, { targets: toNobody, hedge })).toThrow('nobody');
    const tooMany = Array.from({ length: 1025 }, () => targets[0]!);
    expect(() => sealSecrets(suite, { targets: tooMany, hedge })).toThrow('more nodes');
  });

  it('keeps openings out of prints and serialisations', () => {
    const { targets } = targetsOf('redacted', [1]);
    const { openings } = sealSecrets(suite, { targets, hedge: hedgeOf('redacted') });
    expect(JSON.stringify(openings)).toBe('{}');
    expect(Object.keys(openings)).toEqual([]);
  });

  it('never shares randomness between targets, even with a constant generator [F9]', () => {
    const { targets } = targetsOf('constant', [1, 1]);
    const constant = { ...hedgeOf('constant'), random: { bytes: (n: number) => new Uint8Array(n) } };
    const { openings } = sealSecrets(suite, { targets, hedge: constant });
    const all = [...openings.ofNode(0), ...openings.ofNode(1)].map((scalar) => scalar.join());
    expect(new Set(all).size).toBe(2 * digitCount);
  });
});
