import { describe, expect, test } from 'vitest';
import { hashFrame } from '@conclave/sealed-group';
import { compareLog } from './compare-log.ts';
import type { WitnessedFrame } from './log-witness.ts';

const octetsOf = (seq: number): Uint8Array => Uint8Array.of(seq, 1, 2, 3);
const frame = (seq: number, octets = octetsOf(seq)) => ({ seq, frame: octets });
const known = (seq: number): WitnessedFrame => ({
  seq,
  bodyHash: new Uint8Array(32).fill(seq),
  frameHash: hashFrame(octetsOf(seq)),
});

describe('a page of the log, compared with what was processed', () => {
  const comparison = { processed: [known(5), known(6)], after: 4, lastSeq: 6 };

  test.each([
    ['the same frames', { frames: [frame(5), frame(6)], lastSeq: 6 }],
    ['the same frames and more', { frames: [frame(5), frame(6), frame(7)], lastSeq: 7 }],
    ['a page that ends early, because frames are large', { frames: [frame(5)], lastSeq: 7 }],
  ])('%s: no difference', (_name, page) => {
    expect(compareLog(page, comparison)).toBeUndefined();
  });

  test.each([
    ['an end before the last frame', { frames: [frame(5)], lastSeq: 5 }, 'rolled-back', 6],
    ['nothing at all', { frames: [], lastSeq: 0 }, 'rolled-back', 1],
    ['another last frame', { frames: [frame(5), frame(6, octetsOf(9))], lastSeq: 6 }, 'rewritten', 6],
    ['another one before', { frames: [frame(5, octetsOf(6)), frame(6)], lastSeq: 6 }, 'rewritten', 5],
    ['a hole', { frames: [frame(5), frame(7)], lastSeq: 7 }, 'withheld', 6],
    ['nothing where something is said to be', { frames: [], lastSeq: 6 }, 'withheld', 5],
  ])('%s', (_name, page, evidence, seq) => {
    expect(compareLog(page, comparison)).toEqual({ evidence, seq });
  });

  test('while nothing is to be compared, the end of the log is', () => {
    const comparisonOfNone = { processed: [], after: 6, lastSeq: 6 };
    expect(compareLog({ frames: [], lastSeq: 6 }, comparisonOfNone)).toBeUndefined();
    expect(compareLog({ frames: [frame(7)], lastSeq: 7 }, comparisonOfNone)).toBeUndefined();
    expect(compareLog({ frames: [], lastSeq: 7 }, comparisonOfNone)).toMatchObject({ evidence: 'withheld' });
    expect(compareLog({ frames: [], lastSeq: 5 }, comparisonOfNone)).toMatchObject({
      evidence: 'rolled-back',
    });
  });
});
