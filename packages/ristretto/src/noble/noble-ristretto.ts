/**
 * ristretto255 on @noble/curves. A `Point` is the library's Edwards representative of the ristretto class; encoding,
 * decoding and hash-to-group are the library's own.
 *
 * Weakness: BigInt arithmetic is not constant-time, neither here nor in the library (README).
 */
import { ScalarMultiplier, normalizeZ } from '@noble/curves/abstract/curve.js';
import type { EdwardsPoint } from '@noble/curves/abstract/edwards.js';
import { ed25519, ristretto255, ristretto255_hasher } from '@noble/curves/ed25519.js';
import { randomBytes } from '@noble/hashes/utils.js';
import { checkCombinations } from '../check-combinations.ts';
import type { FixedBase, LinearCombination, Point, Ristretto255, Scalar } from '../ristretto255.ts';
import { checkBits, scalarBits } from '../scalar-bits.ts';
import { multiScalarMultiply } from './multi-scalar.ts';
import { createNobleScalars, scalarFromBigInt, scalarToBigInt } from './noble-scalars.ts';
import { createSmallLog } from './small-log.ts';

const Edwards = ed25519.Point;
const RistrettoPoint = ristretto255.Point;
const pointBytes = 32;
/** Window of fixed-base tables: 52 additions a multiplication, 832 to build: pays off from about four multiplications. */
const fixedBaseWindow = 5;
const cofactor = Edwards.CURVE().h;

type Multiplier = ScalarMultiplier<typeof Edwards>;

const wrap = (point: EdwardsPoint) => point as unknown as Point;
const unwrap = (point: Point) => point as unknown as EdwardsPoint;

export function createNobleRistretto(): Ristretto255 {
  // Random bytes only blind multiplications of the generator, as everywhere in the library: results do not depend on them.
  const multiplier: Multiplier = new ScalarMultiplier(Edwards, randomBytes);
  return {
    generator: wrap(Edwards.BASE),
    identity: wrap(Edwards.ZERO),
    scalars: createNobleScalars(),

    decodePoint,
    decodePoints(bytes) {
      if (bytes.length % pointBytes !== 0) return undefined;
      const points: Point[] = [];
      for (let offset = 0; offset < bytes.length; offset += pointBytes) {
        const point = decodePoint(bytes.subarray(offset, offset + pointBytes));
        if (point === undefined) return undefined;
        points.push(point);
      }
      return points;
    },
    encodePoint,
    encodePoints(points) {
      const bytes = new Uint8Array(points.length * pointBytes);
      for (let i = 0; i < points.length; i++) bytes.set(encodePoint(points[i]!), i * pointBytes);
      return bytes;
    },
    // Optional in the library's general type, always there for ristretto255.
    fromUniformBytes: (bytes) =>
      wrap(Edwards.fromAffine(ristretto255_hasher.deriveToCurve!(bytes).toAffine())),

    equals(a, b) {
      return new RistrettoPoint(unwrap(a)).equals(new RistrettoPoint(unwrap(b)));
    },
    isIdentity: (point) => new RistrettoPoint(unwrap(point)).is0(),
    add: (a, b) => wrap(unwrap(a).add(unwrap(b))),
    subtract: (a, b) => wrap(unwrap(a).subtract(unwrap(b))),
    negate: (point) => wrap(unwrap(point).negate()),

    multiply: (point, scalar) => wrap(multiplySecret(multiplier, unwrap(point), scalarToBigInt(scalar))),
    multiplyGenerator: (scalar) => wrap(multiplySecret(multiplier, Edwards.BASE, scalarToBigInt(scalar))),
    fixedBase: (point) => fixedBase(multiplier, point),
    multiScalarMultiply(points, scalars) {
      if (points.length !== scalars.length) throw new RangeError('vectors of unequal length');
      return wrap(multiScalarMultiply(points.map(unwrap), scalars));
    },
    weightedSum: (combinations, weights) => wrap(weightedSum(combinations, weights)),
    smallLog: (base, options) => createSmallLog(unwrap(base), options, unwrap),
  };
}

function weightedSum(combinations: readonly LinearCombination[], weights: readonly Scalar[]): EdwardsPoint {
  checkCombinations(combinations, weights);
  const coefficients = new Map<Point, bigint>();
  combinations.forEach(({ points, scalars }, k) => {
    const weight = scalarToBigInt(weights[k]!);
    points.forEach((point, i) => {
      const term = weight * scalarToBigInt(scalars[i]!);
      coefficients.set(point, (coefficients.get(point) ?? 0n) + term);
    });
  });
  const scalars = Array.from(coefficients.values(), scalarFromBigInt);
  return multiScalarMultiply(Array.from(coefficients.keys(), unwrap), scalars);
}

function decodePoint(bytes: Uint8Array): Point | undefined {
  if (bytes.length !== pointBytes) return undefined;
  try {
    // The decoded representative has Z = 1, so its affine coordinates cost nothing.
    return wrap(Edwards.fromAffine(RistrettoPoint.fromBytes(bytes).toAffine()));
  } catch {
    return undefined; // the library's only way to say "not a canonical encoding"
  }
}

function encodePoint(point: Point): Uint8Array {
  return new RistrettoPoint(unwrap(point)).toBytes();
}

/**
 * The library's constant-sequence multiplication, without the inversion by which its points normalise every product.
 * The library refuses the scalar zero, which a mask or response may be.
 */
function multiplySecret(multiplier: Multiplier, point: EdwardsPoint, scalar: bigint): EdwardsPoint {
  return scalar === 0n ? Edwards.ZERO : multiplier.mulSecret(point, scalar, cofactor, normalizeTable).p;
}

function fixedBase(multiplier: Multiplier, point: Point): FixedBase {
  // The library keys tables by object: a copy leaves the caller's point without one.
  const base = Edwards.fromAffine(unwrap(point).toAffine());
  multiplier.setWindowSize(base, fixedBaseWindow);
  return {
    multiply(scalar, bits = scalarBits) {
      checkBits(scalar, bits);
      return wrap(multiplySecret(multiplier, base, scalarToBigInt(scalar)));
    },
  };
}

function normalizeTable(table: EdwardsPoint[]): EdwardsPoint[] {
  return normalizeZ(Edwards, table);
}
