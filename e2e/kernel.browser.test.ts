/**
 * The WASM kernel in a page, on the way that an application takes: fetched and compiled while it arrives. The same file as in Node; the
 * same vectors; agreement with the reference; and a commit in a group of a thousand, while a finger is still on the button.
 */
import { createNobleEngine } from '@conclave/ristretto';
import { compileKernel, createBrowserEngine, KernelLoadError } from '@conclave/ristretto/wasm-browser';
import { ConclaveClient, createAccountClient } from '@conclave/sdk';
import { createBrowserSuite, openBrowserStore } from '@conclave/sdk/browser';
import {
  eligibilityClaim,
  leafFrom,
  parseFrame,
  serverVerification,
  verifyClaimsOfOne,
  verifyCommit,
} from '@conclave/sealed-group';
import type { CommitFrame } from '@conclave/sealed-group';
import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js';
import { describe, expect, inject, it } from 'vitest';
import {
  elementDerivations,
  generatorMultiples,
  invalidEncodings,
} from '../packages/ristretto/test/rfc9496-vectors.ts';
import { DenseGroup, systemRandom, valueOf } from '../packages/sealed-group/bench/dense-group.ts';

const server = inject('serverUrl');
const kernelUrl = new URL('../packages/ristretto/build/ristretto.wasm', import.meta.url);
const fusedUrl = new URL('../packages/ristretto/build/ristretto-fused.wasm', import.meta.url);
const members = 1_024;

describe('the kernel that a page fetches', () => {
  it('gives the vectors of RFC 9496', async () => {
    const { group } = await createBrowserEngine(kernelUrl);
    for (const [n, encoded] of generatorMultiples.entries())
      expect(bytesToHex(group.encodePoint(group.multiplyGenerator(group.scalars.fromNumber(n))))).toBe(
        encoded,
      );
    for (const [input, output] of elementDerivations)
      expect(bytesToHex(group.encodePoint(group.fromUniformBytes(hexToBytes(input))))).toBe(output);
    for (const encoded of Object.values(invalidEncodings).flat())
      expect(group.decodePoint(hexToBytes(encoded))).toBeUndefined();
  });

  it('agrees with the reference on random points, scalars, sums and hashes', async () => {
    const engines = [
      await createBrowserEngine(fetch(kernelUrl)),
      await createBrowserEngine(kernelUrl, fusedUrl),
      createNobleEngine(),
    ];
    for (let round = 0; round < 40; round++) {
      const seeds = Array.from({ length: 4 }, () => systemRandom.bytes(64));
      const someBytes = systemRandom.bytes(32);
      const [portable, faster, reference] = engines.map(({ group, tupleHash }) => {
        const scalars = seeds.map((seed) => group.scalars.fromWideBytes(seed));
        const points = seeds.map((seed) => group.fromUniformBytes(seed));
        return {
          product: bytesToHex(group.encodePoint(group.multiply(points[0]!, scalars[1]!))),
          sum: bytesToHex(group.encodePoint(group.multiScalarMultiply(points, scalars))),
          inverse: bytesToHex(group.scalars.invert(scalars[0]!)),
          decodes: group.decodePoint(someBytes) !== undefined,
          hash: bytesToHex(tupleHash.customized(someBytes)(seeds, 96)),
        };
      });
      expect(portable).toEqual(reference);
      expect(faster).toEqual(reference);
    }
  });

  it('is one module for many engines, and says when it is none', async () => {
    const module = await compileKernel(await fetch(kernelUrl).then((response) => response.arrayBuffer()));
    expect(await compileKernel(module)).toBe(module);
    await expect(compileKernel(new URL('/no-such-kernel.wasm', server))).rejects.toThrow(KernelLoadError);
    await expect(compileKernel(new TextEncoder().encode('no kernel'))).rejects.toThrow(KernelLoadError);
    // A browser that cannot run the faster kernel takes the portable one; one that cannot get it says so.
    const { group } = await createBrowserEngine(kernelUrl, new TextEncoder().encode('no kernel'));
    expect(bytesToHex(group.encodePoint(group.generator))).toBe(generatorMultiples[1]);
    const missing = new URL('/no-such-kernel.wasm', server);
    await expect(createBrowserEngine(kernelUrl, missing)).rejects.toThrow(KernelLoadError);
    const page = new Response('<!doctype html>', { headers: { 'content-type': 'text/html' } });
    await expect(compileKernel(page)).rejects.toThrow(KernelLoadError);
  });
});

