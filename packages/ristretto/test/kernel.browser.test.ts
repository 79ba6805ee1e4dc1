/** The same binary in a browser: loaded without blocking on the page, synchronously in a worker. */
import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js';
import { describe, expect, it } from 'vitest';
import { createNobleEngine, loadWasmEngine } from '../src/index.ts';
import { elementDerivations, generatorMultiples, invalidEncodings } from './rfc9496-vectors.ts';

const portableUrl = new URL('../build/ristretto.wasm', import.meta.url);
const fusedUrl = new URL('../build/ristretto-fused.wasm', import.meta.url);

async function fetchKernel(url = portableUrl): Promise<ArrayBuffer> {
  const response = await fetch(url);
  expect(response.ok).toBe(true);
  return response.arrayBuffer();
}

describe('the kernel in a browser', () => {
  it('gives the vectors of RFC 9496', async () => {
    const { group } = await loadWasmEngine(await fetchKernel());
    generatorMultiples.forEach((hex, n) => {
      const scalar = group.scalars.fromNumber(n);
      expect(bytesToHex(group.encodePoint(group.multiplyGenerator(scalar)))).toBe(hex);
      expect(bytesToHex(group.encodePoint(group.multiply(group.generator, scalar)))).toBe(hex);
    });
    for (const [input, output] of elementDerivations) {
      expect(bytesToHex(group.encodePoint(group.fromUniformBytes(hexToBytes(input))))).toBe(output);
    }
    for (const hex of Object.values(invalidEncodings).flat()) {
      expect(group.decodePoint(hexToBytes(hex))).toBeUndefined();
    }
  });

  it.each([
    ['portable', portableUrl],
    ['fused', fusedUrl],
  ])('decodes and sums many products as the reference does: %s', async (_, url) => {
    const { group: wasm } = await loadWasmEngine(await fetchKernel(url));
    const { group: noble } = createNobleEngine();
    const [ours, theirs] = [wasm, noble].map((group) => {
      const scalars = group.scalars.powers(group.scalars.fromNumber(-3), 250);
      const encodings = group.encodePoints(scalars.map((scalar) => group.multiplyGenerator(scalar)));
      const points = group.decodePoints(encodings)!;
      return bytesToHex(group.encodePoint(group.multiScalarMultiply(points, scalars.toReversed())));
    });
    expect(ours).toBe(theirs);
  });

  it('runs in a worker', async () => {
    const worker = new Worker(new URL('./kernel-worker.ts', import.meta.url), { type: 'module' });
    try {
      const answer = new Promise<string>((resolve, reject) => {
        worker.addEventListener('message', ({ data }) => resolve(String(data)));
        worker.addEventListener('error', (event) => reject(new Error(event.message)));
      });
      const bytes = await fetchKernel();
      worker.postMessage(bytes, [bytes]);
      expect(await answer).toBe(generatorMultiples[5]);
    } finally {
      worker.terminate();
    }
  });
});
