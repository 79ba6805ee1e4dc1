import { defineRules } from './rule.ts';

/** Rules of `src/message/`. */
export const messageRules = defineRules({});
