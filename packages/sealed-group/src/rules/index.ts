/** The registry of all rules, by id. `docs/rules.md` is generated from it. */
import { commitRules } from './commit-rules.ts';
import { frameRules } from './frame-rules.ts';
import { identityRules } from './identity-rules.ts';
import { inviteRules } from './invite-rules.ts';
import { messageRules } from './message-rules.ts';
import { previewRules } from './preview-rules.ts';
import { readRules } from './read-rules.ts';
import type { Rule } from './rule.ts';
import { sealingRules } from './sealing-rules.ts';
import { treeRules } from './tree-rules.ts';

export const rules = {
  ...frameRules,
  ...treeRules,
  ...sealingRules,
  ...commitRules,
  ...messageRules,
  ...identityRules,
  ...inviteRules,
  ...previewRules,
  ...readRules,
} satisfies Record<string, Rule>;

export type RuleId = keyof typeof rules;
export type { Rule } from './rule.ts';
