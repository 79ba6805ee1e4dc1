import { describe, expect, it } from 'vitest';
import { checkLeaks, checkLoot, checkOrder, checkPart, checkWhole } from './checks.ts';
import type { HeardMessage } from './member-main.ts';

const heard = (...texts: string[]): HeardMessage[] =>
  texts.map((text, index) => ({ seq: index + 1, by: 'Ada', text }));

describe('the checks of the demonstration', () => {
  it('see a lost, a doubled and a foreign line', () => {
    expect(checkWhole('Ada', heard('a', 'b', 'b'), ['a', 'b', 'b']).met).toBe(true);
    expect(checkWhole('Ada', heard('a'), ['a', 'b'])).toMatchObject({ met: false, detail: 'missing: "b"' });
    expect(checkWhole('Ada', heard('a', 'a', 'b'), ['a', 'b'])).toMatchObject({
      met: false,
      detail: 'too often: "a"',
    });
    expect(checkPart('Ada', heard('a', 'x'), ['a']).met).toBe(false);
  });

  it('see members who disagree about order or speaker', () => {
    const ada = heard('a', 'b');
    expect(
      checkOrder(
        new Map([
          ['Ada', ada],
          ['Bo', ada.slice(1)],
        ]),
      ).met,
    ).toBe(true);
    expect(
      checkOrder(
        new Map([
          ['Ada', ada],
          ['Bo', heard('b', 'a')],
        ]),
      ).met,
    ).toBe(false);
    expect(
      checkOrder(
        new Map([
          ['Ada', ada],
          ['Bo', ada.toReversed()],
        ]),
      ).met,
    ).toBe(false);
    expect(
      checkOrder(
        new Map([
          ['Ada', ada],
          ['Bo', [{ ...ada[0]!, by: 'Cy' }]],
        ]),
      ).met,
    ).toBe(false);
  });

  it('see loot, and an attack that could not have worked', () => {
    const nothing = { messages: 3, commits: 2, read: 0, followed: 0, opened: 0 };
    const control = { messages: 1, commits: 0, read: 1, followed: 0, opened: 0 };
    const allMet = (checks: readonly { met: boolean }[]) => checks.every(({ met }) => met);
    expect(allMet(checkLoot('Bo', control, nothing))).toBe(true);
    expect(allMet(checkLoot('Bo', { ...control, read: 0 }, nothing))).toBe(false);
    expect(allMet(checkLoot('Bo', control, { ...nothing, messages: 0 }))).toBe(false);
    for (const found of ['read', 'followed', 'opened'] as const) {
      expect(allMet(checkLoot('Bo', control, { ...nothing, [found]: 1 }))).toBe(false);
    }
  });

  it('see leaks and foreign accounts', () => {
    const allMet = (checks: readonly { met: boolean }[]) => checks.every(({ met }) => met);
    expect(allMet(checkLeaks([], ['@ada:x'], '@ada:x'))).toBe(true);
    expect(allMet(checkLeaks([{ word: 'hello', place: 'db' }], ['@ada:x'], '@ada:x'))).toBe(false);
    expect(allMet(checkLeaks([], ['@ada:x', '@bo:x'], '@ada:x'))).toBe(false);
  });
});
