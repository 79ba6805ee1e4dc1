import { defineRules } from './rule.ts';

/** Rules of `src/identity/`. */
export const identityRules = defineRules({});
