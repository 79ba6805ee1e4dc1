/** A page that takes others' commits: the proof is verified in a Web Worker, on the kernel that the page has. */
import {
  clientVerification,
  createSuite,
  parseFrame,
  verifyClaimsOfOne,
  verifyCommit,
  type Claim,
  type CommitFrame,
  type Suite,
} from '@conclave/sealed-group';
import { DenseGroup, systemRandom as random, valueOf } from '@conclave/sealed-group/bench/dense-group';
import { afterAll, expect, test } from 'vitest';
import { createBrowserSuite } from '../src/browser/index.ts';
import { startProofThread } from '../src/browser/proof-thread.ts';
import { createSystemClock } from '../src/index.ts';
import { createVerifierWithFallback } from '../src/proof-worker/create-verifier.ts';
import type { ToWorker } from '../src/proof-worker/proof-thread.ts';
import { createWorkerVerifier, type WorkerVerifier } from '../src/proof-worker/worker-verifier.ts';

const kernelUrl = new URL('../../ristretto/build/ristretto.wasm', import.meta.url);
const fusedUrl = new URL('../../ristretto/build/ristretto-fused.wasm', import.meta.url);
const fast = await createBrowserSuite(kernelUrl, fusedUrl);
const holds = { ok: true, value: undefined };
const open: WorkerVerifier[] = [];
afterAll(() => Promise.all(open.map((verifier) => verifier.close())));

/** A verifier of a page with this suite, and what its workers are told. */
function verifierOf(suite: Suite) {
  const told: ToWorker[] = [];
  const verifier = createWorkerVerifier({
    kernel: suite.kernel,
    clock: createSystemClock(),
    startThread(events) {
      const thread = startProofThread(events);
      return {
        post(message, transfer) {
          told.push(message);
          thread.post(message, transfer);
        },
        end: () => thread.end(),
      };
    },
  });
  open.push(verifier);
  return { verify: verifier.verify, told };
}

/** Of a commit that every second of so many members takes one by one, and the same with a false proof. */
function claimsOfCommit(suite: Suite, members: number): { right: Claim[]; wrong: Claim[] } {
  const group = new DenseGroup(suite, members, (leaf) => leaf % 2 === 1);
  const before = group.publicGroup();
  const frame = valueOf(parseFrame(group.commit(before, 0).bytes)) as CommitFrame;
  const right = [...valueOf(verifyCommit(before, frame, clientVerification)).claims];
  const wrong = right.map((claim) => {
    if (claim.kind !== 'sealing') return claim;
    const proof = claim.proof.slice();
    proof[proof.length - 32]! ^= 1;
    return { ...claim, proof };
  });
  return { right, wrong };
}

test('a worker on the kernel of its page has the verdicts of the page', async () => {
  const { verify, told } = verifierOf(fast);
  const { right, wrong } = claimsOfCommit(fast, 64);
  expect(await verify(right)).toEqual(holds);
  expect(await verify(wrong)).toEqual(verifyClaimsOfOne({ suite: fast, random }, wrong));
  expect(told[0]).toMatchObject({ kind: 'start', kernel: expect.any(WebAssembly.Module) });
});

test('a worker of a page without the kernel has the same', async () => {
  const slow = createSuite();
  const { verify, told } = verifierOf(slow);
  const { right, wrong } = claimsOfCommit(fast, 4);
  expect(await verify(right)).toEqual(holds);
  expect(await verify(wrong)).toEqual(verifyClaimsOfOne({ suite: slow, random }, wrong));
  expect(told[0]).toEqual({ kind: 'start', kernel: undefined });
});

test('a commit with hundreds of recipients is taken while the page goes on', async () => {
  const { verify, told } = verifierOf(fast);
  const group = new DenseGroup(fast, 1_024, (leaf) => leaf % 2 === 1);
  const { bytes } = group.commit(group.publicGroup(), 0);
  const proofVerifier = createVerifierWithFallback({ suite: fast, random }, verify);
  const member = group.member(1_022, { proofVerifier });
  let turns = 0;
  let isOver = false;
  const channel = new MessageChannel();
  channel.port1.addEventListener('message', () => {
    turns += 1;
    if (!isOver) channel.port2.postMessage('turn');
  });
  channel.port1.start();
  channel.port2.postMessage('turn');
  valueOf(await member.processFrameAsync(bytes, 2));
  isOver = true;
  expect(told.map(({ kind }) => kind)).toEqual(['start', 'verify']);
  expect(turns).toBeGreaterThan(10);
});

test('a worker that cannot run the kernel is done without', async () => {
  const empty = new WebAssembly.Module(Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0));
  const { verify } = verifierOf({ ...fast, kernel: empty });
  const { right, wrong } = claimsOfCommit(fast, 128);
  await expect(verify(right)).rejects.toThrow('the worker failed');
  const withFallback = createVerifierWithFallback({ suite: fast, random }, verify);
  expect(await withFallback(right)).toEqual(holds);
  expect(await withFallback(wrong)).toMatchObject({ ok: false });
});
