/**
 * Claims are verified in a worker, one for all groups of a client. It starts with the first dear claims, answers in order, and ends
 * when nothing was asked for a while.
 *
 *     verify ─▶ [thread, started if there is none] ─▶ verdict
 *                    │ dies, says what is no verdict, or says nothing for too long
 *                    └─▶ ended; everything that waits rejects, and the next claims start another
 *
 * Whoever asks verifies in place when this rejects (`create-verifier.ts`): no commit is believed because a worker is gone.
 */
import { rules, type Claim, type ProofVerifier, type Result } from '@conclave/sealed-group';
import { claimCost, packClaims, transferablesOf } from '@conclave/sealed-group/verification';
import { abortedError, throwIfAborted } from '../errors/conclave-error.ts';
import type { Clock } from '../time/clock.ts';
import type { ProofThread, StartThread } from './proof-thread.ts';

export interface WorkerVerifierDeps {
  readonly startThread: StartThread;
  /** Of the client's suite. */
  readonly kernel: WebAssembly.Module | undefined;
  /** A machine's, whatever time a test gives the client: threads live in real time. */
  readonly clock: Clock;
  readonly timing?: VerifierTiming;
}

export interface VerifierTiming {
  /** How long a worker is kept that has nothing to do. */
  readonly idleMs: number;
  /** Without a verdict for so long, a worker is taken for one that never gives it: a start, and by far the slowest arithmetic. */
  readonly patienceMs: number;
  readonly patienceMsPerPoint: number;
}

export interface WorkerVerifier {
  readonly verify: ProofVerifier;
  /** Ends the worker; what waits rejects, and so does what comes later. */
  close(): Promise<void>;
}

interface Waiting {
  readonly points: number;
  readonly resolve: (verdict: Result<void>) => void;
  readonly reject: (cause: Error) => void;
}

const defaultTiming: VerifierTiming = { idleMs: 15_000, patienceMs: 20_000, patienceMsPerPoint: 5 };
/** Where workers die one after another without a verdict between them, there are none to be had. */
const maxVainDeaths = 3;

export function createWorkerVerifier(deps: WorkerVerifierDeps): WorkerVerifier {
  const { startThread, kernel, clock, timing = defaultTiming } = deps;
  /** In the order of asking, which is that of the verdicts. */
  const waitingById = new Map<number, Waiting>();
  let thread: ProofThread | undefined;
  let timer: Disposable | undefined;
  let lastId = 0;
  let vainDeaths = 0;
  let isClosed = false;

  function start(): ProofThread {
    const started = startThread({
      onMessage(message) {
        if (thread === started) hear(message);
      },
      onDeath(cause) {
        if (thread === started) void bury(cause);
      },
    });
    thread = started;
    started.post({ kind: 'start', kernel });
    return started;
  }

  function hear(message: unknown): void {
    const said = verdictOf(message);
    const [oldest] = waitingById;
    if (said === undefined || said.id !== oldest?.[0]) {
      void bury(new Error('the worker said what is no verdict'));
      return;
    }
    vainDeaths = 0;
    waitingById.delete(said.id);
    oldest[1].resolve(said.verdict);
    watch();
  }

  /** The worker is ended, if it is not dead yet. */
  async function bury(cause: Error): Promise<void> {
    const buried = thread;
    thread = undefined;
    timer?.[Symbol.dispose]();
    vainDeaths += 1;
    const lost = [...waitingById.values()];
    waitingById.clear();
    for (const { reject } of lost) reject(cause);
    await buried?.end();
  }

  /** Gives the worker its time: for the oldest claims, or for nothing. */
  function watch(): void {
    timer?.[Symbol.dispose]();
    const [oldest] = waitingById.values();
    timer =
      oldest === undefined
        ? clock.schedule(timing.idleMs, () => {
            const idle = thread;
            thread = undefined;
            void idle?.end();
          })
        : clock.schedule(timing.patienceMs + oldest.points * timing.patienceMsPerPoint, () => {
            void bury(new Error('the worker does not answer'));
          });
  }

  function ask(claims: readonly Claim[]): Promise<Result<void>> {
    if (isClosed) throw new Error('the verifier is closed');
    if (vainDeaths >= maxVainDeaths) throw new Error('workers die one after another');
    const worker = thread ?? start();
    const id = (lastId += 1);
    const parcel = packClaims([claims]);
    worker.post({ kind: 'verify', id, parcel }, transferablesOf(parcel));
    const points = claims.reduce((sum, claim) => sum + claimCost(claim), 0);
    return new Promise((resolve, reject) => {
      waitingById.set(id, { points, resolve, reject });
      if (waitingById.size === 1) watch();
    });
  }

  return {
    async verify(claims, signal) {
      throwIfAborted(signal);
      const verdict = ask(claims);
      if (signal === undefined) return await verdict;
      const { promise: aborted, reject } = Promise.withResolvers<never>();
      const onAbort = (): void => reject(abortedError(signal));
      signal.addEventListener('abort', onAbort, { once: true });
      try {
        // The worker goes on: its verdict comes in its turn, and nobody hears it.
        return await Promise.race([verdict, aborted]);
      } finally {
        signal.removeEventListener('abort', onAbort);
      }
    },
    async close() {
      isClosed = true;
      await bury(new Error('the verifier is closed'));
    },
  };
}

/** Undefined if it is none: what is taken for a verdict decides whether a commit is believed. */
function verdictOf(message: unknown): { readonly id: number; readonly verdict: Result<void> } | undefined {
  if (!isRecord(message) || message['kind'] !== 'verdict') return undefined;
  const { id, verdict } = message;
  if (typeof id !== 'number' || !isRecord(verdict)) return undefined;
  const { ok, rule } = verdict;
  const isVerdict = ok === true || (ok === false && typeof rule === 'string' && Object.hasOwn(rules, rule));
  return isVerdict ? { id, verdict: verdict as unknown as Result<void> } : undefined;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
