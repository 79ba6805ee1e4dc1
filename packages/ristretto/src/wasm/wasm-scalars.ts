/** The scalar field on the kernel: constant time throughout, `equals` and `isZero` included. */
import type { Scalar, ScalarField } from '../ristretto255.ts';
import type { Kernel } from './kernel.ts';

export const scalarBytes = 32;

export function createWasmScalars(kernel: Kernel): ScalarField {
  const { exports, callArea } = kernel;
  const [first, second, result] = [callArea, callArea + 64, callArea + 128];

  const unary = (operation: (out: number, a: number) => void, a: Uint8Array) =>
    kernel.run(() => {
      kernel.bytes.set(a, first);
      operation(result, first);
      return kernel.take(result, scalarBytes) as Scalar;
    });
  const binary = (operation: (out: number, a: number, b: number) => void, a: Scalar, b: Scalar) =>
    kernel.run(() => {
      const { bytes } = kernel;
      bytes.set(a, first);
      bytes.set(b, second);
      operation(result, first, second);
      return kernel.take(result, scalarBytes) as Scalar;
    });
  const isCanonical = (bytes: Uint8Array) =>
    bytes.length === scalarBytes &&
    kernel.run(() => {
      kernel.bytes.set(bytes, first);
      return exports.isBelowOrder(first) !== 0;
    });

  const isZero = (scalar: Scalar) => {
    let bits = 0;
    for (const byte of scalar) bits |= byte;
    return bits === 0;
  };

  const zero = new Uint8Array(scalarBytes) as Scalar;
  const one = Uint8Array.of(1, ...new Uint8Array(scalarBytes - 1)) as Scalar;
  const subtract = (a: Scalar, b: Scalar) => binary(exports.scalarSubtract, a, b);
  return {
    zero,
    one,
    fromWideBytes(bytes) {
      if (bytes.length !== 64) throw new RangeError('wide reduction takes 64 bytes');
      return unary(exports.reduceWide, bytes);
    },
    // Its sign shows in its time, nothing else does: only a cheater's digits are negative.
    fromNumber(value) {
      if (!Number.isSafeInteger(value)) throw new RangeError('not a safe integer');
      const magnitude = smallScalar(Math.abs(value));
      return value < 0 ? subtract(zero, magnitude) : magnitude;
    },
    fromBytes: (bytes) => (isCanonical(bytes) ? (Uint8Array.from(bytes) as Scalar) : undefined),
    isCanonical,
    isZero,
    equals(a, b) {
      let difference = 0;
      for (let i = 0; i < scalarBytes; i++) difference |= a[i]! ^ b[i]!;
      return difference === 0;
    },
    add: (a, b) => binary(exports.scalarAdd, a, b),
    subtract,
    negate: (a) => subtract(zero, a),
    multiply: (a, b) => binary(exports.scalarMultiply, a, b),
    invert(a) {
      // All of it is read before anything is decided: where a secret's first byte differs from zero must not show.
      if (isZero(a)) throw new RangeError('zero has no inverse');
      return unary(exports.scalarInvert, a);
    },
    powers: (x, count) =>
      kernel.run(() => {
        const out = kernel.allocate(count * scalarBytes);
        exports.scalarPowers(out, kernel.put(x), count);
        return kernel.takeAll(out, count, scalarBytes) as Scalar[];
      }),
    scale: (values, factor) =>
      kernel.run(() => {
        const at = kernel.putAll(values, scalarBytes);
        exports.scalarScale(at, values.length, kernel.put(factor));
        return kernel.takeAll(at, values.length, scalarBytes) as Scalar[];
      }),
    innerProduct(a, b) {
      if (a.length !== b.length) throw new RangeError('vectors of unequal length');
      return kernel.run(() => {
        exports.scalarInnerProduct(
          result,
          kernel.putAll(a, scalarBytes),
          kernel.putAll(b, scalarBytes),
          a.length,
        );
        return kernel.take(result, scalarBytes) as Scalar;
      });
    },
    subsetSums(bitRows, weights, columns) {
      const rowBytes = Math.ceil(columns / 8);
      if (bitRows.length !== weights.length) throw new RangeError('one weight per row');
      if (bitRows.some((row) => row.length !== rowBytes)) throw new RangeError('rows of wrong length');
      return kernel.run(() => {
        const out = kernel.allocate(columns * scalarBytes);
        exports.subsetSums(
          out,
          kernel.putAll(bitRows, rowBytes),
          kernel.putAll(weights, scalarBytes),
          bitRows.length,
          columns,
        );
        return kernel.takeAll(out, columns, scalarBytes) as Scalar[];
      });
    },
  };
}

/** A safe integer that is not negative, little-endian. Without `%`: a remainder of floating point takes longer for larger values. */
function smallScalar(value: number): Scalar {
  const bytes = new Uint8Array(scalarBytes);
  const view = new DataView(bytes.buffer);
  const low = value >>> 0;
  view.setUint32(0, low, true);
  view.setUint32(4, (value - low) / 2 ** 32, true);
  return bytes as Scalar;
}
