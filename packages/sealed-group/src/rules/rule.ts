/**
 * What a rule is. Every check that protocol code makes on bytes from outside has a rule with a stable id; the id appears
 * in the code that checks, in the test that breaks it, and in the generated table `docs/rules.md`.
 */

/** One verification rule. `attack` names the review's finding ([F3], …) that the rule closes, if any. */
export interface Rule {
  /** What must hold, as one sentence. */
  readonly says: string;
  /** Who checks it: the delivery service, clients, or both with the same code. */
  readonly checkedBy: 'both' | 'server' | 'client';
  readonly attack?: string;
}

/** Declares a module's rules; keys are the rule ids, such as `tree/known-leaf`. */
export function defineRules<const Id extends string>(rules: Record<Id, Rule>): Readonly<Record<Id, Rule>> {
  return Object.freeze(rules);
}
