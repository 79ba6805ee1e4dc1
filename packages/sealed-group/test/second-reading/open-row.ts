/** §4 read a second time: a secret out of one recipient's handles, digit by digit. */
import type { Point } from './primitives.ts';
import { littleEndian, messageBase, order, Point as Points, scalarBytes } from './primitives.ts';

const steps = 256;

/** `secret` is the recipient's. Throws when a digit is none of the 2^16. */
export function openRow(commitments: Buffer, handles: Buffer, secret: Uint8Array): Buffer {
  const inverse = Points.Fn.inv(littleEndian(secret));
  let sum = 0n;
  for (let digit = 0; digit < 16; digit++) {
    const V = pointAt(commitments, digit);
    const D = pointAt(handles, digit);
    sum += BigInt(digitOf(V.subtract(D.multiply(inverse)))) << BigInt(16 * digit);
  }
  return scalarBytes(sum % order);
}

function pointAt(row: Buffer, place: number): Point {
  return Points.fromBytes(Uint8Array.from(row.subarray(32 * place, 32 * place + 32)));
}

const babySteps = new Map<string, number>();
{
  let at: Point = Points.ZERO;
  for (let m = 0; m < steps; m++, at = at.add(messageBase)) babySteps.set(at.toHex(), m);
}
const giantStep = messageBase.multiply(BigInt(steps)).negate();

/** m of m·H, 0 ≤ m < 2^16. */
function digitOf(point: Point): number {
  let at = point;
  for (let giant = 0; giant < steps; giant++, at = at.add(giantStep)) {
    const m = babySteps.get(at.toHex());
    if (m !== undefined) return giant * steps + m;
  }
  throw new Error('not a digit');
}
