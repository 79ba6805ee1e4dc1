import { defineRules } from './rule.ts';

/** Rules of `src/read/`. */
export const readRules = defineRules({});