it('a module compiled in the page runs in a worker', async () => {
  const url = new URL('../packages/ristretto/test/kernel-worker.ts', import.meta.url);
  const worker = new Worker(url, { type: 'module' });
  try {
    const answer = new Promise<string>((resolve, reject) => {
      worker.addEventListener('message', ({ data }) => resolve(String(data)));
      worker.addEventListener('error', (event) => reject(new Error(event.message)));
    });
    worker.postMessage(await compileKernel(kernelUrl), []);
    expect(await answer).toBe(generatorMultiples[5]);
  } finally {
    worker.terminate();
  }
});

it("needs 'wasm-unsafe-eval' in a page's policy, and nothing more", async () => {
  expect(await compilesUnder("script-src 'nonce-n' 'wasm-unsafe-eval'; default-src 'none'")).toBe('compiled');
  expect(await compilesUnder("script-src 'nonce-n'; default-src 'none'")).toContain('CompileError');
});

/** What a page with this Content-Security-Policy says about compiling the kernel. */
async function compilesUnder(policy: string): Promise<string> {
  const bytes = await fetch(kernelUrl).then((response) => response.arrayBuffer());
  const frame = document.createElement('iframe');
  const told = new Promise<string>((resolve) => {
    addEventListener('message', ({ data, source }) => {
      if (source === frame.contentWindow && data !== 'ready') resolve(String(data));
      if (source === frame.contentWindow && data === 'ready') frame.contentWindow!.postMessage(bytes, '*');
    });
  });
  frame.srcdoc = `<meta http-equiv="Content-Security-Policy" content="${policy}"><script nonce="n">
    addEventListener('message', ({ data }) => WebAssembly.compile(data)
      .then(() => 'compiled', String).then((answer) => parent.postMessage(answer, '*')));
    parent.postMessage('ready', '*');
  </script>`;
  document.body.append(frame);
  try {
    return await told;
  } finally {
    frame.remove();
  }
}

it('a commit in a group of a thousand is made in the page, and verifies', async () => {
  const suite = await createBrowserSuite(kernelUrl, fusedUrl);
  const group = new DenseGroup(suite, members);
  // The first one builds tables, and JavaScript is not compiled yet; a person may well see that one.
  const times: number[] = [];
  for (let commit = 0; commit < 5; commit++) {
    const before = group.publicGroup();
    const startMs = performance.now();
    const built = group.commit(before, 17);
    times.push(performance.now() - startMs);
    const frame = valueOf(parseFrame(built.bytes)) as CommitFrame;
    const eligible = valueOf(eligibilityClaim(before, leafFrom(before, frame), frame));
    const { claims } = valueOf(verifyCommit(before, frame, serverVerification));
    expect(verifyClaimsOfOne({ suite, random: systemRandom }, [eligible, ...claims])).toBeUndefined();
  }
  const shown = times.map((ms) => `${ms.toFixed(1)} ms`).join(', ');
  // oxlint-disable-next-line no-console -- the measurement is what this is for; time is printed, not asserted
  console.log(`a commit of ${members} members, built and proven in Chromium: ${shown}`);
});

it('a conversation on the kernel, with somebody on the reference', async () => {
  const open = async (name: string, isFast: boolean): Promise<ConclaveClient> =>
    ConclaveClient.open({
      server,
      store: await openBrowserStore({ name }),
      profile: { name, device: 'browser' },
      ...(isFast ? { suite: await createBrowserSuite(kernelUrl) } : {}),
    });
  const [fast, slow] = [await open('Fast', true), await open('Slow', false)];
  const { accessToken } = await createAccountClient({ server }).register({
    username: 'fast-in-a-browser',
    password: 'a long password for fast',
  });
  const group = await fast.createGroup({ name: 'Two engines', accessToken });
  const { link } = await group.invite();
  const joined = group.next('joined');
  const theirs = await slow.join(link);
  await joined;
  const heard = theirs.next('message');
  await group.send('from the kernel');
  expect((await heard).content).toMatchObject({ kind: 'text', text: 'from the kernel' });
  expect(group.fingerprint()).toBe(theirs.fingerprint());
  await fast.close();
  await slow.close();
});
