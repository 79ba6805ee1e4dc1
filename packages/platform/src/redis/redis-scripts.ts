/** The Lua scripts that Redis runs for us, each as one atomic step. They are sent once and called by their hash after that. */
import { dropCachedScript } from '../cache/drop-script.ts';
import { presenceScripts } from '../presence/presence-scripts.ts';
import { takeTokensScript } from '../rate-limit/take-tokens-script.ts';

export const redisScripts = {
  takeTokens: takeTokensScript,
  dropCached: dropCachedScript,
  ...presenceScripts,
};
