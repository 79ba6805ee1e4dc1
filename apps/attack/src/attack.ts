/**
 * What an attack is, and what became of it. Every attack names what it attacks, says what it does and what must be
 * answered, and has a control: the same construction without the malice, which must be accepted. A check that could not
 * fail would say nothing.
 */
import { rules } from '@conclave/sealed-group';
import type { RuleId } from '@conclave/sealed-group';
import type { ServerAnswer } from '@conclave/testkit';

/** What an attack aims at: a rule of docs/rules.md, or a part of the surface that has no rule. */
export type Target = RuleId | `surface/${string}`;

export interface Outcome {
  /** The list that the attack stands in. */
  readonly part: string;
  readonly name: string;
  readonly target: Target;
  /** The mark of docs/sealed-groups.md that the rule closes. */
  readonly mark: string | undefined;
  readonly expected: string;
  readonly observed: string;
  /** Everything that was not as it must be, in words. Empty: the attack was held off and noticed. */
  readonly faults: readonly string[];
  /** Of the control. */
  readonly isControlled: boolean;
  /** The rule itself answered, not one that comes before it; for answers that name no rule. */
  readonly exercises?: boolean;
}

/** `422 CONCLAVE_RULE_BROKEN tree/last-owner` */
export function answerText({ status, body }: Pick<ServerAnswer, 'status' | 'body'>): string {
  return [String(status), body.errcode, body.rule].filter((part) => part !== undefined).join(' ');
}

/** The one answer that the server gives when a frame breaks this rule. */
export function answerFor(rule: RuleId): string {
  return (
    ownAnswers[rule] ?? (rule.startsWith('frame/') ? malformed(rule) : `422 CONCLAVE_RULE_BROKEN ${rule}`)
  );
}

export function markOf(target: Target): string | undefined {
  return target in rules ? rules[target as RuleId].attack : undefined;
}

const readDenied = '403 CONCLAVE_READ_DENIED';
const notEligible = '403 CONCLAVE_NOT_ELIGIBLE';

/** Rules whose answer names no rule: to whom they apply, it would say too much, or the code says it already. */
const ownAnswers: Partial<Record<RuleId, string>> = {
  'frame/size': '413 CONCLAVE_FRAME_TOO_LARGE',
  'commit/eligible': notEligible,
  'commit/epoch': '409 CONCLAVE_WRONG_EPOCH',
  'commit/clock': '400 CONCLAVE_CLOCK_SKEW',
  'commit/monotone': '400 CONCLAVE_CLOCK_SKEW',
  'commit/wait': '429 CONCLAVE_LEAF_WAIT',
  'commit/required-removals': '409 CONCLAVE_REMOVALS_REQUIRED',
  'read/challenge': readDenied,
  'read/proof': readDenied,
  'read/token': readDenied,
  'read/token-epoch': readDenied,
  'read/blob-proof': notEligible,
};

function malformed(rule: RuleId): string {
  return `400 CONCLAVE_FRAME_MALFORMED ${rule}`;
}
