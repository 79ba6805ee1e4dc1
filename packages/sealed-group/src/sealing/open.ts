/**
 * Opening a sealed secret: m_j * H = V_j - (1/x) * D_j for each digit, a small discrete logarithm, and the check that
 * the digits are the published key's secret.
 *
 * Honest digits lie in [0, 2^16) and come from a table. A cheater's may be negative or larger: a verified proof bounds
 * them by |m| < 2^34, and the work over all digits of a block by about sqrt(N) * Z. They are searched in steps that the caller
 * drives, in a worker; afterwards it should re-key.
 */
import type { Point, Scalar, SmallLogProgress } from '@conclave/ristretto';
import { accept, violation } from '../result.ts';
import type { Result } from '../result.ts';
import { parseElement } from '../signature/keys.ts';
import type { SecretScalar } from '../signature/keys.ts';
import type { Suite } from '../suite.ts';
import { placeValues } from './equations.ts';
import { digitBound, digitRowBytes } from './parameters.ts';
import type { SealedSecret } from './sealed-secret.ts';
import { parseElements } from './statement.ts';

export interface OpeningInput {
  readonly sealed: SealedSecret;
  /** Which row of handles is the opener's. */
  readonly recipient: number;
  /** The secret of that recipient's key. */
  readonly secret: SecretScalar;
}

/** Rule `sealing/digit-in-table` when a digit needs `searchSealed`. */
export function openSealed(suite: Suite, input: OpeningInput): Result<SecretScalar> {
  const digits = decryptDigits(suite, input);
  if (!digits.ok) return digits;
  const logs = suite.digitLog.find(digits.value);
  if (logs.some((log) => log === undefined)) return violation('sealing/digit-in-table');
  return assemble(suite, input.sealed, logs as number[]);
}

/**
 * The slow search for a cheater's digits: each step takes some ten milliseconds, the result is the generator's return
 * value. Only for sealed secrets whose proof was verified: otherwise it ends without success after 2^34 candidates.
 */
export function* searchSealed(
  suite: Suite,
  input: OpeningInput,
): Generator<SmallLogProgress, Result<SecretScalar>> {
  const digits = decryptDigits(suite, input);
  if (!digits.ok) return digits;
  const logs = yield* suite.digitLog.search(digits.value, { maxAbs: digitBound });
  if (logs.some((log) => log === undefined))
    return violation('sealing/shortness', 'a digit beyond the bound');
  return assemble(suite, input.sealed, logs as number[]);
}

/** m_j * H. */
function decryptDigits(suite: Suite, input: OpeningInput): Result<Point[]> {
  const { group } = suite;
  const row = input.sealed.handles[input.recipient];
  if (
    row === undefined ||
    row.length !== digitRowBytes ||
    input.sealed.commitments.length !== digitRowBytes
  ) {
    return violation('sealing/shape');
  }
  const commitments = parseElements(suite, input.sealed.commitments);
  const handles = parseElements(suite, row);
  if (commitments === undefined || handles === undefined) return violation('sealing/statement-encoding');
  const inverse = group.scalars.invert(input.secret);
  return accept(
    commitments.map((commitment, j) => group.subtract(commitment, group.multiply(handles[j]!, inverse))),
  );
}

function assemble(suite: Suite, sealed: SealedSecret, digits: readonly number[]): Result<SecretScalar> {
  const { group } = suite;
  const secret: Scalar = group.scalars.innerProduct(
    placeValues(suite),
    digits.map((digit) => group.scalars.fromNumber(digit)),
  );
  const key = parseElement(suite, sealed.publicKey);
  if (key === undefined) return violation('sealing/statement-encoding');
  if (!group.equals(group.multiplyGenerator(secret), key)) return violation('sealing/opens-to-key');
  return accept(secret as SecretScalar); // not zero: the key is not the identity
}
