/**
 * Several things wrong with one frame: still one answer, and it is that of the check which comes first (docs/sealed-groups.md
 * §5.7: cheapest first). What stands in one step may be answered by any of its rules, and by nothing else.
 */
import type { RuleId } from '@conclave/sealed-group';
import { answerFor } from '../attack.ts';
import type { Changes, Mallory, Prepared } from '../mallory/mallory.ts';
import type { FrameAttack } from '../siege.ts';

/** One thing that can be wrong; `Change` is what the maker of the frame takes. */
export interface Violation<Change> {
  readonly what: string;
  readonly rule: RuleId;
  /** Place in the order of checks. */
  readonly step: number;
  /** What it changes: two that change one thing are no combination. */
  readonly touches: readonly string[];
  /** What it takes to be as it was: with something that changes it another rule would be broken. */
  readonly needs?: readonly string[];
  readonly change: (mallory: Mallory, good: Prepared) => Change;
}

/** How the frame is made from all that is wrong with it. */
export type MakeFrame<Change> = (mallory: Mallory, good: Prepared, changes: readonly Change[]) => Uint8Array;

/** Every two of the list that go together. */
export function pairsOf<Change>(list: readonly Violation<Change>[]): Violation<Change>[][] {
  return list.flatMap((first, index) => pairsBetween([first], list.slice(index + 1)));
}

/** Every one of the first list with every one of the second that goes with it. */
export function pairsBetween<Change>(
  firsts: readonly Violation<Change>[],
  seconds: readonly Violation<Change>[],
): Violation<Change>[][] {
  return firsts.flatMap((first) =>
    seconds.map((second) => [first, second]).filter((pair) => goTogether(pair)),
  );
}

export function goTogether(wrongs: readonly Violation<unknown>[]): boolean {
  const touched = wrongs.flatMap(({ touches }) => touches);
  const needed = wrongs.flatMap(({ needs = [] }) => needs);
  return new Set(touched).size === touched.length && !needed.some((what) => touched.includes(what));
}

/** The same in every run: so many of the list, drawn by Knuth's generator, which spreads well enough over one. */
export function sampleOf<T>(list: readonly T[], count: number): T[] {
  let seed = 1;
  return Array.from({ length: count }, () => {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
    return list[Math.floor((seed / 2 ** 32) * list.length)]!;
  });
}

export function combinationAttack<Change>(
  unordered: readonly Violation<Change>[],
  make: MakeFrame<Change>,
): FrameAttack {
  const wrongs = unordered.toSorted((a, b) => a.step - b.step);
  const first = wrongs[0]!;
  const decisive = wrongs.filter(({ step }) => step === first.step);
  return {
    name: wrongs.map(({ what }) => what).join(', and '),
    breaks: first.rule,
    expects: [...new Set(decisive.map(({ rule }) => answerFor(rule)))],
    clientSays: 'anything',
    build: (mallory, good) =>
      make(
        mallory,
        good,
        wrongs.map(({ change }) => change(mallory, good)),
      ),
  };
}

/** A commit with all of these changes; operations that are added are added to each other's. */
export const changedCommit: MakeFrame<Changes> = (mallory, good, changes) =>
  mallory.forge(good, changes.reduce(both));

function both(first: Changes, second: Changes): Changes {
  return {
    header: { ...first.header, ...second.header },
    content(content) {
      const changed = { ...content, ...first.content?.(content) };
      return { ...changed, ...second.content?.(changed) };
    },
    trail(trail) {
      const changed = { ...trail, ...first.trail?.(trail) };
      return { ...changed, ...second.trail?.(changed) };
    },
    signed(trail) {
      const changed = { ...trail, ...first.signed?.(trail) };
      return { ...changed, ...second.signed?.(changed) };
    },
  };
}
