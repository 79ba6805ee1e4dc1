/**
 * ristretto255 on the WebAssembly kernel (`assembly/`): constant time for secret scalars, fast in bulk.
 *
 * Invariants: every instance has its own memory, and no call is interrupted by another one; points of one engine are
 * no points of another.
 */
import type { FixedBase, Point, Ristretto255 } from '../ristretto255.ts';
import { checkBits, scalarBits } from '../scalar-bits.ts';
import { createFixedTables } from './fixed-tables.ts';
import type { Kernel } from './kernel.ts';
import { encodedBytes, pointBytes, unwrapPoint, wrapPoint } from './wasm-point.ts';
import { createWasmScalars, scalarBytes } from './wasm-scalars.ts';
import { createWasmSmallLog } from './wasm-small-log.ts';
import { weightedSum } from './wasm-weighted-sum.ts';

export function createWasmRistretto(kernel: Kernel): Ristretto255 {
  const { exports, callArea } = kernel;
  const [first, second, result] = [callArea, callArea + 160, callArea + 320];
  const scalars = createWasmScalars(kernel);
  const tables = createFixedTables(kernel);
  const generator = kernel.take(exports.generatorPoint.value, pointBytes);

  const resultPoint = () => wrapPoint(kernel.takePooled(result, pointBytes));
  const combine = (operation: (out: number, p: number, q: number) => void, a: Point, b: Point) =>
    kernel.run(() => {
      const { bytes } = kernel;
      bytes.set(unwrapPoint(a), first);
      bytes.set(unwrapPoint(b), second);
      operation(result, first, second);
      return resultPoint();
    });
  const multiply = (point: Uint8Array, scalar: Uint8Array) =>
    kernel.run(() => {
      kernel.bytes.set(point, first);
      kernel.bytes.set(scalar, second);
      exports.multiplySecret(result, first, second);
      return kernel.takePooled(result, pointBytes);
    });
  const fixedBase = (point: Uint8Array): FixedBase => {
    const table = tables.build(point);
    return {
      multiply(scalar, bits = scalarBits) {
        checkBits(scalar, bits);
        const address = table.address();
        return kernel.run(() => {
          kernel.bytes.set(scalar, first);
          exports.multiplyFixed(result, address, first, bits);
          return resultPoint();
        });
      },
    };
  };
  const decodePoints = (bytes: Uint8Array) =>
    bytes.length % encodedBytes !== 0
      ? undefined
      : kernel.runPublic(() => {
          const count = bytes.length / encodedBytes;
          const points = kernel.allocate(count * pointBytes);
          if (exports.decodeAll(points, kernel.put(bytes), count) === 0) return undefined;
          return kernel.takeAll(points, count, pointBytes).map(wrapPoint);
        });
  const encodePoints = (points: readonly Point[]) =>
    kernel.run(() => {
      const out = kernel.allocate(points.length * encodedBytes);
      exports.encodeAll(out, kernel.putAll(points.map(unwrapPoint), pointBytes), points.length);
      return kernel.take(out, points.length * encodedBytes);
    });
  const generatorTable = fixedBase(generator);

  return {
    generator: wrapPoint(generator),
    identity: wrapPoint(kernel.take(exports.identityPoint.value, pointBytes)),
    scalars,

    decodePoint(bytes) {
      if (bytes.length !== encodedBytes) return undefined;
      return kernel.runPublic(() => {
        kernel.bytes.set(bytes, first);
        return exports.decodeAll(result, first, 1) === 0 ? undefined : resultPoint();
      });
    },
    decodePoints,
    encodePoint: (point) =>
      kernel.run(() => {
        kernel.bytes.set(unwrapPoint(point), first);
        exports.encodeAll(result, first, 1);
        return kernel.take(result, encodedBytes);
      }),
    encodePoints,
    fromUniformBytes(bytes) {
      if (bytes.length !== 64) throw new RangeError('hash-to-group takes 64 bytes');
      return kernel.run(() => {
        kernel.bytes.set(bytes, first);
        exports.fromUniformBytes(result, first);
        return resultPoint();
      });
    },

    equals: (a, b) =>
      kernel.run(() => {
        kernel.bytes.set(unwrapPoint(a), first);
        kernel.bytes.set(unwrapPoint(b), second);
        return exports.pointsEqual(first, second) !== 0;
      }),
    isIdentity: (point) =>
      kernel.run(() => {
        kernel.bytes.set(unwrapPoint(point), first);
        return exports.pointIsIdentity(first) !== 0;
      }),
    add: (a, b) => combine(exports.pointAdd, a, b),
    subtract: (a, b) => combine(exports.pointSubtract, a, b),
    negate: (point) =>
      kernel.run(() => {
        kernel.bytes.set(unwrapPoint(point), first);
        exports.pointNegate(result, first);
        return resultPoint();
      }),

    multiply: (point, scalar) => wrapPoint(multiply(unwrapPoint(point), scalar)),
    multiplyGenerator: (scalar) => generatorTable.multiply(scalar),
    fixedBase: (point) => fixedBase(unwrapPoint(point)),
    multiScalarMultiply(points, coefficients) {
      if (points.length !== coefficients.length) throw new RangeError('vectors of unequal length');
      return kernel.runPublic(() => {
        const at = kernel.putAll(points.map(unwrapPoint), pointBytes);
        exports.multiScalarMultiply(result, at, kernel.putAll(coefficients, scalarBytes), points.length);
        return resultPoint();
      });
    },
    weightedSum: (combinations, weights) =>
      kernel.runPublic(() => {
        weightedSum(kernel, result, combinations, weights);
        return resultPoint();
      }),
    smallLog: (base, options) =>
      createWasmSmallLog(
        { kernel, multiply, fromNumber: (value) => scalars.fromNumber(value) },
        unwrapPoint(base),
        options,
      ),
  };
}
