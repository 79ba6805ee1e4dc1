/**
 * The play: a real text is spoken line by line by people in turn, while membership changes, the server is killed and one
 * of them goes away and comes back. Pure: the same text gives the same play.
 *
 *   line   0 %          25 %       35 %         50 %          65 %        80 %      100 %
 *   ─────────────────────┼──────────┼────────────┼─────────────┼───────────┼──────────
 *   four people talk     Dagmar     Eberhard     SIGKILL, in   Bohumila    Dagmar
 *                        offline    joins        mid-burst     removed     returns
 */

/** Long enough that a search for them in a database finds no accidents. */
export const people = ['Adalheid', 'Bohumila', 'Cyprienne', 'Dagmar-Lou', 'Eberhard'] as const;
export type Person = (typeof people)[number];

export type Step =
  /** Lines said at the same moment, each by another person. */
  | { readonly kind: 'say'; readonly lines: readonly { readonly by: Person; readonly text: string }[] }
  | { readonly kind: 'add' | 'remove' | 'leave-the-network' | 'return'; readonly who: Person }
  /** The burst that follows is said while the server dies and comes back. */
  | { readonly kind: 'kill-server' };

export const owner: Person = 'Adalheid';
const removed: Person = 'Bohumila';
const traveller: Person = 'Dagmar-Lou';
const latecomer: Person = 'Eberhard';

/** Fewer lines cannot show what the play is for. */
export const minLines = 12;

/** The lines of a text that can be said: not empty, without control characters, at most `max`, each at most 1,000 characters. */
export function linesOf(text: string, max: number): string[] {
  return text
    .split(/\r?\n/)
    .map((line) =>
      line
        .replace(/\p{Cc}/gu, ' ')
        .trim()
        .slice(0, 1_000),
    )
    .filter((line) => line.isWellFormed() && line !== '')
    .slice(0, max);
}

export function writeScript(lines: readonly string[]): Step[] {
  const at = (share: number) => Math.floor(lines.length * share);
  const turns: readonly (readonly [line: number, steps: readonly Step[]])[] = [
    [at(0.25), [{ kind: 'leave-the-network', who: traveller }]],
    [at(0.35), [{ kind: 'add', who: latecomer }]],
    [at(0.5), [{ kind: 'kill-server' }]],
    [at(0.65), [{ kind: 'remove', who: removed }]],
    [at(0.8), [{ kind: 'return', who: traveller }]],
  ];
  const present = new Set<Person>(people.filter((person) => person !== latecomer));
  const steps: Step[] = [];
  let next = 0;
  for (const [line, changes] of [...turns, [lines.length, []] as const]) {
    while (next < line) {
      const speakers = people.filter((person) => present.has(person));
      // Two at a time: simultaneous messages must be ordered the same for everybody.
      const burst = lines.slice(next, Math.min(next + 2, line));
      const said = burst.map((text, index) => ({ by: speakers[(next + index) % speakers.length]!, text }));
      steps.push({ kind: 'say', lines: said });
      next += burst.length;
    }
    for (const step of changes) {
      if (step.kind === 'add' || step.kind === 'return') present.add(step.who);
      if (step.kind === 'remove' || step.kind === 'leave-the-network') present.delete(step.who);
      steps.push(step);
    }
  }
  return steps;
}
