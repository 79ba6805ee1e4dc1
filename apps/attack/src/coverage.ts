/**
 * Which rules of the registry a run has broken. Every rule that the server checks needs an attack that was answered by it,
 * or a written reason why no octets from outside can reach it; a reason for a rule that was reached is as wrong as none. Every rule that
 * clients alone check needs an attack that real clients noticed, or a test of its own that names it.
 */
import { readFileSync } from 'node:fs';
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

const member = 'packages/sealed-group/test/group/member.test.ts';
const messages = 'packages/sealed-group/test/message/open-message.test.ts';

const ownCall = 'it refuses a call of the client’s own; nobody outside can make it';

/** Rules of clients that no attack of a run breaks: why not, and the test that does. */
export const testedElsewhere: Partial<Record<RuleId, { readonly reason: string; readonly test: string }>> = {
  'sealing/opens-to-key': {
    reason: 'a verified proof leaves nothing that does not open',
    test: 'packages/sealed-group/test/sealing/opening.test.ts',
  },
  'commit/opens': { reason: 'a verified proof leaves nothing that does not open', test: member },
  'commit/member': { reason: ownCall, test: member },
  'commit/invitable': { reason: ownCall, test: member },
  'commit/gap': {
    reason: 'the SDK reads the log where a number is skipped, before it processes anything',
    test: member,
  },
  'commit/state': { reason: 'it is asked of what the client itself has stored', test: member },
  'message/same-epoch': { reason: 'commit/epoch is asked before it', test: messages },
  'message/sender-may-write': {
    reason:
      'commit/message-writer is asked before it, and where leaves do not sign there is nobody who may not write',
    test: messages,
  },
  'message/content-size': { reason: ownCall, test: messages },
  'invite/expected-inviter': {
    reason: 'the SDK is given links, and no contact that they have to be of',
    test: 'packages/sealed-group/test/invite/invite.test.ts',
  },
  'preview/ended': {
    reason: 'the SDK asks nothing more of a preview that has ended',
    test: 'packages/sealed-group/test/preview/lies.test.ts',
  },
};

export interface ClientCoverage {
  /** Rules that clients alone check. */
  readonly checked: number;
  readonly exercised: readonly RuleId[];
  /** Neither noticed in this run, nor named by the test that is said to break them. */
  readonly missing: readonly RuleId[];
  /** Noticed in this run, though said to be tested elsewhere. */
  readonly contradicted: readonly RuleId[];
}

export function clientCoverageOf(outcomes: readonly Outcome[]): ClientCoverage {
  const checked = (Object.keys(rules) as RuleId[]).filter((id) => rules[id].checkedBy === 'client');
  const noticed = new Set(
    outcomes
      .filter(({ exercises, faults }) => exercises === true && faults.length === 0)
      .map(({ target }) => target),
  );
  const exercised = checked.filter((id) => noticed.has(id));
  return {
    checked: checked.length,
    exercised,
    missing: checked.filter((id) => !noticed.has(id) && !isTestedElsewhere(id)),
    contradicted: exercised.filter((id) => testedElsewhere[id] !== undefined),
  };
}

/** A reason that names a test which does not name the rule is none. */
function isTestedElsewhere(id: RuleId): boolean {
  const said = testedElsewhere[id];
  if (said === undefined) return false;
  return readFileSync(new URL(`../../../${said.test}`, import.meta.url), 'utf8').includes(`'${id}'`);
}

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
