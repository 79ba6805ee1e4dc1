import { Worker } from 'node:worker_threads';
import {
  clientVerification,
  parseFrame,
  verifyClaimsOfOne,
  verifyCommit,
  type Claim,
  type CommitFrame,
} from '@conclave/sealed-group';
import { DenseGroup, systemRandom as random, valueOf } from '@conclave/sealed-group/bench/dense-group';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { createNodeSuite } from '../node/node-suite.ts';
import { startProofThread } from '../node/proof-thread.ts';
import { createSystemClock } from '../time/clock.ts';
import { createVerifierWithFallback } from './create-verifier.ts';
import type { ProofThread, StartThread } from './proof-thread.ts';
import { createWorkerVerifier, type VerifierTiming, type WorkerVerifier } from './worker-verifier.ts';

const suite = createNodeSuite();
const holds = { ok: true, value: undefined };
const patient: VerifierTiming = { idleMs: 60_000, patienceMs: 60_000, patienceMsPerPoint: 0 };

/** Of a commit that 64 leaves take one by one: parents are blank where every other leaf was removed. */
function claimsOfCommit(): Claim[] {
  const group = new DenseGroup(suite, 128, (leaf) => leaf % 2 === 1);
  const before = group.publicGroup();
  const frame = valueOf(parseFrame(group.commit(before, 0).bytes)) as CommitFrame;
  return [...valueOf(verifyCommit(before, frame, clientVerification)).claims];
}
const trueClaims = claimsOfCommit();
const falseClaims = trueClaims.map((claim) => {
  if (claim.kind !== 'sealing') return claim;
  const proof = claim.proof.slice();
  proof[proof.length - 32]! ^= 1;
  return { ...claim, proof };
});
const violated = verifyClaimsOfOne({ suite, random }, falseClaims)!;

const open: WorkerVerifier[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((verifier) => verifier.close()));
});

/** A verifier, and every thread that it starts. */
function watchedVerifier(startThread: StartThread = startProofThread, timing: VerifierTiming = patient) {
  const threads: ProofThread[] = [];
  let deaths = 0;
  const verifier = createWorkerVerifier({
    clock: createSystemClock(),
    kernel: suite.kernel,
    timing,
    startThread(events) {
      const thread = startThread({
        onMessage: events.onMessage,
        onDeath(cause) {
          deaths += 1;
          events.onDeath(cause);
        },
      });
      threads.push(thread);
      return thread;
    },
  });
  open.push(verifier);
  const { verify } = verifier;
  const withFallback = createVerifierWithFallback({ suite, random }, verify);
  return { verifier, verify, withFallback, threads, deaths: () => deaths };
}

/** A real thread with another program. */
const startProgram =
  (program: string): StartThread =>
  ({ onMessage, onDeath }) => {
    const worker = new Worker(`const { parentPort } = require('node:worker_threads'); ${program}`, {
      eval: true,
      env: {},
      execArgv: [],
    });
    worker.on('message', onMessage);
    worker.on('error', onDeath);
    worker.on('exit', () => onDeath(new Error('the worker ended')));
    return {
      post: (message, transfer) => worker.postMessage(message, transfer),
      end: async () => void (await worker.terminate()),
    };
  };
const mute = "parentPort.on('message', () => {});";
const saying = (answer: string): string =>
  `parentPort.on('message', ({ kind, id }) => { if (kind === 'verify') parentPort.postMessage(${answer}); });`;

/** Watched at once: it may reject before the test comes to it. */
const reasonOf = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'none',
    (error: unknown) => (error as Error).message,
  );

