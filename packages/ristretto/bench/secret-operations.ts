/**
 * The operations of the kernel that meet secrets, with inputs that would show it: digits to base 16 that are all zero, all seven, all
 * minus eight with every carry, and the largest; numbers at both ends of their range.
 *
 * The controls leak on purpose: the variable-time sum of one product, a secret multiplication followed by four additions if
 * the scalar is odd, and an addition that is left out if a digit is zero.
 */
import { randomBytes } from 'node:crypto';
import type { Point, Ristretto255, Scalar } from '../src/index.ts';
import { pointBytes, unwrapPoint, wrapPoint } from '../src/wasm/wasm-point.ts';
import type { TimedOperation } from './timing-classes.ts';

const scalarBytes = 32;
/** Scalars in one inner product, digits of one secret. */
const vector = 16;
const columns = 128;

export function secretOperations(group: Ristretto255): TimedOperation[] {
  const { scalars } = group;
  const random = (): Scalar => scalars.fromWideBytes(randomBytes(64));
  const point = group.multiplyGenerator(random());
  const table = group.fixedBase(point);
  const extremes = {
    one: scalars.one,
    'digits 7': filled(0x77, 0x07),
    'digits 8': filled(0x88, 0x08),
    'minus one': scalars.negate(scalars.one),
  };
  const ofScalar = { fixed: always(extremes), random };

  /** A scalar below 2^bits. */
  const short = (bits: number) => {
    const below = (bytes: Uint8Array): Uint8Array => {
      const scalar = new Uint8Array(scalarBytes);
      scalar.set(bytes.subarray(0, Math.ceil(bits / 8)));
      if (bits % 8 !== 0) scalar[bits >> 3]! &= 2 ** (bits % 8) - 1;
      return scalar;
    };
    const fixed = { zero: 0, 'digits 7': 0x77, 'digits 8': 0x88, largest: 0xff };
    return {
      fixed: mapValues(fixed, (byte) => () => below(new Uint8Array(8).fill(byte))),
      random: () => below(randomBytes(8)),
    };
  };

  const weights = Array.from({ length: vector }, random);
  const row = (): Uint8Array => randomBytes(columns / 8);
  const subsets = Array.from({ length: vector }, row);
  const many = {
    fixed: mapValues(extremes, (scalar) => () => repeated(scalar)),
    random: () => joined(Array.from({ length: vector }, random)),
  };
  const scalarsOf = (input: Uint8Array) => cut(input, scalarBytes) as Scalar[];

  return [
    {
      name: 'multiply',
      leaks: false,
      ...ofScalar,
      task: (scalar) => group.multiply(point, scalar as Scalar),
    },
    {
      name: 'multiplyGenerator',
      leaks: false,
      ...ofScalar,
      task: (scalar) => group.multiplyGenerator(scalar as Scalar),
    },
    {
      name: 'fixedBase.multiply',
      leaks: false,
      ...ofScalar,
      task: (scalar) => table.multiply(scalar as Scalar),
    },
    ...[16, 34].map((bits) => ({
      name: `fixedBase.multiply, ${bits} bits`,
      leaks: false,
      ...short(bits),
      task: (scalar: Uint8Array) => table.multiply(scalar as Scalar, bits),
    })),
    { name: 'scalars.invert', leaks: false, ...ofScalar, task: (scalar) => scalars.invert(scalar as Scalar) },
    {
      name: 'scalars.fromWideBytes',
      leaks: false,
      fixed: mapValues({ zero: 0, largest: 0xff }, (byte) => () => new Uint8Array(64).fill(byte)),
      random: () => randomBytes(64),
      task: (bytes) => scalars.fromWideBytes(bytes),
    },
    {
      name: 'scalars.innerProduct',
      leaks: false,
      ...many,
      task: (input) => scalars.innerProduct(weights, scalarsOf(input)),
    },
    {
      name: 'scalars.subsetSums',
      leaks: false,
      ...many,
      task: (input) => scalars.subsetSums(subsets, scalarsOf(input), columns),
      share: 1 / 2,
    },
    findOperation(group),
    ...encodeOperations(group),
    {
      name: 'control: variable time',
      leaks: true,
      ...ofScalar,
      task: (scalar) => group.multiScalarMultiply([point], [scalar as Scalar]),
    },
    {
      name: 'control: four additions if odd',
      leaks: true,
      ...ofScalar,
      task: (scalar) => {
        group.multiply(point, scalar as Scalar);
        if (scalar[0]! & 1) for (let i = 0; i < 4; i++) group.add(point, point);
      },
    },
    {
      name: 'control: no addition for zero',
      leaks: true,
      fixed: { zero: short(16).fixed['zero']! },
      random: short(16).random,
      task: (scalar) => {
        const product = table.multiply(scalar as Scalar, 16);
        if ((scalar[0]! | scalar[1]!) !== 0) group.add(product, point);
      },
    },
  ];
}

