/**
 * The kernel against @noble/curves, function by function of the interface, over seeded random and edge inputs. What
 * leaves an engine is bytes: they have to be the same.
 */
import { describe, expect, it } from 'vitest';
import type { Point, Ristretto255, Scalar } from '../src/index.ts';
import { fused, noble, seededBytes, wasm } from './engines.ts';
import { invalidEncodings } from './rfc9496-vectors.ts';
import { hexToBytes } from '@noble/hashes/utils.js';

const order = 2n ** 252n + 27742317777372353535851937790883648493n;

function bytesOf(value: bigint, length = 32): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => Number((value >> BigInt(8 * i)) & 255n));
}

/** Scalars where recodings and reductions have their corners. */
const edgeScalars: readonly Uint8Array[] = [
  0n,
  1n,
  2n,
  7n,
  8n,
  9n,
  15n,
  16n,
  order - 1n,
  order - 2n,
  order - 8n,
  order / 2n,
  order / 2n + 1n,
  2n ** 252n,
  2n ** 252n - 1n,
  2n ** 128n,
  2n ** 128n - 1n,
  // Digits that are all 8, all 7, alternating: every carry of the signed base 16, or none.
  BigInt(`0x${'08'.repeat(32)}`),
  BigInt(`0x0${'8'.repeat(63)}`),
  BigInt(`0x0${'7'.repeat(63)}`),
  BigInt(`0x0${'f'.repeat(63)}`),
].map((value) => bytesOf(value));

const randomScalars = Array.from({ length: 12 }, (_, i) => {
  const wide = seededBytes(`scalar ${i}`, 64);
  return Uint8Array.from(noble.scalars.fromWideBytes(wide));
});
const scalarBytes = [...edgeScalars, ...randomScalars];
const parse = (group: Ristretto255) => scalarBytes.map((bytes) => group.scalars.fromBytes(bytes)!);

/** Encodings of points: the identity, small and random multiples, results of hash-to-group. */
const encodings = [
  ...[0, 1, 2, 3, -1].map((n) => noble.encodePoint(noble.multiplyGenerator(noble.scalars.fromNumber(n)))),
  ...Array.from({ length: 8 }, (_, i) =>
    noble.encodePoint(noble.fromUniformBytes(seededBytes(`point ${i}`, 64))),
  ),
];
const decode = (group: Ristretto255) => encodings.map((bytes) => group.decodePoint(bytes)!);

/** What both kernels and the reference compute. */
function both(compute: (group: Ristretto255) => unknown): [unknown, unknown] {
  const portable = compute(wasm);
  expect(compute(fused)).toEqual(portable);
  return [portable, compute(noble)];
}

