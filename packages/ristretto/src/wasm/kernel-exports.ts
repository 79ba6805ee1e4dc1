/** What `assembly/index.ts` exports: addresses in linear memory, counts, and masks (-1 yes, 0 no). */

type Address = number;
type Mask = number;

export interface KernelExports {
  readonly memory: WebAssembly.Memory;
  readonly callArea: WebAssembly.Global<'i32'>;
  readonly generatorPoint: WebAssembly.Global<'i32'>;
  readonly identityPoint: WebAssembly.Global<'i32'>;
  readonly fixedTableBytes: WebAssembly.Global<'i32'>;

  readonly begin: () => void;
  /** 0 if the memory's maximum is reached. */
  readonly allocate: (bytes: number) => Address;
  readonly keep: (bytes: number) => Address;
  readonly wipe: () => void;

  readonly decodeAll: (out: Address, bytes: Address, count: number) => Mask;
  /** Overwrites `points`. */
  readonly encodeAll: (out: Address, points: Address, count: number) => void;
  readonly fromUniformBytes: (out: Address, bytes: Address) => void;
  readonly pointsEqual: (p: Address, q: Address) => Mask;
  readonly pointIsIdentity: (p: Address) => Mask;
  readonly pointAdd: (out: Address, p: Address, q: Address) => void;
  readonly pointSubtract: (out: Address, p: Address, q: Address) => void;
  readonly pointNegate: (out: Address, p: Address) => void;
  readonly pointDouble: (out: Address, p: Address) => void;
  readonly addCached: (out: Address, p: Address, cached: Address) => void;
  readonly toCached: (out: Address, p: Address) => void;

  readonly multiplySecret: (out: Address, p: Address, scalar: Address) => void;
  readonly buildFixedTable: (table: Address, p: Address) => void;
  /** The scalar is below 2^bits. */
  readonly multiplyFixed: (out: Address, table: Address, scalar: Address, bits: number) => void;
  /** Overwrites `points`. */
  readonly multiScalarMultiply: (out: Address, points: Address, scalars: Address, count: number) => void;

  readonly isBelowOrder: (scalar: Address) => Mask;
  readonly reduceWide: (out: Address, bytes: Address) => void;
  readonly scalarAdd: (out: Address, a: Address, b: Address) => void;
  readonly scalarSubtract: (out: Address, a: Address, b: Address) => void;
  readonly scalarMultiply: (out: Address, a: Address, b: Address) => void;
  readonly scalarInvert: (out: Address, a: Address) => void;
  readonly scalarPowers: (out: Address, x: Address, count: number) => void;
  /** In place. */
  readonly scalarScale: (values: Address, count: number, factor: Address) => void;
  /** sums[at[i]] += weight * values[i]; `at` holds i32 indices. */
  readonly scalarAccumulate: (
    sums: Address,
    at: Address,
    values: Address,
    count: number,
    weight: Address,
  ) => void;
  readonly scalarInnerProduct: (out: Address, a: Address, b: Address, count: number) => void;
  readonly subsetSums: (out: Address, bits: Address, weights: Address, rows: number, columns: number) => void;

  /** `prefix` is `blocks` whole blocks of 136 bytes; `out` takes a state of 200. */
  readonly cshakeStart: (out: Address, prefix: Address, blocks: number) => void;
  /** The message has room for 136 bytes more, which are overwritten. */
  readonly cshakeXof: (
    out: Address,
    outBytes: number,
    start: Address,
    message: Address,
    bytes: number,
  ) => void;

  readonly digitTableBytes: (half: number) => number;
  readonly buildDigitTable: (table: Address, base: Address, half: number) => number;
  /** One i32 a point, -1 for no logarithm in [0, 2 * half). */
  readonly findDigits: (out: Address, table: Address, points: Address, count: number) => void;

  readonly smallLogTableBytes: (size: number) => number;
  readonly buildSmallLogTable: (table: Address, base: Address, size: number) => number;
  readonly clearTorsion: (out: Address, p: Address) => void;
  readonly walk: (out: Address, outStride: number, p: Address, stride: Address, steps: number) => void;
  /** Overwrites `points`; `out` takes one i32 each. */
  readonly lookUpAll: (out: Address, table: Address, points: Address, count: number) => void;

  /** Only of the fused kernel: whether this machine runs it exactly. */
  readonly isExact?: () => Mask;

  // The field itself, for tests and measurements.
  readonly fieldMultiply: (out: Address, a: Address, b: Address) => void;
  readonly fieldSquareTimes: (out: Address, a: Address, count: number) => void;
  readonly fieldInvert: (out: Address, a: Address) => void;
  readonly fieldFromBytes: (out: Address, bytes: Address) => void;
  /** -1 if u / v is a square, else 0; RFC 9496, section 4.2. */
  readonly sqrtRatio: (out: Address, u: Address, v: Address) => number;
  readonly fieldToBytes: (out: Address, a: Address) => void;
}
