/** What the worker does with what it is told. An exception here is a bug, and ends the worker: its client goes on without it. */
import { createWasmEngine, type RandomSource } from '@conclave/ristretto';
import {
  accept,
  createSuite,
  searchDigits,
  unpackClaims,
  verifyClaims,
  type DigitSearch,
  type Suite,
} from '@conclave/sealed-group/verification';
import type { FromWorker, ToWorker } from './proof-thread.ts';

export interface ServeDeps {
  /** Where the client has no kernel. */
  readonly createDefaultSuite: () => Suite;
  /** For the verifier's weights. */
  readonly random: RandomSource;
  readonly say: (message: FromWorker) => void;
}

/** Gives what is to be called with every message. */
export function serveClient({ createDefaultSuite, random, say }: ServeDeps): (message: ToWorker) => void {
  let suite: Suite | undefined;
  return (message) => {
    if (message.kind === 'start') {
      const { kernel } = message;
      suite = kernel === undefined ? createDefaultSuite() : createSuite(createWasmEngine(kernel));
      return;
    }
    if (suite === undefined) throw new Error('a worker is told its kernel first');
    if (message.kind === 'search') return search(suite, message.search, say);
    const [broken] = verifyClaims({ suite, random }, unpackClaims(message.parcel));
    say({ kind: 'verdict', id: message.id, verdict: broken ?? accept(undefined) });
  };
}

/** The points are overwritten, because who has them has the secret. */
function search(suite: Suite, { points }: DigitSearch, say: (message: FromWorker) => void): void {
  const steps = searchDigits(suite, { points });
  let step = steps.next();
  for (; step.done !== true; step = steps.next()) say({ kind: 'step', progress: step.value });
  points.fill(0);
  say({ kind: 'found', digits: step.value });
}
