/**
 * What the kernel's operations cost, each also in units of one `node:crypto` Ed25519 verification of the same run:
 * `node packages/ristretto/bench/kernel.ts` (after `scripts/build-kernel.sh`). Medians of processor time on one core.
 */
import { generateKeyPairSync, sign, verify } from 'node:crypto';
import { readKernel } from '../node/read-kernel.ts';
import { createNobleRistretto, createWasmRistretto } from '../src/index.ts';
import type { Ristretto255, Scalar } from '../src/index.ts';
import { Kernel } from '../src/wasm/kernel.ts';

/** Nanoseconds of one `task`, the median of samples of at least `sampleMs`. */
function measureNs(task: () => unknown, { samples = 15, sampleMs = 8 } = {}): number {
  let rounds = 1;
  const run = () => {
    const { user, system } = process.cpuUsage();
    for (let i = 0; i < rounds; i++) task();
    const used = process.cpuUsage({ user, system });
    return (used.user + used.system) * 1000;
  };
  while (run() < sampleMs * 1e6) rounds *= 2;
  const times = Array.from({ length: samples }, () => run() / rounds);
  times.sort((a, b) => a - b);
  return times[samples >> 1] ?? Number.NaN;
}

const { privateKey, publicKey } = generateKeyPairSync('ed25519');
const message = Buffer.alloc(32);
const signature = sign(null, message, privateKey);
const unitNs = measureNs(() => verify(null, message, publicKey, signature), { samples: 31 });

function report(name: string, ns: number): void {
  const time = ns < 1e4 ? `${ns.toFixed(0)} ns` : `${(ns / 1000).toFixed(1)} us`;
  process.stdout.write(
    `${name.padEnd(40)} ${time.padStart(12)} ${(ns / unitNs).toFixed(4).padStart(10)} E\n`,
  );
}

function reportField(module: WebAssembly.Module): void {
  const kernel = new Kernel(new WebAssembly.Instance(module));
  const { exports, callArea } = kernel;
  exports.begin();
  const generator = exports.generatorPoint.value;
  const out = callArea;
  const cached = callArea + 256;
  exports.toCached(cached, generator);
  report(
    'field multiplication',
    measureNs(() => exports.fieldMultiply(out, generator, generator + 36)),
  );
  report('field squaring', measureNs(() => exports.fieldSquareTimes(out, generator, 1000)) / 1000);
  report(
    'field inversion',
    measureNs(() => exports.fieldInvert(out, generator)),
  );
  report(
    'point doubling',
    measureNs(() => exports.pointDouble(out, generator)),
  );
  report(
    'point addition, cached',
    measureNs(() => exports.addCached(out, generator, cached)),
  );
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
  ];
  for (const [what, task] of each) report(`${name}: ${what}`, measureNs(task));
  for (const size of sizes) {
    const scalars = Array.from({ length: size }, (_, i) => scalarOf(i + 1));
    const points = scalars.map((value) => group.multiplyGenerator(value));
    const ns = measureNs(() => group.multiScalarMultiply(points, scalars), { samples: 7 });
    report(`${name}: sum of ${size} products`, ns);
  }
}

report('Ed25519 verify (the unit)', unitNs);
const module = readKernel();
reportField(module);
reportEngine('wasm', createWasmRistretto(module), [2, 16, 64, 160, 190, 220, 400, 656, 1400, 3000]);
if (process.argv.includes('--noble')) reportEngine('noble', createNobleRistretto(), [64, 400, 1400]);
