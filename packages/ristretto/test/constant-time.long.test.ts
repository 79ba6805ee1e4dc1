/**
 * The measurement of `bench/constant-time.ts` with few samples: what leaks on purpose has to be noticed, or the results in the README mean
 * nothing. Of all else only a difference as large as that of the controls fails here: with others on the machine, smaller ones are
 * chance, and the bench is where they are looked for.
 */
import { describe, expect, it } from 'vitest';
import { secretOperations } from '../bench/secret-operations.ts';
import { threshold, timeClasses } from '../bench/timing-classes.ts';
import { createNodeEngine } from '../node/read-kernel.ts';

const operations = secretOperations(createNodeEngine().group);
const named = (leaks: boolean) =>
  operations
    .filter((operation) => operation.leaks === leaks)
    .map((operation) => [operation.name, operation] as const);
/** Chance does not reach it; the controls give 20 to 300 with 4,000 samples. */
const gross = 40;

describe('the time of an operation', () => {
  it.each(named(true))('shows its input: %s', (_, operation) => {
    for (const { input, t } of timeClasses([operation], 4000))
      expect([input, t > threshold]).toEqual([input, true]);
  });

  it.each(named(false))('does not grossly differ: %s', (_, operation) => {
    for (const { input, t } of timeClasses([operation], 1000))
      expect([input, t < gross]).toEqual([input, true]);
  });
});
