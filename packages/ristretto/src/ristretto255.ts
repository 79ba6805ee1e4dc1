/**
 * The group interface: ristretto255 (RFC 9496), a group of prime order
 * l = 2^252 + 27742317777372353535851937790883648493, and its scalar field.
 *
 * Who calls it: `@conclave/sealed-group`. Who implements it: `createNobleEngine` and `createWasmEngine`. For the
 * kernel's sake scalars are 32-byte little-endian buffers, points are opaque handles that leave and enter only as
 * canonical 32-byte encodings, and everything a proof does in bulk is one call.
 *
 * Invariants: every function is pure; arguments are never written to; returned buffers are fresh and the caller's.
 * Functions that take `Scalar` and `Point` trust their brands and throw only on caller misuse (unequal lengths); bytes
 * from outside go through `decodePoint(s)` and `scalars.fromBytes`, which answer `undefined`.
 */

declare const scalarBrand: unique symbol;
declare const pointBrand: unique symbol;

/** 32 bytes, little-endian, below l. Treat as immutable. */
export type Scalar = Uint8Array & { readonly [scalarBrand]: 'Scalar' };

/** An element of the group, the identity included. Its representation belongs to the engine that made it. */
export interface Point {
  readonly [pointBrand]: 'Point';
}

/** A point with precomputed tables, for many multiplications by secret scalars. */
export interface FixedBase {
  /**
   * `bits` is a public bound for a secret scalar: it is below 2^bits. A small bound saves work in proportion (a 16-bit
   * digit takes a tenth of a whole scalar's time). Throws if the scalar is larger, which is caller misuse.
   */
  multiply(scalar: Scalar, bits?: number): Point;
}

/** Arithmetic modulo l. */
export interface ScalarField {
  readonly zero: Scalar;
  readonly one: Scalar;
  /** Reduces 64 uniform little-endian bytes; the bias is below 2^-256. */
  fromWideBytes(bytes: Uint8Array): Scalar;
  /** A safe integer, negative ones included, modulo l. */
  fromNumber(value: number): Scalar;
  /** A copy of `bytes` as a scalar; `undefined` unless 32 bytes below l. */
  fromBytes(bytes: Uint8Array): Scalar | undefined;
  isCanonical(bytes: Uint8Array): boolean;
  isZero(scalar: Scalar): boolean;
  equals(a: Scalar, b: Scalar): boolean;
  add(a: Scalar, b: Scalar): Scalar;
  subtract(a: Scalar, b: Scalar): Scalar;
  negate(a: Scalar): Scalar;
  multiply(a: Scalar, b: Scalar): Scalar;
  /** 1/a. Throws on zero, which is caller misuse. */
  invert(a: Scalar): Scalar;
  /** `[1, x, x^2, ...]`, `count` of them. */
  powers(x: Scalar, count: number): Scalar[];
  /** `values[i] * factor` for every i. */
  scale(values: readonly Scalar[], factor: Scalar): Scalar[];
  /** sum of a[i] * b[i]. */
  innerProduct(a: readonly Scalar[], b: readonly Scalar[]): Scalar;
  /**
   * Column sums of a weighted bit matrix: for every column j, the sum over rows k of bit(k, j) * weights[k].
   * `bitRows[k]` holds row k, column j at bit `j & 7` of byte `j >> 3`; every row has `ceil(columns / 8)` bytes.
   */
  subsetSums(bitRows: readonly Uint8Array[], weights: readonly Scalar[], columns: number): Scalar[];
}

export interface SmallLogOptions {
  /** `find` covers [0, range); even. The kernel keeps 4 bytes for each of them. */
  readonly range: number;
  /** Baby steps kept for `search`: more make it faster; they take about 300 bytes and 10 microseconds each, at the first call. */
  readonly searchTableSize: number;
}

/** Progress of a slow search, reported after every step. */
export interface SmallLogProgress {
  /** Every |m| up to this bound has been tried for every point not yet found. */
  readonly searchedUpTo: number;
  /** Points whose logarithm is still unknown. */
  readonly missing: number;
}

/** Discrete logarithms to one base, of points known to be small multiples of it. */
export interface SmallLog {
  /**
   * m with point = m * base and 0 <= m < `range` for each point, `undefined` where there is none: for secret logarithms, as
   * `multiply` is for secret scalars.
   */
  find(points: readonly Point[]): (number | undefined)[];
  /**
   * For logarithms that somebody else chose; they show in its time and in what it reads. Searches |m| <= maxAbs, both signs, small to large, for all points together. Each `next()` is one bounded step (some
   * thousand group operations); the caller may stop between steps. The return value holds one entry per point,
   * `undefined` where there is no such m. Work is the sum of the |m| (of maxAbs where there is none) divided by
   * the table's size.
   */
  search(
    points: readonly Point[],
    limits: { readonly maxAbs: number },
  ): Generator<SmallLogProgress, (number | undefined)[]>;
}

/** sum of scalars[i] * points[i]; equally many of both. */
export interface LinearCombination {
  readonly points: readonly Point[];
  readonly scalars: readonly Scalar[];
}

export interface Ristretto255 {
  readonly generator: Point;
  readonly identity: Point;
  readonly scalars: ScalarField;

  /** RFC 9496, section 4.3.1. `undefined` for anything but a canonical encoding; decodes the identity (32 zero bytes). */
  decodePoint(bytes: Uint8Array): Point | undefined;
  /** n canonical encodings in a row; `undefined` if one is not, or the length is no multiple of 32. */
  decodePoints(bytes: Uint8Array): Point[] | undefined;
  /** RFC 9496, section 4.3.2: 32 bytes. */
  encodePoint(point: Point): Uint8Array;
  /**
   * n * 32 bytes, sooner than one by one. For encodings that become public: the fused kernel takes powers in floating point, of
   * numbers that the encodings determine. `encodePoint` computes with integers alone.
   */
  encodePoints(points: readonly Point[]): Uint8Array;
  /** RFC 9496, section 4.3.4: hash-to-group of 64 uniform bytes. Nobody knows the result's logarithm. */
  fromUniformBytes(bytes: Uint8Array): Point;

  equals(a: Point, b: Point): boolean;
  isIdentity(point: Point): boolean;
  add(a: Point, b: Point): Point;
  subtract(a: Point, b: Point): Point;
  negate(point: Point): Point;

  /** For secret scalars. Zero gives the identity. */
  multiply(point: Point, scalar: Scalar): Point;
  /** scalar * generator, for secret scalars. */
  multiplyGenerator(scalar: Scalar): Point;
  /** Tables for a point that will be multiplied by about ten secret scalars or more. */
  fixedBase(point: Point): FixedBase;
  /** sum of scalars[i] * points[i]. Variable time: public data only. */
  multiScalarMultiply(points: readonly Point[], scalars: readonly Scalar[]): Point;
  /**
   * The sum of weights[k] * combinations[k], in one multi-scalar multiplication. A point *object* that occurs several times is
   * multiplied once. Variable time: public data only.
   */
  weightedSum(combinations: readonly LinearCombination[], weights: readonly Scalar[]): Point;
  /** Logarithms to `base`. Tables are built at the first use. */
  smallLog(base: Point, options: SmallLogOptions): SmallLog;
}
