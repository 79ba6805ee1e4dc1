import { defineRules } from './rule.ts';

/** Rules of `src/tree/`. */
export const treeRules = defineRules({});
