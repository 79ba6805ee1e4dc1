/** Writes docs/configuration.md and docs/errors.md; with --check, only says whether they are up to date. */
import { readFileSync, writeFileSync } from 'node:fs';
import { renderConfigReference, renderErrorTable } from '../src/index.ts';

const textByFile = { 'configuration.md': renderConfigReference(), 'errors.md': renderErrorTable() };

for (const [name, text] of Object.entries(textByFile)) {
  const file = new URL(`../../../docs/${name}`, import.meta.url);
  if (!process.argv.includes('--check')) {
    writeFileSync(file, text);
  } else if (readFileSync(file, 'utf8') !== text) {
    process.stderr.write(`docs/${name} is not up to date: run ./conclave generate\n`);
    process.exitCode = 1;
  }
}
