/** Writes docs/configuration.md, docs/errors.md and docs/metrics.md; with --check, only says whether they are up to date. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { renderConfigReference, renderErrorTable } from '../src/index.ts';
import { readMetricDefinitions } from './read-metric-definitions.ts';
import { renderMetricTable } from './render-metric-table.ts';

const textByFile = {
  'configuration.md': renderConfigReference(),
  'errors.md': renderErrorTable(),
  'metrics.md': renderMetricTable(readMetricDefinitions()),
};

for (const [name, text] of Object.entries(textByFile)) {
  const file = new URL(`../../../docs/${name}`, import.meta.url);
  if (!process.argv.includes('--check')) {
    writeFileSync(file, text);
  } else if (!existsSync(file) || readFileSync(file, 'utf8') !== text) {
    process.stderr.write(`docs/${name} is not up to date: run ./conclave generate\n`);
    process.exitCode = 1;
  }
}