/** Finding 16 digits: the input is their points, as the engine holds them. */
function findOperation(group: Ristretto255): TimedOperation {
  const base = group.fromUniformBytes(new Uint8Array(64).fill(7));
  const table = group.fixedBase(base);
  const log = group.smallLog(base, { range: 2 ** 16, searchTableSize: 1 });
  const pointsOf = (digit: () => number): Uint8Array =>
    joined(
      Array.from({ length: vector }, () =>
        unwrapPoint(table.multiply(group.scalars.fromNumber(digit()), 16)),
      ),
    );
  const digits = { zero: 0, one: 1, middle: 2 ** 15, largest: 2 ** 16 - 1 };
  return {
    name: 'smallLog.find',
    leaks: false,
    fixed: mapValues(digits, (digit) => () => pointsOf(() => digit)),
    random: () => pointsOf(() => randomBytes(2).readUInt16LE()),
    task: (input) => log.find(cut(input, pointBytes).map((bytes): Point => wrapPoint(bytes))),
    share: 1 / 4,
  };
}

/** Encoding one point, and 16: the input is the points, as the engine holds them. Products have any Z, constants Z = 1. */
function encodeOperations(group: Ristretto255): TimedOperation[] {
  const product = (scalar: Scalar): Uint8Array => unwrapPoint(group.multiplyGenerator(scalar));
  const random = (): Uint8Array => product(group.scalars.fromWideBytes(randomBytes(64)));
  const points = {
    identity: unwrapPoint(group.identity),
    generator: unwrapPoint(group.generator),
    'zero times': product(group.scalars.zero),
    'minus once': product(group.scalars.negate(group.scalars.one)),
  };
  return [
    {
      name: 'encodePoint',
      leaks: false,
      fixed: always(points),
      random,
      task: (input) => group.encodePoint(wrapPoint(input)),
    },
    {
      name: 'encodePoints, 16',
      leaks: false,
      fixed: mapValues(points, (point) => () => repeated(point)),
      random: () => joined(Array.from({ length: vector }, random)),
      task: (input) => group.encodePoints(cut(input, pointBytes).map((bytes): Point => wrapPoint(bytes))),
      share: 1 / 4,
    },
  ];
}

const filled = (byte: number, last: number): Scalar =>
  Uint8Array.from({ length: scalarBytes }, (_, i) => (i < scalarBytes - 1 ? byte : last)) as Scalar;

const repeated = (part: Uint8Array): Uint8Array => joined(Array.from({ length: vector }, () => part));

const joined = (parts: readonly Uint8Array[]): Uint8Array =>
  Uint8Array.from(parts.flatMap((part) => [...part]));

const cut = (input: Uint8Array, size: number): Uint8Array[] =>
  Array.from({ length: input.length / size }, (_, i) => input.subarray(i * size, (i + 1) * size));

const always = (inputs: Readonly<Record<string, Uint8Array>>) => mapValues(inputs, (input) => () => input);

function mapValues<T, U>(values: Readonly<Record<string, T>>, map: (value: T) => U): Record<string, U> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, map(value)]));
}