describe('scalars', () => {
  it('add, subtract, negate, multiply, invert alike', () => {
    const [ours, theirs] = both(({ scalars, ...group }) => {
      const values = parse({ scalars, ...group });
      return values.flatMap((a, i) => {
        const b = values[(i * 7 + 3) % values.length]!;
        return [
          scalars.add(a, b),
          scalars.subtract(a, b),
          scalars.subtract(b, a),
          scalars.negate(a),
          scalars.multiply(a, b),
          scalars.multiply(a, a),
          scalars.isZero(a),
          scalars.equals(a, b),
          scalars.isZero(a) ? 'no inverse' : scalars.invert(a),
        ];
      });
    });
    expect(ours).toEqual(theirs);
  });

  it('reduce wide bytes alike', () => {
    const wides = [
      ...Array.from({ length: 50 }, (_, i) => seededBytes(`wide ${i}`, 64)),
      ...[
        0n,
        1n,
        order,
        order - 1n,
        order ** 2n,
        order * 2n ** 256n,
        2n ** 256n - 1n,
        2n ** 256n,
        2n ** 512n - 1n,
      ].map((value) => bytesOf(value, 64)),
    ];
    const [ours, theirs] = both(({ scalars }) => wides.map((bytes) => scalars.fromWideBytes(bytes)));
    expect(ours).toEqual(theirs);
  });

  it('refuse what is not below the order, and take what is', () => {
    const candidates = [
      ...[order, order + 1n, 2n * order, 2n ** 253n, 2n ** 255n, 2n ** 256n - 1n, order + 2n ** 128n].map(
        (value) => bytesOf(value),
      ),
      ...[0n, order - 1n, 2n ** 252n].map((value) => bytesOf(value)),
      ...Array.from({ length: 20 }, (_, i) => seededBytes(`candidate ${i}`, 32)),
      new Uint8Array(31),
      new Uint8Array(33),
      new Uint8Array(0),
    ];
    const [ours, theirs] = both(({ scalars }) =>
      candidates.map((bytes) => [scalars.isCanonical(bytes), scalars.fromBytes(bytes)]),
    );
    expect(ours).toEqual(theirs);
  });

  it('come from numbers alike', () => {
    const [ours, theirs] = both(({ scalars }) =>
      [
        0,
        1,
        -1,
        2 ** 16,
        -(2 ** 16),
        2 ** 32,
        2 ** 32 - 1,
        Number.MAX_SAFE_INTEGER,
        Number.MIN_SAFE_INTEGER,
      ].map((n) => scalars.fromNumber(n)),
    );
    expect(ours).toEqual(theirs);
  });

  it('give powers, inner products and subset sums alike', () => {
    const [ours, theirs] = both((group) => {
      const values = parse(group);
      const rows = values.map((_, k) => seededBytes(`row ${k}`, 21));
      return [
        [0, 1, 2, 100].map((count) => group.scalars.powers(values.at(-1)!, count)),
        group.scalars.powers(group.scalars.zero, 3),
        group.scalars.innerProduct([], []),
        group.scalars.innerProduct(values, [...values].reverse()),
        group.scalars.subsetSums(rows, values, 161),
        group.scalars.subsetSums([], [], 5),
      ];
    });
    expect(ours).toEqual(theirs);
  });

  it('sum many rows of the largest weight', () => {
    const [ours, theirs] = both(({ scalars }) => {
      const largest = scalars.negate(scalars.one);
      const rows = Array.from({ length: 300 }, () => Uint8Array.of(255, 0b101));
      return scalars.subsetSums(
        rows,
        rows.map(() => largest),
        11,
      );
    });
    expect(ours).toEqual(theirs);
  });
});

describe('encodings', () => {
  it('are decoded and refused alike', () => {
    const edges = [
      0n,
      1n,
      2n ** 255n - 20n,
      2n ** 255n - 19n,
      2n ** 255n - 18n,
      2n ** 255n - 1n,
      2n ** 255n,
      2n ** 256n - 1n,
    ];
    const candidates = [
      ...encodings,
      ...edges.map((value) => bytesOf(value)),
      ...Array.from({ length: 60 }, (_, i) => {
        const bytes = seededBytes(`encoding ${i}`, 32);
        bytes[0]! &= 254;
        bytes[31]! &= 127;
        return bytes;
      }),
      ...Object.values(invalidEncodings).flatMap((list) => list.map(hexToBytes)),
    ];
    let accepted = 0;
    for (const bytes of candidates) {
      const [ours, theirs] = [wasm.decodePoint(bytes), noble.decodePoint(bytes)];
      expect(ours === undefined).toBe(theirs === undefined);
      if (ours === undefined) continue;
      accepted++;
      expect(wasm.encodePoint(ours)).toEqual(bytes);
    }
    expect(accepted).toBeGreaterThan(encodings.length);
  });

  it('that differ from p in a single byte are canonical by the rules of numbers alone', () => {
    const candidates = Array.from({ length: 32 }, (_, place) =>
      [1n, 2n, 5n, 16n, 74n, 129n, 254n].flatMap((less) =>
        [237n, 238n, 240n, 254n].map((lowest) =>
          bytesOf(2n ** 255n - 256n + lowest - (place === 0 ? 0n : less << BigInt(8 * place))),
        ),
      ),
    )
      .flat()
      .filter((bytes) => bytes[31]! < 128);
    let accepted = 0;
    for (const bytes of candidates) {
      const isAccepted = noble.decodePoint(bytes) !== undefined;
      expect([wasm, fused].map((group) => group.decodePoint(bytes) !== undefined)).toEqual([
        isAccepted,
        isAccepted,
      ]);
      if (isAccepted) accepted++;
    }
    expect(accepted).toBeGreaterThan(100);
  });

  it('do not mind where the bytes lie', () => {
    const shifted = new Uint8Array(35);
    shifted.set(encodings[5]!, 3);
    expect(wasm.encodePoint(wasm.decodePoint(shifted.subarray(3))!)).toEqual(encodings[5]);
  });

  it('are derived from uniform bytes alike', () => {
    const inputs = [
      new Uint8Array(64),
      new Uint8Array(64).fill(255),
      Uint8Array.from([...bytesOf(2n ** 255n - 19n), ...bytesOf(1n)]),
      ...Array.from({ length: 20 }, (_, i) => seededBytes(`uniform ${i}`, 64)),
    ];
    const [ours, theirs] = both((group) =>
      inputs.map((bytes) => group.encodePoint(group.fromUniformBytes(bytes))),
    );
    expect(ours).toEqual(theirs);
  });
});

