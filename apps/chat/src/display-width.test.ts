import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { displayWidth, fitWidth, wrapLines } from './display-width.ts';

describe('text in columns', () => {
  it('counts what a terminal draws', () => {
    expect(displayWidth('Ada')).toBe(3);
    expect(displayWidth('\u001b[31mAda\u001b[0m')).toBe(3);
    expect(displayWidth('日本')).toBe(4);
    expect(displayWidth('e\u0301')).toBe(1);
  });

  it('cuts to the width', () => {
    expect(fitWidth('hello world', 8)).toBe('hello w…');
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.integer({ min: 1, max: 30 }), (text, columns) => {
        expect(displayWidth(fitWidth(text, columns))).toBeLessThanOrEqual(columns);
      }),
      { seed: 1, numRuns: 100 },
    );
  });

  it('wraps between words, indents, and leaves links in one piece', () => {
    expect(wrapLines('12:01 Ada: one two three', 18, 6)).toBe('12:01 Ada: one\n      two three');
    const link = `https://chat.example/i#${'A'.repeat(40)}`;
    expect(wrapLines(`look: ${link} now`, 20, 2)).toContain(link);
  });
});
