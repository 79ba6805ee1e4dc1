import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { printable, printableName } from './printable.ts';

describe('foreign text in a terminal', () => {
  it('cannot carry an escape sequence', () => {
    expect(printable('a\u001b[2Jb\u009b31mc')).toBe('a·[2Jb·31mc');
  });

  it('cannot overwrite its line or ring the bell', () => {
    expect(printable('safe\rfake\u0007')).toBe('safe·fake·');
  });

  it('cannot reorder what stands beside it', () => {
    expect(printable('\u202eevil\u2066')).toBe('·evil·');
  });

  it('keeps line feeds, widens tabs, leaves other scripts and emoji alone', () => {
    expect(printable('één\nдва\t三 👩🏽‍🚀')).toBe('één\nдва    三 👩🏽‍🚀');
  });

  it('gives names one line of bounded length', () => {
    expect(printableName('Ada\nLovelace')).toBe('Ada Lovelace');
    expect(printableName('\u0000\u200b')).toBe('··');
    expect(printableName('   ')).toBe('(no name)');
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (name) => {
        const shown = printableName(name, 12);
        expect(Array.from(new Intl.Segmenter().segment(shown)).length).toBeLessThanOrEqual(12);
        expect(shown).not.toContain('\n');
      }),
      { seed: 1 },
    );
  });
});
