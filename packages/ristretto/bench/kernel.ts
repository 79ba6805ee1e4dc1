/**
 * What the kernel's operations cost, each also in units of one `node:crypto` Ed25519 verification of the same run:
 * `node packages/ristretto/bench/kernel.ts` (after `scripts/build-kernel.sh`). Medians of processor time on one core.
 */
import { generateKeyPairSync, sign, verify } from 'node:crypto';
import { readKernel } from '../node/read-kernel.ts';
import { createNobleEngine, createWasmEngine } from '../src/index.ts';
import type { Ristretto255, Scalar } from '../src/index.ts';
import { Kernel } from '../src/wasm/kernel.ts';

const samples = 11;
const sampleMs = 8;

/** Processor time of one `task` in nanoseconds, over `rounds` of them. */
function sampleNs(task: () => unknown, rounds: number): number {
  const start = process.cpuUsage();
  for (let i = 0; i < rounds; i++) task();
  const { user, system } = process.cpuUsage(start);
  return ((user + system) * 1000) / rounds;
}

/** As many rounds as take `sampleMs`. */
function roundsFor(task: () => unknown): number {
  let rounds = 1;
  while (sampleNs(task, rounds) * rounds < sampleMs * 1e6) rounds *= 2;
  return rounds;
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}

const { privateKey, publicKey } = generateKeyPairSync('ed25519');
const message = Buffer.alloc(32);
const signature = sign(null, message, privateKey);
const unit = () => verify(null, message, publicKey, signature);
const unitRounds = roundsFor(unit);

/** A task in samples that alternate with samples of the unit, so that both meet the same machine. `per`: operations in one task. */
function report(name: string, task: () => unknown, per = 1): void {
  const rounds = roundsFor(task);
  const pairs = Array.from({ length: samples }, () => ({
    unitNs: sampleNs(unit, unitRounds),
    ns: sampleNs(task, rounds) / per,
  }));
  const ns = median(pairs.map((pair) => pair.ns));
  const inUnits = median(pairs.map((pair) => pair.ns / pair.unitNs));
  const time = ns < 1e4 ? `${ns.toFixed(0)} ns` : `${(ns / 1000).toFixed(1)} us`;
  process.stdout.write(`${name.padEnd(40)} ${time.padStart(12)} ${inUnits.toFixed(4).padStart(10)} E\n`);
}

function reportField(module: WebAssembly.Module): void {
  const kernel = new Kernel(new WebAssembly.Instance(module));
  const { exports, callArea } = kernel;
  exports.begin();
  const generator = exports.generatorPoint.value;
  const out = callArea;
  const cached = callArea + 256;
  exports.toCached(cached, generator);
  const field = 1000;
  report('field multiplication (and the call)', () => exports.fieldMultiply(out, generator, generator + 40));
  report('field squaring', () => exports.fieldSquareTimes(out, generator, field), field);
  report('field inversion', () => exports.fieldInvert(out, generator));
  report('point doubling', () => exports.pointDouble(out, generator));
  report('point addition, cached', () => exports.addCached(out, generator, cached));
}

function reportEngine(name: string, group: Ristretto255, sizes: readonly number[]): void {
  const scalarOf = (n: number): Scalar => {
    const bytes = new Uint8Array(64).fill(n & 255);
    new DataView(bytes.buffer).setUint32(8, n * 2654435761);
    return group.scalars.fromWideBytes(bytes);
  };
  const scalar = scalarOf(99);
  const point = group.multiplyGenerator(scalarOf(7));
  const other = group.multiplyGenerator(scalarOf(8));
  const encoded = group.encodePoint(point);
  const table = group.fixedBase(point);
  const each: [string, () => unknown][] = [
    ['add, through the interface', () => group.add(point, other)],
    ['scalar multiplication', () => group.scalars.multiply(scalar, scalar)],
    ['scalar inversion', () => group.scalars.invert(scalar)],
    ['decodePoint', () => group.decodePoint(encoded)],
    ['encodePoint', () => group.encodePoint(point)],
    ['multiply (secret, any point)', () => group.multiply(point, scalar)],
    ['multiplyGenerator (secret)', () => group.multiplyGenerator(scalar)],
    ['fixedBase: table', () => group.fixedBase(point)],
    ['fixedBase.multiply (secret)', () => table.multiply(scalar)],
    ['fixedBase.multiply (secret, 16 bits)', () => table.multiply(group.scalars.one, 16)],
  ];
  for (const [what, task] of each) report(`${name}: ${what}`, task);
  for (const size of [1, 2, 3, 16, 64]) {
    const points = Array.from({ length: size }, (_, i) => group.multiplyGenerator(scalarOf(i + 1)));
    report(`${name}: encodePoints, each of ${size}`, () => group.encodePoints(points), size);
  }
  for (const size of sizes) {
    const scalars = Array.from({ length: size }, (_, i) => scalarOf(i + 1));
    const points = scalars.map((value) => group.multiplyGenerator(value));
    report(`${name}: sum of ${size} products`, () => group.multiScalarMultiply(points, scalars));
  }
}

report('Ed25519 verify (the unit)', unit);
const module = readKernel();
reportField(module);
reportEngine('wasm', createWasmEngine(module).group, [2, 16, 64, 120, 400, 656, 1400, 3000]);
if (process.argv.includes('--noble')) reportEngine('noble', createNobleEngine().group, [64, 400, 1400]);
