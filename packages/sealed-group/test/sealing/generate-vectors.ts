/**
 * Writes `vectors/hashing.json`, `signatures.json` and `sealing.json`:
 * `node packages/sealed-group/test/sealing/generate-vectors.ts && npx oxfmt vectors`
 */
import { writeFileSync } from 'node:fs';
import { vectorFiles } from './vectors.ts';

for (const [name, compute] of Object.entries(vectorFiles)) {
  const path = new URL(`../../../../vectors/${name}`, import.meta.url);
  writeFileSync(path, `${JSON.stringify(compute(), undefined, 2)}\n`);
}
