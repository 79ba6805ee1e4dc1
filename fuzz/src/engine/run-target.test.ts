/** Can it find anything? Decoders with planted mistakes, each run as a real target is: in its thread, instrumented. */
import { describe, expect, test } from 'vitest';
import { demand } from './target.ts';
import { fuzzLoop } from './fuzz-loop.ts';
import { Coverage } from './coverage.ts';
import { Operands } from './operands.ts';
import { runTarget } from './run-target.ts';

const options = { seed: 1, runs: 100_000, seconds: undefined, corpus: [], replay: undefined };
const planted = (name: string) => new URL(`../../test/planted/${name}.ts`, import.meta.url).href;

describe('the fuzzer finds', () => {
  test('a length that is believed, behind a magic number, and makes the input small', async () => {
    const { finding } = await runTarget({ ...options, module: planted('trusting') });
    expect(finding).toMatchObject({ kind: 'exception', message: expect.stringContaining('RangeError') });
    expect(Buffer.from(finding!.bytes).toString('hex')).toMatch(/^434e5631....$/);
  });

  test('a second encoding of one value', async () => {
    const { finding } = await runTarget({ ...options, module: planted('lax') });
    expect(finding).toMatchObject({ kind: 'exception', message: expect.stringContaining('one encoding') });
    expect(Buffer.from(finding!.bytes).toString('hex')).toBe('434e5631000000');
  });

  test('the same at the same execution for the same seed', async () => {
    const [first, second] = [
      await runTarget({ ...options, module: planted('lax') }),
      await runTarget({ ...options, module: planted('lax') }),
    ];
    expect(second.executions).toBe(first.executions);
  });

  test('an input that never ends, and names it', async () => {
    const { finding } = await runTarget({ ...options, module: planted('forever'), hangMs: 1_500 });
    expect(finding).toMatchObject({ kind: 'hang' });
    expect(Buffer.from(finding!.bytes).toString('hex')).toMatch(/^7b10(..)*c5/);
  });

  test('a small input that takes much memory', async () => {
    const { finding } = await runTarget({ ...options, module: planted('greedy') });
    expect(finding).toMatchObject({ kind: 'memory' });
  });
});

test('replays an input and runs nothing else', async () => {
  const input = Buffer.from('434e563100ff', 'hex');
  const report = await runTarget({ ...options, module: planted('trusting'), replay: [input] });
  expect(report.finding).toMatchObject({ kind: 'exception' });
  const clean = await runTarget({
    ...options,
    module: planted('trusting'),
    replay: [Buffer.from('00', 'hex')],
  });
  expect(clean.finding).toBeUndefined();
  expect(clean.executions).toBeLessThan(10);
});

test('a target that cannot be prepared is a fault of the fuzzer, not a finding', async () => {
  await expect(runTarget({ ...options, module: planted('missing') })).rejects.toThrow('missing');
});

/** The control: the same loop and mutations without coverage and operands do not get there. */
test('without coverage a chain of comparisons stays closed', async () => {
  const wanted = Buffer.from('owl');
  const run = (isGuided: boolean) => {
    const coverage = new Coverage();
    coverage.install();
    return fuzzLoop({
      target: { format: 'octets', maxBytes: 16 },
      subject: {
        seeds: [],
        check(bytes) {
          let at = 0;
          // What instrumentation would put here.
          while (at < wanted.length && bytes[at] === wanted[at])
            globalThis.__fuzzHits[at++]! += isGuided ? 1 : 0;
          demand(at < wanted.length, 'never reached');
        },
      },
      coverage,
      operands: new Operands(),
      counters: () => 16,
      literals: [],
      seed: 1,
      maxRuns: 150_000,
      isOver: () => false,
      onInput: () => {},
    });
  };
  expect((await run(true)).finding?.bytes).toEqual(Uint8Array.from(wanted));
  expect((await run(false)).finding).toBeUndefined();
});
