/**
 * Sealing: twisted ElGamal, digit by digit, one commitment and one handle per recipient (design, section 4).
 *
 *   s = sum of 2^(16 j) * m_j      V_j = m_j * H + r_j * G      D_j = r_j * P for every recipient P
 *
 * A recipient with P = x * G finds m_j * H = V_j - (1/x) * D_j.
 */
import type { FixedBase, Scalar } from '@conclave/ristretto';
import { hashTuple } from '../hash/hash-tuple.ts';
import { hedgedScalar } from '../hash/hedge.ts';
import type { Hedge } from '../hash/hedge.ts';
import { keyPoint } from '../signature/keys.ts';
import type { PublicKey } from '../signature/keys.ts';
import { digitBits } from '../suite.ts';
import type { Suite } from '../suite.ts';
import { digitCount, maxSealedNodes } from './parameters.ts';
import { SealingOpenings } from './sealed-secret.ts';
import type { SealedSecret, SealingTarget } from './sealed-secret.ts';
import { digitScalarsOf } from './short-scalar.ts';

/**
 * Seals every target's secret to its recipients. `hedge.context` names group, epoch, frame nonce and operations.
 * Throws on misuse: no recipients, or more nodes than a frame may hold.
 */
export function sealSecrets(
  suite: Suite,
  input: { readonly targets: readonly SealingTarget[]; readonly hedge: Hedge },
): { sealed: SealedSecret[]; openings: SealingOpenings } {
  const { targets, hedge } = input;
  if (targets.length > maxSealedNodes) throw new RangeError('more nodes than a frame may seal');
  const blindings = targets.map((target) => drawBlindings(suite, target, hedge));
  return {
    sealed: targets.map((target, node) => sealDigits(suite, target, blindings[node]!)),
    openings: new SealingOpenings(blindings),
  };
}

/** Bound to the target as well: with a broken generator two targets still never share randomness. */
function drawBlindings(suite: Suite, target: SealingTarget, hedge: Hedge): Scalar[] {
  const bound: Hedge = {
    secret: hashTuple('sealing blinding secret', hedge.secret, target.secret),
    random: hedge.random,
    context: hashTuple('sealing blinding context', hedge.context, target.publicKey, ...target.recipients),
  };
  return Array.from({ length: digitCount }, (_, j) => hedgedScalar(suite, 'sealing blinding', bound, j));
}

/** One sealed secret with given randomness. */
export function sealDigits(suite: Suite, target: SealingTarget, blindings: readonly Scalar[]): SealedSecret {
  const { group } = suite;
  if (target.recipients.length === 0) throw new RangeError('a secret sealed to nobody');
  // An attacker's digits may have any size.
  const maxBits = target.digits === undefined ? digitBits : undefined;
  const digits =
    target.digits?.map((digit) => group.scalars.fromNumber(digit)) ?? digitScalarsOf(suite, target.secret);
  const commitments = digits.map((digit, j) =>
    group.add(suite.messageBaseTable.multiply(digit, maxBits), group.multiplyGenerator(blindings[j]!)),
  );
  return {
    publicKey: target.publicKey,
    commitments: group.encodePoints(commitments),
    handles: target.recipients.map((recipient) => handlesFor(suite, recipient, blindings)),
  };
}

function handlesFor(suite: Suite, recipient: PublicKey, blindings: readonly Scalar[]): Uint8Array {
  const table: FixedBase = suite.group.fixedBase(keyPoint(suite, recipient));
  return suite.group.encodePoints(blindings.map((blinding) => table.multiply(blinding)));
}
