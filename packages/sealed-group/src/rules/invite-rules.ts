import { defineRules } from './rule.ts';

/** Rules of `src/invite/`. */
export const inviteRules = defineRules({});
