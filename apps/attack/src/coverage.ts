/**
 * Which rules of the registry a run has broken. Every rule that the server checks needs an attack that was answered by it,
 * or a written reason why no octets from outside can reach it; a reason for a rule that was reached is as wrong as none.
 */
import { rules } from '@conclave/sealed-group';
import type { RuleId } from '@conclave/sealed-group';
import type { Outcome } from './attack.ts';

const noTrees = 'no route takes a tree: the server makes its trees itself, from commits that it accepted';

/** Why a rule that the server's code checks cannot be broken from outside, within a run. */
export const unreachable: Partial<Record<RuleId, string>> = {
  'tree/encoding': noTrees,
  'tree/malformed-key': `${noTrees}; keys in frames break commit/key`,
  'tree/leaf-count': noTrees,
  'tree/node-place': noTrees,
  'tree/unmerged-leaves': noTrees,
  'tree/parent-without-members': noTrees,
  'tree/ownerless': `${noTrees}; commits that leave no owner break tree/last-owner`,
  'tree/path-hash': 'no route takes a leaf path: the server gives them',
  'tree/known-committer': 'who is no leaf is not eligible, and that is asked first (commit/eligible)',
  'tree/add-limit': 'a frame with more adds breaks frame/count before anything is planned',
  'tree/leaf-limit': 'it takes a group of 2^20 leaves; packages/sealed-group/test/tree builds one',
  'tree/recipient-limit':
    'it takes a group of more than 3,833 members without common keys; packages/sealed-group/test/tree plans one',
  'sealing/node-limit': 'a frame with more nodes breaks frame/count before its proof is looked at',
  'sealing/shape': 'frame/length and commit/recipients see every wrong shape before the proof is looked at',
};

export interface Coverage {
  /** Rules that the server checks. */
  readonly checked: number;
  readonly exercised: readonly RuleId[];
  /** Neither broken in this run nor explained. */
  readonly missing: readonly RuleId[];
  /** Explained, and broken all the same: the reason is wrong. */
  readonly contradicted: readonly RuleId[];
}

export function coverageOf(outcomes: readonly Outcome[]): Coverage {
  const checked = (Object.keys(rules) as RuleId[]).filter((id) => rules[id].checkedBy !== 'client');
  const broken = new Set(outcomes.filter(isAnsweredByItsRule).map(({ target }) => target));
  const exercised = checked.filter((id) => broken.has(id));
  return {
    checked: checked.length,
    exercised,
    missing: checked.filter((id) => !broken.has(id) && unreachable[id] === undefined),
    contradicted: exercised.filter((id) => unreachable[id] !== undefined),
  };
}

/** An attack that another rule answers first is worth having, and exercises nothing of its own. */
function isAnsweredByItsRule({ target, observed, exercises }: Outcome): boolean {
  return exercises ?? observed.endsWith(` ${target}`);
}
