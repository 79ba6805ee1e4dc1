import { describe, expect, test } from 'vitest';
import { formatTraceParent, parseTraceParent } from './trace-parent.ts';

const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
const spanId = '00f067aa0ba902b7';

describe('traceparent', () => {
  test('is read and written alike', () => {
    for (const isSampled of [true, false]) {
      const parent = { traceId, spanId, isSampled };
      expect(parseTraceParent(formatTraceParent(parent))).toEqual(parent);
    }
  });

  test('of a later version is read as far as this one goes, and other flags are ignored', () => {
    expect(parseTraceParent(`cc-${traceId}-${spanId}-01-what-the-future-holds`)).toEqual({
      traceId,
      spanId,
      isSampled: true,
    });
    expect(parseTraceParent(`00-${traceId}-${spanId}-fe`)?.isSampled).toBe(false);
  });

  test.each([
    ['nothing', undefined],
    ['empty', ''],
    ['upper case', `00-${traceId.toUpperCase()}-${spanId}-01`],
    ['a trace id of zeros', `00-${'0'.repeat(32)}-${spanId}-01`],
    ['a span id of zeros', `00-${traceId}-${'0'.repeat(16)}-01`],
    ['a trace id that is too short', `00-${traceId.slice(1)}-${spanId}-01`],
    ['version ff', `ff-${traceId}-${spanId}-01`],
    ['version 00 with more fields', `00-${traceId}-${spanId}-01-more`],
    ['no flags', `00-${traceId}-${spanId}`],
    ['white space', ` 00-${traceId}-${spanId}-01`],
    ['a line break', `00-${traceId}-${spanId}-01\n`],
    ['too long', `cc-${traceId}-${spanId}-01-${'x'.repeat(300)}`],
    ['several, joined by commas', `00-${traceId}-${spanId}-01,00-${traceId}-${spanId}-01`],
  ])('with %s is none', (_what, text) => {
    expect(parseTraceParent(text)).toBeUndefined();
  });
});