describe('claims in a worker', () => {
  test('have the verdict that they have in place, on one thread for all', async () => {
    const { verify, threads } = watchedVerifier();
    const verdicts = [trueClaims, falseClaims, trueClaims].map((claims) => verify(claims));
    expect(await Promise.all(verdicts)).toEqual([holds, violated, holds]);
    expect(await verify([...trueClaims, ...falseClaims])).toEqual(violated);
    expect(threads).toHaveLength(1);
    // They were copied for the way.
    expect(verifyClaimsOfOne({ suite, random }, trueClaims)).toBeUndefined();
  });

  test('let this thread go on turning', async () => {
    const { verify } = watchedVerifier();
    let turns = 0;
    let isOver = false;
    const turn = (): void => {
      turns += 1;
      if (!isOver) setImmediate(turn);
    };
    setImmediate(turn);
    expect(await verify(trueClaims)).toEqual(holds);
    isOver = true;
    expect(turns).toBeGreaterThan(10);
  });

  test('are verified in place when the worker is killed in the middle, and the next ones in another worker', async () => {
    const { verify, withFallback, threads } = watchedVerifier();
    await verify(trueClaims);
    const verdicts = [falseClaims, trueClaims, falseClaims].map((claims) => withFallback(claims));
    const reason = reasonOf(verify(trueClaims));
    await threads[0]!.end();
    expect(await reason).toBe('the worker ended');
    expect(await Promise.all(verdicts)).toEqual([violated, holds, violated]);
    expect(threads).toHaveLength(1);
    expect(await verify(falseClaims)).toEqual(violated);
    expect(threads).toHaveLength(2);
  });

  test.each([
    ['nothing', mute, 'does not answer'],
    ['undefined', saying('undefined'), 'no verdict'],
    ['a verdict without a word', saying("{ kind: 'verdict', id }"), 'no verdict'],
    ['maybe', saying("{ kind: 'verdict', id, verdict: { ok: 'yes' } }"), 'no verdict'],
    [
      'another rule',
      saying("{ kind: 'verdict', id, verdict: { ok: false, rule: 'of mine' } }"),
      'no verdict',
    ],
    ['another’s verdict', saying("{ kind: 'verdict', id: id + 1, verdict: { ok: true } }"), 'no verdict'],
    ['an exception', "parentPort.on('message', () => { throw new Error('a bug'); });", 'a bug'],
    ['its end', "parentPort.on('message', () => process.exit(0));", 'ended'],
  ])('are verified in place when the worker says %s', async (_what, program, reason) => {
    const timing = program === mute ? { ...patient, patienceMs: 50 } : patient;
    const { verify, withFallback, deaths } = watchedVerifier(startProgram(program), timing);
    await expect(verify(trueClaims)).rejects.toThrow(reason);
    expect(await Promise.all([withFallback(falseClaims), withFallback(trueClaims)])).toEqual([
      violated,
      holds,
    ]);
    await vi.waitFor(() => expect(deaths()).toBeGreaterThanOrEqual(2));
  });

  test('start no more workers where these die one after another', async () => {
    const { verify, withFallback, threads } = watchedVerifier(startProgram('process.exit(0);'));
    for (let time = 0; time < 3; time++) await expect(verify(trueClaims)).rejects.toThrow('the worker ended');
    await expect(verify(trueClaims)).rejects.toThrow('one after another');
    expect(await withFallback(falseClaims)).toEqual(violated);
    expect(threads).toHaveLength(3);
  });

  test('that nobody waits for any more confuse nobody', async () => {
    const { verify, withFallback, threads } = watchedVerifier();
    const stop = new AbortController();
    const stopped = withFallback(trueClaims, stop.signal);
    const next = verify(falseClaims);
    stop.abort();
    await expect(stopped).rejects.toMatchObject({ code: 'ABORTED' });
    expect(await next).toEqual(violated);
    await expect(verify(trueClaims, stop.signal)).rejects.toMatchObject({ code: 'ABORTED' });
    expect(await verify(trueClaims)).toEqual(holds);
    expect(threads).toHaveLength(1);
  });

  test('keep the worker until it was idle for a while', async () => {
    const { verify, threads, deaths } = watchedVerifier(startProofThread, { ...patient, idleMs: 1 });
    await verify(trueClaims);
    await vi.waitFor(() => expect(deaths()).toBe(1));
    expect(await verify(falseClaims)).toEqual(violated);
    expect(threads).toHaveLength(2);
  });

  test('reject once the verifier is closed, which ends the worker', async () => {
    const { verifier, verify, deaths } = watchedVerifier();
    const waiting = reasonOf(verify(trueClaims));
    await verifier.close();
    expect(await waiting).toContain('closed');
    expect(deaths()).toBe(1);
    await expect(verify(trueClaims)).rejects.toThrow('closed');
  });

  test('that are cheap are verified at once', async () => {
    const { withFallback, threads } = watchedVerifier();
    const cheap = trueClaims.filter(({ kind }) => kind !== 'sealing');
    expect(await withFallback(cheap)).toEqual(holds);
    expect(threads).toEqual([]);
  });
});
