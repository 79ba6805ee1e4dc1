/**
 * One worker thread, seen from the event loop: it becomes ready, answers one batch at a time, and dies once, for whatever
 * reason: a crash, a limit of its memory, an answer that is none, or because it was ended from here.
 */
import { Worker } from 'node:worker_threads';
import { packClaims, rules, transferablesOf } from '@conclave/sealed-group/verification';
import type { Claim, Violation } from '@conclave/sealed-group/verification';

export type Verdict = Violation | undefined;

export interface WorkerSettings {
  /** Compiled once for all. */
  readonly kernel: WebAssembly.Module;
  readonly maxRememberedPoints: number;
}

export type FromWorker =
  | { readonly kind: 'ready' }
  | { readonly kind: 'verdicts'; readonly verdicts: readonly Verdict[] };

export interface ThreadSettings extends WorkerSettings {
  /** Of the worker's JavaScript heap. */
  readonly maxHeapMb: number;
}

export interface ThreadEvents {
  readonly onReady: () => void;
  /** One for each frame of the batch, in order. */
  readonly onVerdicts: (verdicts: readonly Verdict[]) => void;
  /** Once, after which nothing else comes. `cause` is for the log. */
  readonly onDeath: (cause: DeathCause) => void;
}

export interface DeathCause {
  readonly reason: 'crashed' | 'exited' | 'spoke nonsense' | 'took too long' | 'closing';
  readonly exitCode: number;
  readonly err?: unknown;
}

export interface ProofThread {
  /** The batch before has been answered. */
  verify(frames: readonly (readonly Claim[])[]): void;
  /** Resolves after `onDeath`. */
  end(reason: DeathCause['reason']): Promise<void>;
}

const program = new URL('./proof-worker.ts', import.meta.url);

export function startProofThread(
  { maxHeapMb, ...settings }: ThreadSettings,
  events: ThreadEvents,
): ProofThread {
  const worker = new Worker(program, {
    name: 'proofs',
    workerData: settings satisfies WorkerSettings,
    // Nothing of the process's environment concerns it.
    env: {},
    argv: [],
    resourceLimits: { maxOldGenerationSizeMb: maxHeapMb },
  });
  let isReady = false;
  let awaited = 0;
  let end: Omit<DeathCause, 'exitCode'> | undefined;
  const dead = Promise.withResolvers<void>();

  const terminate = (cause: Omit<DeathCause, 'exitCode'>): void => {
    end ??= cause;
    // It resolves; what counts is the exit.
    void worker.terminate();
  };

  worker.on('message', (message: unknown) => {
    if (end !== undefined) return;
    if (!isReady && isReadyMessage(message)) {
      isReady = true;
      events.onReady();
      return;
    }
    const verdicts = verdictsOf(message, awaited);
    if (verdicts === undefined) {
      terminate({ reason: 'spoke nonsense' });
      return;
    }
    awaited = 0;
    events.onVerdicts(verdicts);
  });
  worker.on('messageerror', (err) => terminate({ reason: 'spoke nonsense', err }));
  // An exit follows.
  worker.on('error', (err) => void (end ??= { reason: 'crashed', err }));
  worker.on('exit', (exitCode) => {
    end ??= { reason: 'exited' };
    events.onDeath({ ...end, exitCode });
    dead.resolve();
  });

  return {
    verify(frames) {
      awaited = frames.length;
      const parcel = packClaims(frames);
      worker.postMessage(parcel, transferablesOf(parcel));
    },
    end(reason) {
      terminate({ reason });
      return dead.promise;
    },
  };
}

function isReadyMessage(message: unknown): boolean {
  return isRecord(message) && message['kind'] === 'ready';
}

/** Undefined if it is no answer to a batch of `count` frames. */
function verdictsOf(message: unknown, count: number): readonly Verdict[] | undefined {
  if (!isRecord(message) || message['kind'] !== 'verdicts' || count === 0) return undefined;
  const { verdicts } = message;
  const isAnswer = Array.isArray(verdicts) && verdicts.length === count && verdicts.every(isVerdict);
  return isAnswer ? verdicts : undefined;
}

function isVerdict(value: unknown): value is Verdict {
  if (value === undefined) return true;
  if (!isRecord(value) || value['ok'] !== false) return false;
  const { rule, detail } = value;
  return (
    typeof rule === 'string' && Object.hasOwn(rules, rule) && ['string', 'undefined'].includes(typeof detail)
  );
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
