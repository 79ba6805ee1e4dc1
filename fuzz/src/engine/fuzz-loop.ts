/**
 * The loop of a coverage-guided fuzzer: take an input of the corpus, change it, run it, and keep it if it touched something
 * new. Everything follows from the seed; the clock decides only when a run that was given seconds ends.
 */
import { getHeapStatistics } from 'node:v8';
import type { Coverage } from './coverage.ts';
import { encodingsOf } from './encodings.ts';
import { minimise } from './minimise.ts';
import { mutate } from './mutate.ts';
import type { OperandPair, Operands } from './operands.ts';
import { createRandom } from './random.ts';
import type { FuzzSubject, FuzzTarget } from './target.ts';

export interface Finding {
  /** `exception`: a property broke or something threw; `slow` and `memory`: the bounds of an input. */
  readonly kind: 'exception' | 'slow' | 'memory' | 'hang';
  readonly message: string;
  readonly bytes: Uint8Array;
}

export interface LoopReport {
  readonly executions: number;
  readonly corpus: readonly Uint8Array[];
  readonly countersSeen: number;
  readonly counters: number;
  /** The longest that an input took. */
  readonly slowestMs: number;
  readonly finding: Finding | undefined;
}

export interface LoopInput {
  readonly target: Pick<FuzzTarget, 'format' | 'maxBytes'>;
  readonly subject: FuzzSubject;
  readonly coverage: Coverage;
  readonly operands: Operands;
  readonly counters: () => number;
  readonly literals: Iterable<string | number>;
  readonly seed: number;
  /** Ends after so many executions, */
  readonly maxRuns: number;
  /** or when this says so; asked now and then. */
  readonly isOver: () => boolean;
  /** Told before every execution, so that a watcher knows what hung. */
  readonly onInput: (bytes: Uint8Array) => void;
  /** An input may take so long, the fastest of three times, in milliseconds. */
  readonly maxMs?: number;
  /** An input may take so much in array buffers, in bytes. */
  readonly maxBufferBytes?: number;
}

interface Entry {
  readonly bytes: Uint8Array;
  readonly operands: readonly OperandPair[];
}

const minimiseBudget = 2_000;

export async function fuzzLoop(input: LoopInput): Promise<LoopReport> {
  const { target, subject, coverage, operands, maxMs = 1_000, maxBufferBytes = 128 * 2 ** 20 } = input;
  const random = createRandom(input.seed);
  const corpus: Entry[] = [];
  const literals = [...input.literals].flatMap(encodingsOf);
  // The target's own words are few and chosen: they are not to drown among the literals of all modules.
  const dictionaries = [subject.dictionary ?? [], literals].filter(({ length }) => length > 0);
  let executions = 0;
  let slowestMs = 0;
  let finding: Finding | undefined;

  const execute = async (bytes: Uint8Array): Promise<{ error: unknown; ms: number; bufferBytes: number }> => {
    executions++;
    input.onInput(bytes);
    coverage.reset();
    const heldBefore = getHeapStatistics().external_memory;
    const startMs = performance.now();
    let error: unknown;
    try {
      const pending = subject.check(bytes);
      // Awaiting costs a turn of the event loop, which most targets do not need.
      if (pending !== undefined) await pending;
    } catch (thrown) {
      error = thrown ?? 'nothing was thrown';
    }
    const ms = performance.now() - startMs;
    slowestMs = Math.max(slowestMs, ms);
    return { error, ms, bufferBytes: getHeapStatistics().external_memory - heldBefore };
  };

  const fastest = async (bytes: Uint8Array): Promise<number> => {
    const times = [];
    for (let round = 0; round < 3; round++) times.push((await execute(bytes)).ms);
    return Math.min(...times);
  };

  /** True while the run may go on. */
  const examine = async (bytes: Uint8Array, isSeed: boolean): Promise<boolean> => {
    const { error, ms, bufferBytes } = await execute(bytes);
    if (error !== undefined) {
      const identity = identityOf(error);
      const isSame = async (smaller: Uint8Array) => identityOf((await execute(smaller)).error) === identity;
      const small = await minimise(bytes, isSame, minimiseBudget);
      finding = { kind: 'exception', message: describe((await execute(small)).error ?? error), bytes: small };
      return false;
    }
    if (ms > maxMs && (await fastest(bytes)) > maxMs) {
      finding = { kind: 'slow', message: `takes more than ${maxMs} ms`, bytes };
      return false;
    }
    if (bufferBytes > maxBufferBytes) {
      finding = { kind: 'memory', message: `takes more than ${maxBufferBytes} bytes of buffers`, bytes };
      return false;
    }
    if (coverage.takeNews() === 0 && !isSeed) return true;
    corpus.push({ bytes, operands: await operands.record(() => execute(bytes)) });
    return true;
  };

  // Modules may be loaded by now only in part: counters are known after the first execution.
  coverage.useCounters(input.counters());
  let goesOn = true;
  for (const seed of [new Uint8Array(0), ...subject.seeds]) goesOn = goesOn && (await examine(seed, true));
  // The clock is asked now and then: it costs as much as a small decoder.
  const mayGoOn = () => goesOn && executions < input.maxRuns && (executions % 64 !== 0 || !input.isOver());
  while (mayGoOn()) {
    // Half of the time what was found last, which has been tried least.
    const newest = Math.max(1, Math.ceil(corpus.length / 8));
    const entry = random.oneIn(2) ? corpus[corpus.length - 1 - random.below(newest)]! : random.pick(corpus);
    const bytes = mutate(entry.bytes, {
      random,
      dictionary: dictionaries.length > 0 ? random.pick(dictionaries) : [],
      other: random.pick(corpus).bytes,
      operands: entry.operands,
      format: target.format,
      maxBytes: target.maxBytes,
    });
    goesOn = await examine(bytes, false);
  }
  return {
    executions,
    corpus: corpus.map(({ bytes }) => bytes),
    countersSeen: coverage.countersSeen(),
    counters: input.counters(),
    slowestMs,
    finding,
  };
}

/** The same failure: same message but for numbers, thrown at the same place. */
function identityOf(error: unknown): string | undefined {
  if (error === undefined) return undefined;
  if (!(error instanceof Error)) return 'something that is no Error';
  const place = error.stack?.split('\n').find((line) => line.startsWith('    at ')) ?? '';
  return `${error.name}: ${error.message.replaceAll(/\d+/g, 'N')} ${place}`;
}

function describe(error: unknown): string {
  return error instanceof Error
    ? (error.stack ?? error.message)
    : `no Error was thrown: ${JSON.stringify(error)}`;
}