describe('points', () => {
  it('add, subtract, negate and compare alike', () => {
    const [ours, theirs] = both((group) => {
      const points = decode(group);
      return points.flatMap((a) =>
        points.map((b) => [
          group.encodePoints([group.add(a, b), group.subtract(a, b), group.negate(a)]),
          group.equals(a, b),
          group.isIdentity(group.subtract(a, b)),
        ]),
      );
    });
    expect(ours).toEqual(theirs);
  });

  it.each<[string, (group: Ristretto255, point: Point) => (scalar: Scalar) => Point]>([
    ['multiply', (group, point) => (scalar) => group.multiply(point, scalar)],
    [
      'fixedBase',
      (group, point) => {
        const table = group.fixedBase(point);
        return (scalar) => table.multiply(scalar);
      },
    ],
    ['multiplyGenerator', (group) => (scalar) => group.multiplyGenerator(scalar)],
  ])('multiply by every scalar alike: %s', (_, multiplyBy) => {
    const [ours, theirs] = both((group) =>
      [0, 1, 7].map((n) => group.encodePoints(parse(group).map(multiplyBy(group, decode(group)[n]!)))),
    );
    expect(ours).toEqual(theirs);
  });

  it('keep fixed bases apart, however many there are', () => {
    const [ours, theirs] = both((group) => {
      const tables = decode(group).map((point) => group.fixedBase(point));
      const [one, other] = [parse(group).at(-1)!, parse(group).at(-2)!];
      return [one, other].map((scalar) => group.encodePoints(tables.map((table) => table.multiply(scalar))));
    });
    expect(ours).toEqual(theirs);
  });
});

describe('multi-scalar multiplication', () => {
  it.each([0, 1, 2, 3, 11, 12, 13, 31, 32, 119, 120, 160, 1000, 3000])('of %d points', (size) => {
    // Few distinct points and edge scalars among random ones: equal digits, equal points, cancelling terms.
    const terms = Array.from({ length: size }, (_, i) => ({
      point: i % 5 === 0 ? encodings[i % encodings.length]! : undefined,
      scalar: i % 3 === 0 ? scalarBytes[i % scalarBytes.length]! : undefined,
    }));
    const compute = (group: Ristretto255) => {
      const base = group.fromUniformBytes(seededBytes('base', 64));
      let running = base;
      const points = terms.map(({ point }) => {
        running = group.add(running, base);
        return point === undefined ? running : group.decodePoint(point)!;
      });
      const weights = group.scalars.powers(group.scalars.fromWideBytes(seededBytes('weights', 64)), size);
      const scalars = terms.map(({ scalar }, i) =>
        scalar === undefined ? weights[i]! : group.scalars.fromBytes(scalar)!,
      );
      return group.encodePoint(group.multiScalarMultiply(points, scalars));
    };
    const [ours, theirs] = both(compute);
    expect(ours).toEqual(theirs);
  });
});

describe('small logarithms', () => {
  it('are found alike, and alike not', () => {
    const [ours, theirs] = both((group) => {
      const base = group.fromUniformBytes(seededBytes('log base', 64));
      const log = group.smallLog(base, { range: 2 ** 16, searchTableSize: 500 });
      const times = (n: number) => group.multiply(base, group.scalars.fromNumber(n));
      const found = log.find([0, 1, 299, 300, 301, 600, 601, 602, 65535, 65536, -1, 40000].map(times));
      const search = log.search([5, -5, 100_000, -99_999, 2 ** 20].map(times), { maxAbs: 200_000 });
      for (;;) {
        const step = search.next();
        if (step.done) return [found, step.value];
      }
    });
    expect(ours).toEqual(theirs);
  });
});
