/** Writes docs/configuration.md, docs/errors.md, docs/metrics.md and the Grafana dashboard; with --check, only says whether they are up to date. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { renderConfigReference, renderErrorTable } from '../src/index.ts';
import { renderDashboard } from './render-dashboard.ts';
import { readMetricDefinitions } from './read-metric-definitions.ts';
import { renderMetricTable } from './render-metric-table.ts';

const textByFile = {
  'docs/configuration.md': renderConfigReference(),
  'docs/errors.md': renderErrorTable(),
  'docs/metrics.md': renderMetricTable(readMetricDefinitions()),
  'deploy/grafana/dashboards/conclave.json': renderDashboard(),
};

for (const [name, text] of Object.entries(textByFile)) {
  const file = new URL(`../../../${name}`, import.meta.url);
  if (!process.argv.includes('--check')) {
    writeFileSync(file, text);
  } else if (!existsSync(file) || readFileSync(file, 'utf8') !== text) {
    process.stderr.write(`${name} is not up to date: run ./conclave generate\n`);
    process.exitCode = 1;
  }
}
