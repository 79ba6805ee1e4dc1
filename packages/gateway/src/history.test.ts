import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { History, type HistoryLimits } from './history.ts';
import { JsonPayload } from './json-payload.ts';
import type { ResolvedNamespace } from './options.ts';

const LIMITS: HistoryLimits = {
  maxHistoryBytes: 1_000_000,
  maxIdleStreams: 100,
  maxHistoryLimit: 300,
  maxHistoryReplyBytes: 1_000_000,
};

function namespace(historySize: number, historyTtlMs = 1_000): ResolvedNamespace {
  return {
    name: 'group',
    historySize,
    historyTtlMs,
    keepsHistory: true,
    forceRecovery: false,
    presence: false,
    joinLeave: false,
    subscribeWithoutToken: false,
  };
}

function setUp(limits: Partial<HistoryLimits> = {}) {
  let now = 0;
  const clock = { nowMs: () => now, schedule: () => ({ [Symbol.dispose]() {} }) };
  const history = new History(clock, 'run', { ...LIMITS, ...limits });
  const append = (channel: string, value: unknown, options = namespace(10)) =>
    history.append(channel, options, { data: JsonPayload.fromValue(value)! });
  return { history, append, advance: (ms: number) => void (now += ms) };
}

describe('history', () => {
  test('agrees with a model that keeps everything, on what can be recovered', () => {
    const step = fc.oneof(
      fc.record({ kind: fc.constant('append' as const), channel: fc.constantFrom('a', 'b') }),
      fc.record({ kind: fc.constant('advance' as const), ms: fc.integer({ min: 1, max: 700 }) }),
      fc.record({ kind: fc.constant('remove' as const), channel: fc.constantFrom('a', 'b') }),
      fc.record({
        kind: fc.constant('recover' as const),
        channel: fc.constantFrom('a', 'b'),
        back: fc.nat(8),
      }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), fc.integer({ min: 1, max: 5 }), (steps, size) => {
        const { history, append, advance } = setUp();
        const model = new Map<string, { value: number; expiresAtMs: number; removed: boolean }[]>();
        const observed: unknown[] = [];
        const expected: unknown[] = [];
        let now = 0;
        for (const [index, current] of steps.entries()) {
          if (current.kind === 'advance') {
            now += current.ms;
            advance(current.ms);
            continue;
          }
          const all = model.get(current.channel) ?? [];
          model.set(current.channel, all);
          if (current.kind === 'append') {
            all.push({ value: index, expiresAtMs: now + 1_000, removed: false });
            append(current.channel, index, namespace(size));
          } else if (current.kind === 'remove') {
            for (const entry of all) entry.removed = true;
            history.remove(current.channel);
          } else {
            const offset = Math.max(0, all.length - current.back);
            const missed = all.slice(offset);
            const kept =
              missed.length <= size && missed.every((entry) => !entry.removed && entry.expiresAtMs > now);
            const { recovered, publications, position } = history.recover(current.channel, {
              offset,
              epoch: '',
            });
            const values = publications.map(({ data }) => data.toJSON());
            observed.push([recovered, values, position.offset]);
            expected.push([kept, kept ? missed.map(({ value }) => value) : [], all.length]);
          }
        }
        expect(observed).toEqual(expected);
      }),
    );
  });

  test('does not recover from a position of the future or of another epoch', () => {
    const { history, append } = setUp();
    append('a', 1);
    const { epoch } = history.position('a');
    expect(history.recover('a', { offset: 2, epoch }).recovered).toBe(false);
    expect(history.recover('a', { offset: 1, epoch: 'other' }).recovered).toBe(false);
    expect(history.recover('a', { offset: 1, epoch }).recovered).toBe(true);
  });

  test('stays within its bytes by emptying the least recently published streams', () => {
    const { history, append } = setUp({ maxHistoryBytes: 2_000 });
    for (const channel of ['a', 'b', 'a', 'c']) append(channel, 'x'.repeat(400));
    expect(history.bytes).toBeLessThanOrEqual(2_000);
    expect(history.recover('b', { offset: 0, epoch: '' }).recovered).toBe(false);
    expect(history.recover('a', { offset: 0, epoch: '' }).recovered).toBe(true);
    expect(history.position('b').offset).toBe(1);
  });

  test('forgets the numbering of idle streams beyond its bound, with a new epoch, but never of a pinned one', () => {
    const { history } = setUp({ maxIdleStreams: 2 });
    history.pin('pinned');
    const epochs = new Map(
      ['pinned', 'a', 'b', 'c'].map((channel) => [channel, history.position(channel).epoch]),
    );
    expect(history.streamCount).toBe(3);
    expect(history.position('pinned').epoch).toBe(epochs.get('pinned'));
    expect(history.position('c').epoch).toBe(epochs.get('c'));
    expect(history.position('a').epoch).not.toBe(epochs.get('a'));
    history.unpin('pinned');
    expect(history.streamCount).toBe(2);
  });

  test('limits a reply by bytes and a recovery by all or nothing', () => {
    const { history, append } = setUp({ maxHistoryReplyBytes: 1_000 });
    for (let n = 0; n < 5; n += 1) append('a', 'x'.repeat(300));
    const read = history.read('a', { since: undefined, limit: -1, reverse: false });
    expect(read.ok && read.publications.length).toBe(2);
    expect(history.recover('a', { offset: 3, epoch: '' })).toMatchObject({ recovered: true });
    expect(history.recover('a', { offset: 1, epoch: '' })).toMatchObject({
      recovered: false,
      publications: [],
    });
  });

  test('gives memory back when publications expire', () => {
    const { history, append, advance } = setUp();
    append('a', 1);
    advance(1_000);
    history.sweep();
    expect(history.bytes).toBe(0);
  });
});
