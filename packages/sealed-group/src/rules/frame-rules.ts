import { defineRules } from './rule.ts';

/** Rules of `src/frame/`. */
export const frameRules = defineRules({});
