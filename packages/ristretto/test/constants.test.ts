/** Every constant of the kernel against its definition (RFC 9496, section 4.1), read from the source's limbs. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

const p = 2n ** 255n - 19n;
const mod = (value: bigint) => ((value % p) + p) % p;
const inverse = (value: bigint) => power(value, p - 2n);
const d = mod(-121665n * inverse(121666n));
const generator = {
  x: 15112221349535400772501151409588531511454012693041857206046113283949847762202n,
  y: mod(4n * inverse(5n)),
};

function power(base: bigint, exponent: bigint): bigint {
  let result = 1n;
  for (let square = mod(base), rest = exponent; rest > 0n; rest >>= 1n, square = mod(square * square)) {
    if (rest & 1n) result = mod(result * square);
  }
  return result;
}

/** The non-negative square root: a constant's sign matters too. */
const isRootOf = (square: bigint) => (root: bigint) => mod(root * root) === mod(square) && (root & 1n) === 0n;
const isValue = (value: bigint) => (constant: bigint) => constant === mod(value);

const definitions: Record<string, readonly ((constant: bigint) => boolean)[]> = {
  zero: [isValue(0n)],
  one: [isValue(1n)],
  two: [isValue(2n)],
  curveD: [isValue(d)],
  curveTwoD: [isValue(2n * d)],
  curveInverseD: [isValue(inverse(d))],
  sqrtMinusOne: [isRootOf(-1n)],
  // The RFC's own value, which is the negative root.
  sqrtAdMinusOne: [isValue(25063068953384623474111414158702152701244531502492656460079210482610430750235n)],
  invSqrtAMinusD: [isRootOf(inverse(-1n - d))],
  oneMinusDSquared: [isValue(1n - d * d)],
  dMinusOneSquared: [isValue((d - 1n) ** 2n)],
  generatorPoint: [generator.x, generator.y, 1n, generator.x * generator.y].map(isValue),
  identityPoint: [0n, 1n, 1n, 0n].map(isValue),
};

function readConstants(): Map<string, bigint[]> {
  const source = readFileSync(new URL('../assembly/constants.ts', import.meta.url), 'utf8');
  const found = source.matchAll(/export const (\w+): usize = memory\.data<i32>\(\[([^\]]*)\]\)/g);
  return new Map(
    Array.from(found, ([, name, list]) => [name!, (list!.match(/-?\d+/g) ?? []).map((limb) => BigInt(limb))]),
  );
}

describe('constants', () => {
  const constants = readConstants();

  it('are all defined here', () => {
    expect([...constants.keys()].sort()).toEqual(Object.keys(definitions).sort());
  });

  it.each(Object.entries(definitions))('%s is what it says, in limbs of one unit', (name, checks) => {
    const limbs = constants.get(name)!;
    expect(limbs.length).toBe(10 * checks.length);
    for (const limb of limbs) expect(limb >= -(2n ** 28n) && limb <= 2n ** 28n).toBe(true);
    checks.forEach((isRight, i) => {
      const value = limbs.slice(10 * i, 10 * i + 9).reduceRight((sum, limb) => (sum << 29n) + limb, 0n);
      expect(isRight(mod(value))).toBe(true);
    });
  });

  it('SQRT_AD_MINUS_ONE is a root of a * d - 1', () => {
    const root = 25063068953384623474111414158702152701244531502492656460079210482610430750235n;
    expect(mod(root * root)).toBe(mod(-d - 1n));
  });
});
