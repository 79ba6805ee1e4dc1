/** Rewrites this part's files in `vectors/`: only when the protocol is meant to change. Run with node. */
import { writeFileSync } from 'node:fs';
import { computeVectors, formatVectors, vectorFiles } from './vectors.ts';

const vectors = computeVectors();
for (const file of vectorFiles) {
  writeFileSync(new URL(`../../../../vectors/${file}.json`, import.meta.url), formatVectors(vectors[file]));
}
