/**
 * Does the time of a multiplication depend on its secret scalar? For every operation, a class of equal scalars against
 * a class of random ones, interleaved at random; the statistic is Welch's t (`welch.ts`).
 * `node packages/ristretto/bench/constant-time.ts [samples]` (after `scripts/build-kernel.sh`).
 *
 * The positive controls are multiplications that do leak: the variable-time sum of one product, and a secret
 * multiplication followed by four additions if the scalar is odd. They have to be detected, or the script fails: a
 * measurement that finds nothing there says nothing elsewhere.
 */
import { randomBytes, randomInt } from 'node:crypto';
import { createNodeEngine } from '../node/read-kernel.ts';
import type { Scalar } from '../src/index.ts';
import { largestT } from './welch.ts';

/** Evidence of a leak. */
const threshold = 4.5;
const samples = Number(process.argv[2] ?? 20_000);

const group = createNodeEngine().group;
const { scalars } = group;
const point = group.multiplyGenerator(randomScalar());
const table = group.fixedBase(point);

function randomScalar(): Scalar {
  return scalars.fromWideBytes(randomBytes(64));
}

/** Scalars whose digits to base 16 are extreme: nearly all zero, all seven, all minus eight with every carry, the largest. */
const fixedScalars: readonly (readonly [name: string, scalar: Scalar])[] = [
  ['one', scalars.one],
  ['digits 7', scalars.fromBytes(Uint8Array.from({ length: 32 }, (_, i) => (i < 31 ? 0x77 : 0x07)))!],
  ['digits 8', scalars.fromBytes(Uint8Array.from({ length: 32 }, (_, i) => (i < 31 ? 0x88 : 0x08)))!],
  ['minus one', scalars.negate(scalars.one)],
];

/** Leaks the lowest bit by some hundredths of its time. */
function multiplyAndLeakABit(scalar: Scalar): void {
  group.multiply(point, scalar);
  const [lowest = 0] = scalar;
  if (lowest & 1) for (let i = 0; i < 4; i++) group.add(point, point);
}

const operations: readonly (readonly [name: string, leaks: boolean, task: (scalar: Scalar) => unknown])[] = [
  ['multiply', false, (scalar) => group.multiply(point, scalar)],
  ['multiplyGenerator', false, (scalar) => group.multiplyGenerator(scalar)],
  ['fixedBase.multiply', false, (scalar) => table.multiply(scalar)],
  ['scalars.invert', false, (scalar) => scalars.invert(scalar)],
  ['control: variable time', true, (scalar) => group.multiScalarMultiply([point], [scalar])],
  ['control: four additions if odd', true, multiplyAndLeakABit],
];

function measure(task: (scalar: Scalar) => unknown, fixed: Scalar): number {
  // All inputs are made in advance, both classes by the same steps, and pass through one buffer: where a scalar lies in memory,
  // and whether it is in the cache, must not depend on its class.
  const input = new Uint8Array(32);
  const isFixed = Uint8Array.from({ length: samples }, () => randomInt(2));
  const inputs = new Uint8Array(samples * 32);
  isFixed.forEach((choice, i) => {
    const both = [randomScalar(), fixed];
    inputs.set(both[choice] ?? fixed, i * 32);
  });
  const times: [random: number[], fixed: number[]] = [[], []];
  const warmUp = samples / 10;
  for (let i = 0; i < samples; i++) {
    input.set(inputs.subarray(i * 32, (i + 1) * 32));
    const start = performance.now();
    task(input as Scalar);
    const elapsed = performance.now() - start;
    if (i >= warmUp) times[isFixed[i] === 1 ? 1 : 0].push(elapsed);
  }
  return largestT(...times);
}

let isFailed = false;
for (const [name, leaks, task] of operations) {
  for (const [value, fixed] of fixedScalars) {
    const t = measure(task, fixed);
    const isDetected = Math.abs(t) > threshold;
    if (isDetected !== leaks) isFailed = true;
    const verdict = isDetected ? 'differs' : 'no difference seen';
    process.stdout.write(
      `${name.padEnd(30)} ${value.padEnd(10)} |t| = ${Math.abs(t).toFixed(1).padStart(6)}  ${verdict}\n`,
    );
  }
}
process.exitCode = isFailed ? 1 : 0;
