import { describe, expect, it } from 'vitest';
import { warningText } from './warning-text.ts';

const nameById = (id: string): string => (id === 'cem' ? 'Cem' : 'somebody');

describe('a server that shows another history', () => {
  it.each(['rolled-back', 'rewritten', 'withheld'] as const)(
    '%s: both explanations are named',
    (evidence) => {
      const { text, isQuiet } = warningText(
        { kind: 'server-misbehaviour', evidence, seq: 7, by: undefined },
        nameById,
      );
      expect(isQuiet).toBe(false);
      expect(text).toContain('Either it lies, or it was restored from an old backup');
      expect(text).toContain('What you have is kept');
    },
  );

  it.each(['withheld', 'reordered'] as const)('%s: says whose word it is', (evidence) => {
    const { text } = warningText({ kind: 'server-misbehaviour', evidence, seq: 7, by: 'cem' }, nameById);
    expect(text).toContain('Cem');
    expect(text).toContain('over another channel');
  });
});
