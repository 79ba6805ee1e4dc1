import { defineRules } from './rule.ts';

/** Rules of `src/sealing/`. */
export const sealingRules = defineRules({});
