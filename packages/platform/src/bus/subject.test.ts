import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isSubject, isSubjectPattern, SubjectIndex } from './subject.ts';

const token = fc.constantFrom('a', 'b', 'group');
const subject = fc.array(token, { minLength: 1, maxLength: 4 }).map((tokens) => tokens.join('.'));
const pattern = fc
  .tuple(fc.array(fc.oneof(token, fc.constant('*')), { maxLength: 3 }), fc.constantFrom('a', '*', '>'))
  .map(([tokens, last]) => [...tokens, last].join('.'));

/** The definition, spelled out: token by token. */
function matches(pattern: string, subject: string): boolean {
  const expected = pattern.split('.');
  const actual = subject.split('.');
  if (expected.at(-1) === '>') {
    return (
      actual.length >= expected.length && expected.slice(0, -1).every((t, i) => t === '*' || t === actual[i])
    );
  }
  return actual.length === expected.length && expected.every((t, i) => t === '*' || t === actual[i]);
}

describe('the subject index', () => {
  test('finds exactly the patterns that match', () => {
    fc.assert(
      fc.property(fc.uniqueArray(pattern, { maxLength: 12 }), subject, (patterns, subject) => {
        const index = new SubjectIndex<string>();
        for (const pattern of patterns) index.add(pattern, pattern);
        expect(index.match(subject).toSorted()).toEqual(
          patterns.filter((p) => matches(p, subject)).toSorted(),
        );
      }),
      { numRuns: 500 },
    );
  });

  test('forgets what is deleted, and only that', () => {
    fc.assert(
      fc.property(fc.uniqueArray(pattern, { minLength: 2 }), subject, fc.nat(), (patterns, subject, pick) => {
        const index = new SubjectIndex<string>();
        for (const pattern of patterns) index.add(pattern, pattern);
        const deleted = patterns[pick % patterns.length]!;
        index.delete(deleted, deleted);
        index.delete('never.added', 'never.added');
        const left = patterns.filter((p) => p !== deleted && matches(p, subject));
        expect(index.match(subject).toSorted()).toEqual(left.toSorted());
      }),
      { numRuns: 500 },
    );
  });

  test('takes the subjects and patterns of these properties for well-formed', () => {
    for (const text of fc.sample(subject, 100))
      expect([isSubject(text), isSubjectPattern(text)]).toEqual([true, true]);
    for (const text of fc.sample(pattern, 100)) expect(isSubjectPattern(text)).toBe(true);
  });
});
