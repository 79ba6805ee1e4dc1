/** Writes docs/rules.md. */
import { writeFileSync } from 'node:fs';
import { findRuleUses, renderRules, rulesPage } from './render-rules.ts';

writeFileSync(rulesPage, renderRules(findRuleUses()));
