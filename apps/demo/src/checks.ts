/** What must hold after the play: each check is a number, the number that it should be, and whether it is. */
import type { Leak } from './leak-scan.ts';
import type { HeardMessage } from './member-main.ts';
import type { Loot } from './stolen-keys.ts';

export interface Check {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  readonly target: string;
  readonly met: boolean;
  /** For people, when it is not met. */
  readonly detail?: string;
}

function exactly(name: string, value: number, target: number, unit: string, detail?: string): Check {
  const met = value === target;
  return { name, value, unit, target: `= ${target}`, met, ...(!met && detail !== undefined && { detail }) };
}

/** Heard everything that was said, each line once. */
export function checkWhole(who: string, heard: readonly HeardMessage[], expected: readonly string[]): Check {
  return exactly(
    `${who} heard every line exactly once`,
    countRight(heard, expected),
    expected.length,
    'lines',
    difference(heard, expected),
  );
}

/** Heard exactly what was said while it was a member. */
export function checkPart(who: string, heard: readonly HeardMessage[], expected: readonly string[]): Check {
  const name = `${who} heard exactly the lines of its time as a member`;
  return exactly(name, countRight(heard, expected), expected.length, 'lines', difference(heard, expected));
}

/** Everybody has the messages in the same order, at the same places of the log, from the same speakers. */
export function checkOrder(heardBy: ReadonlyMap<string, readonly HeardMessage[]>): Check {
  const known = new Map<number, string>();
  let disagreements = 0;
  for (const heard of heardBy.values()) {
    let last = 0;
    for (const { seq, by, text } of heard) {
      const message = JSON.stringify([by, text]);
      if (seq <= last || (known.get(seq) ?? message) !== message) disagreements++;
      known.set(seq, message);
      last = seq;
    }
  }
  return exactly('members disagree about the order', disagreements, 0, 'messages');
}

export function checkLoot(who: string, before: Loot, after: Loot): Check[] {
  return [
    // The control: the same attack on what was said before the removal succeeds.
    exactly(
      `${who}'s copied keys read the line before its removal`,
      before.read,
      before.messages,
      'messages',
    ),
    {
      name: `lines said after ${who}'s removal, tried with its copied keys`,
      value: after.messages,
      unit: 'messages',
      target: '> 0',
      met: after.messages > 0,
    },
    exactly(`${who}'s copied keys read after its removal`, after.read, 0, 'messages'),
    exactly(`commits followed with ${who}'s copied keys`, after.followed, 0, 'commits'),
    exactly(`sealed secrets opened with ${who}'s copied keys`, after.opened, 0, 'secrets'),
  ];
}

export function checkLeaks(leaks: readonly Leak[], accounts: readonly string[], creator: string): Check[] {
  const where = leaks.map(({ word, place }) => `"${word}" in ${place}`).join(', ');
  return [
    exactly("words and names found in the server's files and output", leaks.length, 0, 'words', where),
    exactly(
      'accounts in the tables of groups, the creator',
      accounts.filter((id) => id === creator).length,
      1,
      'accounts',
    ),
    exactly(
      'accounts in the tables of groups, others',
      accounts.filter((id) => id !== creator).length,
      0,
      'accounts',
    ),
  ];
}

/** Lines that were expected and heard, less those heard too often or not expected: equals `expected.length` only if all is right. */
function countRight(heard: readonly HeardMessage[], expected: readonly string[]): number {
  const missing = countByText(expected);
  let right = 0;
  for (const { text } of heard) {
    const left = missing.get(text) ?? 0;
    right += left > 0 ? 1 : -1;
    missing.set(text, left - 1);
  }
  return right;
}

function difference(heard: readonly HeardMessage[], expected: readonly string[]): string {
  const counts = countByText(expected);
  for (const { text } of heard) counts.set(text, (counts.get(text) ?? 0) - 1);
  const off = [...counts].filter(([, count]) => count !== 0);
  return off.map(([text, count]) => `${count > 0 ? 'missing' : 'too often'}: "${text}"`).join('; ');
}

function countByText(texts: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const text of texts) counts.set(text, (counts.get(text) ?? 0) + 1);
  return counts;
}
