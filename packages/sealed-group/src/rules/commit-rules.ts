import { defineRules } from './rule.ts';

/** Rules of `src/commit/`. */
export const commitRules = defineRules({});
