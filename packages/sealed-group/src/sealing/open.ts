/**
 * Opening a sealed secret: m_j * H = V_j - (1/x) * D_j for each digit, a small discrete logarithm, and the check that
 * the digits are the published key's secret.
 *
 * Honest digits lie in [0, 2^16) and come from a table. A cheater's may be negative or larger: a verified proof bounds
 * them by |m| < 2^34, and the work over all digits of a block by about sqrt(N) * Z. They are searched for elsewhere
 * (`slow-search.ts`); afterwards the opener should re-key.
 */
import type { Point, Scalar } from '@conclave/ristretto';
import { accept, violation } from '../result.ts';
import type { Result } from '../result.ts';
import { parseElement } from '../signature/keys.ts';
import type { SecretScalar } from '../signature/keys.ts';
import type { Suite } from '../suite.ts';
import { placeValues } from './equations.ts';
import { digitRowBytes } from './parameters.ts';
import type { SealedSecret } from './sealed-secret.ts';
import { checkFound } from './slow-search.ts';
import type { DigitSearch, FoundDigits } from './slow-search.ts';
import { parseElements } from './statement.ts';

export interface OpeningInput {
  readonly sealed: SealedSecret;
  /** Which row of handles is the opener's. */
  readonly recipient: number;
  /** The secret of that recipient's key. */
  readonly secret: SecretScalar;
}

/** Rule `sealing/digit-in-table` when a digit needs a slow search (`beginSearch`). */
export function openSealed(suite: Suite, input: OpeningInput): Result<SecretScalar> {
  const digits = decryptDigits(suite, input);
  if (!digits.ok) return digits;
  const logs = suite.digitLog.find(digits.value);
  if (logs.some((log) => log === undefined)) return violation('sealing/digit-in-table');
  return assemble(suite, input.sealed, logs as number[]);
}

/** What has to be searched for when `openSealed` says `sealing/digit-in-table`. */
export function beginSearch(suite: Suite, input: OpeningInput): Result<DigitSearch> {
  const digits = decryptDigits(suite, input);
  return digits.ok ? accept({ points: suite.group.encodePoints(digits.value) }) : digits;
}

/** The secret of which these are the digits, if the published key says so too. */
export function finishSearch(suite: Suite, sealed: SealedSecret, found: FoundDigits): Result<SecretScalar> {
  const digits = checkFound(found);
  return digits.ok ? assemble(suite, sealed, digits.value) : digits;
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
