/** SHA-256 where there is no `node:crypto`: browsers, workers (`#sha256` in package.json; `node/sha256.ts` on Node). */
export { sha256 } from '@noble/hashes/sha2.js';
