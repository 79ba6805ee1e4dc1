/**
 * The unit of all figures: E, one Ed25519 verification by `node:crypto`, measured between the samples of what it is the
 * unit of, so that both meet the same machine. Processor time, not wall time: other processes share the cores.
 */
import { generateKeyPairSync, sign, verify } from 'node:crypto';

const { privateKey, publicKey } = generateKeyPairSync('ed25519');
const message = Buffer.alloc(32);
const signature = sign(null, message, privateKey);
const unitRounds = 100;

export interface Cost {
  /** Median over the samples, microseconds of processor time. */
  readonly us: number;
  /** Median of the ratios to the unit beside each sample. */
  readonly units: number;
}

/**
 * `prepare` makes what one sample needs and is not timed; `task` is. `per`: how many operations a task does. The first two
 * samples warm up and do not count.
 */
export function costOf<T>(
  samples: number,
  prepare: (sample: number) => T,
  task: (prepared: T) => unknown,
  per = 1,
): Cost {
  const counted: Cost[] = [];
  for (let sample = -2; sample < samples; sample++) {
    const prepared = prepare(sample + 2);
    const unitUs = cpuUs(() => {
      for (let i = 0; i < unitRounds; i++) verify(null, message, publicKey, signature);
    });
    const us = cpuUs(() => task(prepared)) / per;
    if (sample >= 0) counted.push({ us, units: (us * unitRounds) / unitUs });
  }
  return { us: median(counted.map(({ us }) => us)), units: median(counted.map(({ units }) => units)) };
}

export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}

function cpuUs(task: () => unknown): number {
  const start = process.cpuUsage();
  task();
  const { user, system } = process.cpuUsage(start);
  return user + system;
}
