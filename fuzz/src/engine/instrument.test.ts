import { describe, expect, test } from 'vitest';
import { Coverage, maxCounters } from './coverage.ts';
import { instrument } from './instrument.ts';
import { Operands } from './operands.ts';

/** Every construct that the instrumentation touches, nested in each other. */
const source = `
export function all(input, log) {
  const out = [];
  for (let i = 0; i < input.length; i++) if (input[i] === 0x2a) out.push('star'); else if (input[i] > 9) { out.push('big') }
  for (const x of input) switch (x) { case 1: out.push('one'); break; case 2: default: out.push('other'); }
  let n = 0; while (n < 3) n++;
  do n--; while (n > 0)
  const f = (a, b = a || 7) => (a ? b : (b ?? 'none'));
  const g = x => ({ x, same: (x + 1) === (x - -1) });
  if (input.length >= 2) if (input[0] !== input[1]) out.push('differ'); else out.push('same');
  out.push(f(input[0]), f(0, null), g(3).same, typeof f === 'function', input[9] === undefined);
  try { null.x } catch { out.push('caught') }
  class A { #p = 1; static s = 'a' < 'b'; get p() { return this.#p === 1 && A.s } }
  label: for (;;) { for (;;) break label }
  out.push(new A().p, \`\${input[0] <= 1 ? 'le' : 'gt'}\`);
  return out;
}`;

async function load(code: string): Promise<(input: readonly number[]) => unknown> {
  const module = (await import(/* @vite-ignore */ `data:text/javascript,${encodeURIComponent(code)}`)) as {
    all: (input: readonly number[]) => unknown;
  };
  return module.all;
}

describe('instrumented code', () => {
  const instrumented = instrument(source, 5);
  const coverage = new Coverage();
  coverage.install();
  new Operands().install();
  coverage.useCounters(5 + instrumented.counters);

  test('does what the source does, on the same lines', async () => {
    const [plain, counted] = [await load(source), await load(instrumented.code)];
    for (const input of [[], [1], [2, 2, 42], [42, 10, 1, 0], [0, 1]])
      expect(counted(input)).toEqual(plain(input));
    expect(instrumented.code.split('\n')).toHaveLength(source.split('\n').length);
  });

  test('uses the counters it says and counts every branch that is taken', async () => {
    const counted = await load(instrumented.code);
    coverage.reset();
    counted([1]);
    const first = coverage.takeNews();
    expect(first).toBeGreaterThan(10);
    coverage.reset();
    counted([1]);
    expect(coverage.takeNews()).toBe(0);
    coverage.reset();
    counted([42, 10]);
    expect(coverage.takeNews()).toBeGreaterThan(2);
    expect(globalThis.__fuzzHits.slice(0, 5).some((hits) => hits > 0)).toBe(false);
    expect(globalThis.__fuzzHits.slice(5 + instrumented.counters).some((hits) => hits > 0)).toBe(false);
  });

  test('keeps the literals of the source and leaves imports alone', () => {
    expect(instrumented.literals).toEqual(expect.arrayContaining([0x2a, 9, 'star', 'none']));
    const code = `import x from 'y' with { type: 'json' }; export * from 'z'; export { a } from 'b';`;
    expect(instrument(code, 0)).toEqual({ code, counters: 0, literals: [] });
  });
});

test('hits are grouped, so that only a change of magnitude is news', () => {
  const coverage = new Coverage();
  coverage.install();
  coverage.useCounters(8);
  const news = (hits: number) => {
    coverage.reset();
    for (let hit = 0; hit < hits; hit++) globalThis.__fuzzHits[3]!++;
    return coverage.takeNews();
  };
  expect([1, 1, 2, 3, 4, 7, 8, 9, 300, 256].map(news)).toEqual([1, 0, 1, 1, 1, 0, 1, 0, 1, 0]);
  expect(coverage.countersSeen()).toBe(1);
  expect(() => coverage.useCounters(maxCounters + 1)).toThrow(RangeError);
});

test('comparisons report what they compared while somebody records', async () => {
  const operands = new Operands();
  const pairs = await operands.record(async () => {
    expect([operands.eq(1, 2), operands.ne('a', 'b'), operands.lt(3n, 4n), operands.ge(3, 3)]).toEqual([
      false,
      true,
      true,
      true,
    ]);
    operands.eq(undefined, 1);
  });
  expect(pairs).toEqual([
    { left: 1, right: 2 },
    { left: 'a', right: 'b' },
    { left: 3n, right: 4n },
  ]);
});
