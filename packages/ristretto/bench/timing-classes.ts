/**
 * Whether the time of an operation depends on its secret input: a class of equal inputs against a class of random ones, interleaved at
 * random; the statistic is Welch's t (`welch.ts`).
 */
import { randomInt } from 'node:crypto';
import { largestT } from './welch.ts';

/** Evidence of a leak. */
export const threshold = 4.5;
/** Inputs made in advance, so that making them disturbs no measurement and takes little memory. */
const chunk = 200;

export interface TimedOperation {
  readonly name: string;
  /** A positive control: its time does depend on the input, and a measurement that does not notice says nothing elsewhere. */
  readonly leaks: boolean;
  /** The classes that are compared with random inputs. Every call gives octets of the same length. */
  readonly fixed: Readonly<Record<string, () => Uint8Array>>;
  readonly random: () => Uint8Array;
  /** Gets a buffer that the next call overwrites. */
  readonly task: (input: Uint8Array) => unknown;
  /** A part of the samples, for operations that take long. */
  readonly share?: number;
}

export interface TimedClass {
  readonly operation: string;
  readonly input: string;
  readonly leaks: boolean;
  readonly samples: number;
  /** |t|. */
  readonly t: number;
}

/** Every class of every operation in turn. */
export function* timeClasses(operations: readonly TimedOperation[], samples: number): Generator<TimedClass> {
  for (const operation of operations) {
    const { name, leaks, share = 1 } = operation;
    for (const [input, fixed] of Object.entries(operation.fixed)) {
      const count = Math.ceil(samples * share);
      yield { operation: name, input, leaks, samples: count, t: timeDifference(operation, fixed, count) };
    }
  }
}

function timeDifference({ random, task }: TimedOperation, fixed: () => Uint8Array, samples: number): number {
  // Both classes are made by the same steps, and pass through one buffer: where an input lies in memory, and whether it is in the
  // cache, must not depend on its class.
  const buffer = new Uint8Array(random().length);
  const times: [random: number[], fixed: number[]] = [[], []];
  const warmUp = samples / 10;
  for (let done = 0; done < samples; done += chunk) {
    const inputs = Array.from({ length: Math.min(chunk, samples - done) }, () => {
      const isFixed = randomInt(2);
      const both = [random(), fixed()];
      return { isFixed, octets: Uint8Array.from(both[isFixed]!) };
    });
    inputs.forEach(({ isFixed, octets }, i) => {
      buffer.set(octets);
      const start = performance.now();
      task(buffer);
      const elapsed = performance.now() - start;
      if (done + i >= warmUp) times[isFixed === 1 ? 1 : 0].push(elapsed);
    });
  }
  return Math.abs(largestT(...times));
}

/** Prints a line a class; false if a control was not detected, or anything else was. */
export function reportClasses(operations: readonly TimedOperation[], samples: number): boolean {
  let isAsExpected = true;
  for (const { operation, input, leaks, samples: count, t } of timeClasses(operations, samples)) {
    const isDetected = t > threshold;
    if (isDetected !== leaks) isAsExpected = false;
    const verdict = isDetected ? 'differs' : 'no difference seen';
    process.stdout.write(
      `${operation.padEnd(34)} ${input.padEnd(14)} ${String(count).padStart(6)} samples  |t| = ${t.toFixed(1).padStart(6)}  ${verdict}\n`,
    );
  }
  return isAsExpected;
}
