/**
 * The scalar field on BigInt. BigInt arithmetic is not constant-time (see the README); the interface leaves room for
 * a kernel that is.
 */
import { ed25519 } from '@noble/curves/ed25519.js';
import type { Scalar, ScalarField } from '../ristretto255.ts';

const order = ed25519.Point.Fn.ORDER;
const scalarBytes = 32;
/** Rows whose 2^8 subset sums are tabulated together (the method of four Russians). */
const rowsPerTable = 8;

/** The value of any number of little-endian bytes that is a multiple of eight. */
function readLittleEndian(bytes: Uint8Array): bigint {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let value = 0n;
  for (let offset = bytes.length - 8; offset >= 0; offset -= 8) {
    value = (value << 64n) | view.getBigUint64(offset, true);
  }
  return value;
}

export function scalarToBigInt(scalar: Scalar): bigint {
  return readLittleEndian(scalar);
}

/** `value` may be any integer; it is reduced. */
export function scalarFromBigInt(value: bigint): Scalar {
  let rest = value % order;
  if (rest < 0n) rest += order;
  const bytes = new Uint8Array(scalarBytes);
  const view = new DataView(bytes.buffer);
  for (let offset = 0; offset < scalarBytes; offset += 8) {
    view.setBigUint64(offset, BigInt.asUintN(64, rest), true);
    rest >>= 64n;
  }
  return bytes as Scalar;
}

export function createNobleScalars(): ScalarField {
  const isCanonical = (bytes: Uint8Array) => bytes.length === scalarBytes && readLittleEndian(bytes) < order;
  return {
    zero: scalarFromBigInt(0n),
    one: scalarFromBigInt(1n),
    fromWideBytes(bytes) {
      if (bytes.length !== 64) throw new RangeError('wide reduction takes 64 bytes');
      return scalarFromBigInt(readLittleEndian(bytes));
    },
    fromNumber(value) {
      if (!Number.isSafeInteger(value)) throw new RangeError('not a safe integer');
      return scalarFromBigInt(BigInt(value));
    },
    fromBytes: (bytes) => (isCanonical(bytes) ? (Uint8Array.from(bytes) as Scalar) : undefined),
    isCanonical,
    isZero(scalar) {
      let bits = 0;
      for (const byte of scalar) bits |= byte;
      return bits === 0;
    },
    equals(a, b) {
      let difference = 0;
      for (let i = 0; i < scalarBytes; i++) difference |= a[i]! ^ b[i]!;
      return difference === 0;
    },
    add: (a, b) => scalarFromBigInt(scalarToBigInt(a) + scalarToBigInt(b)),
    subtract: (a, b) => scalarFromBigInt(scalarToBigInt(a) - scalarToBigInt(b)),
    negate: (a) => scalarFromBigInt(-scalarToBigInt(a)),
    multiply: (a, b) => scalarFromBigInt(scalarToBigInt(a) * scalarToBigInt(b)),
    invert(a) {
      const value = scalarToBigInt(a);
      if (value === 0n) throw new RangeError('zero has no inverse');
      return scalarFromBigInt(ed25519.Point.Fn.inv(value));
    },
    powers(x, count) {
      const base = scalarToBigInt(x);
      const result: Scalar[] = [];
      for (let i = 0, power = 1n; i < count; i++, power = (power * base) % order) {
        result.push(scalarFromBigInt(power));
      }
      return result;
    },
    scale(values, factor) {
      const by = scalarToBigInt(factor);
      return values.map((value) => scalarFromBigInt(scalarToBigInt(value) * by));
    },
    innerProduct(a, b) {
      if (a.length !== b.length) throw new RangeError('vectors of unequal length');
      let sum = 0n;
      for (let i = 0; i < a.length; i++) sum += scalarToBigInt(a[i]!) * scalarToBigInt(b[i]!);
      return scalarFromBigInt(sum);
    },
    subsetSums,
  };
}

function subsetSums(bitRows: readonly Uint8Array[], weights: readonly Scalar[], columns: number): Scalar[] {
  if (bitRows.length !== weights.length) throw new RangeError('one weight per row');
  if (bitRows.some((row) => row.length !== Math.ceil(columns / 8)))
    throw new RangeError('rows of wrong length');
  const sums = Array.from({ length: columns }, () => 0n);
  for (let first = 0; first < bitRows.length; first += rowsPerTable) {
    const rows = bitRows.slice(first, first + rowsPerTable);
    const table = subsetTable(weights.slice(first, first + rowsPerTable).map(scalarToBigInt));
    for (let j = 0; j < columns; j++) {
      let subset = 0;
      for (let i = 0; i < rows.length; i++) subset |= ((rows[i]![j >> 3]! >> (j & 7)) & 1) << i;
      sums[j]! += table[subset]!;
    }
  }
  return sums.map(scalarFromBigInt);
}

/** The sums of all subsets; bit i of the index says whether `values[i]` takes part. */
function subsetTable(values: readonly bigint[]): bigint[] {
  const table = [0n];
  for (const value of values) {
    for (let i = 0, size = table.length; i < size; i++) table.push(table[i]! + value);
  }
  return table;
}
