/**
 * Encoding of many points against encoding of one and against @noble/curves: every count up to nine, and every way in which the
 * kernel may hold an element: each of its four representatives on the curve, any Z.
 */
import { describe, expect, it } from 'vitest';
import type { Point } from '../src/index.ts';
import { Kernel } from '../src/wasm/kernel.ts';
import { pointBytes, unwrapPoint, wrapPoint } from '../src/wasm/wasm-point.ts';
import { fused, fusedModule, kernelModule, noble, seededBytes, wasm } from './engines.ts';

const p = 2n ** 255n - 19n;
const elementBytes = 40;

/** The field and the curve: points are the same bytes for every kernel. */
const kernel = new Kernel(new WebAssembly.Instance(kernelModule));
const { exports } = kernel;
const bytes = kernel.callArea;
const [left, right, out] = [bytes + 256, bytes + 512, bytes + 768] as const;

function fieldElement(octets: Uint8Array): Uint8Array {
  kernel.bytes.set(octets, bytes);
  exports.fieldFromBytes(out, bytes);
  return kernel.take(out, elementBytes);
}

const littleEndian = (value: bigint): Uint8Array =>
  Uint8Array.from({ length: 32 }, (_, i) => Number((value >> BigInt(8 * i)) & 255n));
const fieldOf = (value: bigint): Uint8Array => fieldElement(littleEndian(((value % p) + p) % p));

function power(base: bigint, exponent: bigint): bigint {
  let result = 1n;
  for (const bit of exponent.toString(2)) result = (result * result * (bit === '1' ? base : 1n)) % p;
  return result;
}

const pointFrom = (...coordinates: Uint8Array[]): Point =>
  wrapPoint(Uint8Array.from(coordinates.flatMap((coordinate) => [...coordinate])));

/** The points of order 4 and less, all of which represent the identity: (0, 1), (0, -1), (i, 0), (-i, 0). */
const i = power(2n, (p - 1n) / 4n);
const [zero, one] = [0n, 1n].map(fieldOf) as [Uint8Array, Uint8Array];
const torsion: readonly Point[] = [
  pointFrom(zero, one, one, zero),
  pointFrom(zero, fieldOf(-1n), one, zero),
  pointFrom(fieldOf(i), zero, one, zero),
  pointFrom(fieldOf(-i), zero, one, zero),
];

/** The same point with all coordinates `factor` times as large. */
function scaled(point: Point, factor: Uint8Array): Point {
  kernel.bytes.set(factor, right);
  const coordinate = (at: number): Uint8Array => {
    kernel.bytes.set(unwrapPoint(point).subarray(at, at + elementBytes), left);
    exports.fieldMultiply(out, left, right);
    return kernel.take(out, elementBytes);
  };
  return pointFrom(...[0, 1, 2, 3].map((n) => coordinate(n * elementBytes)));
}

const factors = [one, fieldOf(-1n), fieldOf(2n), fieldElement(seededBytes('factor', 32))];

/** Every representative, by every factor: all one element. */
const representatives = (point: Point): Point[] =>
  torsion.flatMap((other) => factors.map((factor) => scaled(wasm.add(point, other), factor)));

/** A form of an element, and its encoding by the reference. */
interface Known {
  readonly point: Point;
  readonly encoding: Uint8Array;
}

const elements = [
  ...[0, 1, 2, 3, -1].map((n) => noble.multiplyGenerator(noble.scalars.fromNumber(n))),
  ...Array.from({ length: 12 }, (_, n) => noble.fromUniformBytes(seededBytes(`element ${n}`, 64))),
].map((point) => noble.encodePoint(point));

const known: readonly Known[] = elements.flatMap((encoding) =>
  representatives(wasm.decodePoint(encoding)!).map((point) => ({ point, encoding })),
);

/** `count` of them, from place `start` on, far apart. */
const some = (count: number, start = 0): Known[] =>
  Array.from({ length: count }, (_, n) => known[(start + 37 * n) % known.length]!);

const encodings = (of: readonly Known[]): Uint8Array =>
  Uint8Array.from(of.flatMap(({ encoding }) => [...encoding]));
const points = (of: readonly Known[]): Point[] => of.map(({ point }) => point);

describe.each([
  ['portable', wasm],
  ['fused', fused],
])('encoding, %s', (_, group) => {
  it('knows elements by their sixteen forms, which differ', () => {
    const forms = representatives(group.generator);
    expect(new Set(forms.map((form) => unwrapPoint(form).join())).size).toBe(16);
    expect(forms.every((form) => group.equals(form, group.generator))).toBe(true);
    expect(forms.every((form) => unwrapPoint(form).length === pointBytes)).toBe(true);
  });

  it('gives one encoding for every form, alone and in pairs with any neighbour', () => {
    for (const { point, encoding } of known) expect(group.encodePoint(point)).toEqual(encoding);
    expect(group.encodePoints(points(known))).toEqual(encodings(known));
    const shifted = [...known.slice(1), known[0]!];
    expect(group.encodePoints(points(shifted))).toEqual(encodings(shifted));
  });

  it.each([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])('of %d points is that of each', (count) => {
    for (let start = 0; start < known.length; start += 11) {
      const chosen = some(count, start);
      expect(group.encodePoints(points(chosen))).toEqual(encodings(chosen));
    }
  });

  it('of random sums and products is that of each, and that of the reference', () => {
    const scalars = Array.from({ length: 65 }, (__, n) => seededBytes(`scalar ${n}`, 64));
    const sums = (engine: typeof group): Point[] => {
      const base = engine.fromUniformBytes(seededBytes('base', 64));
      return scalars.map((wide, n) => {
        const product = engine.multiply(base, engine.scalars.fromWideBytes(wide));
        return n % 2 === 0 ? product : engine.add(product, engine.generator);
      });
    };
    const ours = sums(group);
    const together = group.encodePoints(ours);
    ours.forEach((point, n) =>
      expect(together.subarray(32 * n, 32 * n + 32)).toEqual(group.encodePoint(point)),
    );
    expect(together).toEqual(noble.encodePoints(sums(noble)));
  });

  it('leaves the points as they were', () => {
    const chosen = points(some(6));
    const before = chosen.map((point) => unwrapPoint(point).slice());
    group.encodePoints(chosen);
    expect(chosen.map((point) => unwrapPoint(point))).toEqual(before);
  });
});

interface EncodeExports {
  readonly encodePower: WebAssembly.Global<'i32'>;
  readonly normalizePoints: (points: number, count: number, products: number) => void;
  readonly startEncode: (work: number, point: number) => void;
}

it.skipIf(fusedModule === undefined)('raises a number to a power that depends on the element alone', () => {
  const pairs = new Kernel(new WebAssembly.Instance(fusedModule ?? kernelModule));
  const { encodePower, normalizePoints, startEncode } = pairs.exports as unknown as EncodeExports;
  const at = pairs.callArea;
  const [products, work, encoded] = [at + 192, at + 256, at + 512] as const;
  const raised = (point: Point): string => {
    pairs.bytes.set(unwrapPoint(point), at);
    normalizePoints(at, 1, products);
    startEncode(work, at);
    pairs.exports.fieldToBytes(encoded, work + encodePower.value);
    return pairs.take(encoded, 32).join();
  };
  const numbers = elements.map((encoding) => {
    const ofForms = new Set(representatives(wasm.decodePoint(encoding)!).map(raised));
    expect(ofForms.size).toBe(1);
    return [...ofForms][0];
  });
  expect(new Set(numbers).size).toBe(elements.length);
});
