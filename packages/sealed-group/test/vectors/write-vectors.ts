/** Rewrites this part's files in `vectors/`: only when the protocol is meant to change. `npm run generate-vectors` runs all parts. */
import { readFileSync, writeFileSync } from 'node:fs';
import { identityVectors } from './identity-vectors.ts';
import { makePreviewVectors } from './make-preview-vectors.ts';
import { makeTreeVectors } from './make-tree-vectors.ts';
import { readingVectors } from './reading-vectors.ts';

export const computeByFile = {
  'identity.json': identityVectors,
  'reading.json': readingVectors,
  'preview.json': makePreviewVectors,
  'trees.json': makeTreeVectors,
} as const;

export function pathOf(file: string): URL {
  return new URL(`../../../../vectors/${file}`, import.meta.url);
}

export function readVectors(file: string): unknown {
  return JSON.parse(readFileSync(pathOf(file), 'utf8'));
}

if (import.meta.main) {
  for (const [file, compute] of Object.entries(computeByFile)) {
    writeFileSync(pathOf(file), `${JSON.stringify(compute(), undefined, 2)}\n`);
  }
}
