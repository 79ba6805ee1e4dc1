import { describe, expect, it } from 'vitest';
import { linesOf, owner, writeScript } from './script.ts';

const text = Array.from({ length: 40 }, (_, index) => `line ${index}`).join('\n');

describe('the play', () => {
  it('takes lines from a text and drops what cannot be said', () => {
    expect(linesOf('a\r\n\n  b\tc \n\u0007\nd', 3)).toEqual(['a', 'b c', 'd']);
    expect(linesOf('a\nb\nc', 2)).toEqual(['a', 'b']);
  });

  it('says every line once and in order', () => {
    const said = writeScript(linesOf(text, 40)).flatMap((step) =>
      step.kind === 'say' ? step.lines.map((line) => line.text) : [],
    );
    expect(said).toEqual(linesOf(text, 40));
  });

  it('lets nobody speak who is not there, and never two lines at once by one person', () => {
    const present = new Set<string>(['Adalheid', 'Bohumila', 'Cyprienne', 'Dagmar-Lou']);
    const offences: string[] = [];
    for (const step of writeScript(linesOf(text, 40))) {
      if (step.kind === 'say') {
        const speakers = step.lines.map(({ by }) => by);
        if (new Set(speakers).size < speakers.length) offences.push(`twice at once: ${speakers.join()}`);
        offences.push(...speakers.filter((speaker) => !present.has(speaker)));
      } else if (step.kind === 'add' || step.kind === 'return') present.add(step.who);
      else if (step.kind !== 'kill-server') present.delete(step.who);
    }
    expect(offences).toEqual([]);
    expect(present).toContain(owner);
  });

  it('has every turn, even for a short text', () => {
    const kinds = writeScript(linesOf(text, 12)).map(({ kind }) => kind);
    for (const kind of ['leave-the-network', 'add', 'kill-server', 'remove', 'return'] as const) {
      expect(kinds.filter((other) => other === kind)).toHaveLength(1);
    }
  });
});
