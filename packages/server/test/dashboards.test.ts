/** The dashboard and the alerts name metrics and labels that exist; each alert is explained; all files are well-formed. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createMetrics } from '@conclave/platform';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { readPromql } from '../scripts/promql.ts';
import { readMetricDefinitions } from '../scripts/read-metric-definitions.ts';
import { renderDashboard } from '../scripts/render-dashboard.ts';

const deploy = fileURLToPath(new URL('../../../deploy/', import.meta.url));
const text = (path: string) => readFileSync(join(deploy, path), 'utf8');

interface Rule {
  readonly alert: string;
  readonly expr: string;
  readonly annotations: Readonly<Record<string, string>>;
}

const alerts = (parse(text('prometheus/alerts.yml')) as { groups: { rules: Rule[] }[] }).groups.flatMap(
  ({ rules }) => rules,
);
const dashboard = JSON.parse(text('grafana/dashboards/conclave.json')) as {
  panels: {
    id: number;
    title: string;
    type: string;
    gridPos: Record<'x' | 'y' | 'w' | 'h', number>;
    targets?: { expr: string; legendFormat: string }[];
  }[];
};
const panels = dashboard.panels.filter(({ type }) => type !== 'row');
const targets = panels.flatMap((panel) => panel.targets ?? []);

/** Names as they are scraped, with their labels. Of the process's own: those of prom-client, and `up`. */
const labelsByName = new Map<string, readonly string[]>([['up', []]]);
for (const { name, kind, labels } of readMetricDefinitions()) {
  if (kind !== 'histogram') labelsByName.set(name, labels);
  else
    for (const part of ['bucket', 'sum', 'count'])
      labelsByName.set(`${name}_${part}`, part === 'bucket' ? [...labels, 'le'] : labels);
}
for (const name of createMetrics({ process: true }).names()) {
  if (!name.startsWith('conclave_')) labelsByName.set(name, []);
}
/** What Prometheus adds to everything. */
const scraped = ['job', 'instance'];

/** What is wrong with an expression, in words. */
function faultsOf(expression: string): string[] {
  const { metrics, labels } = readPromql(expression);
  const unknown = metrics.filter((name) => !labelsByName.has(name)).map((name) => `no metric ${name}`);
  const had = new Set([...metrics.flatMap((name) => labelsByName.get(name) ?? []), ...scraped]);
  const missing = labels
    .filter(
      ({ name, metric }) =>
        !(metric === undefined ? had : new Set([...(labelsByName.get(metric) ?? []), ...scraped])).has(name),
    )
    .map(({ name, metric }) => `no label ${name} of ${metric ?? metrics.join()}`);
  return [...(metrics.length === 0 ? ['no metric at all'] : []), ...unknown, ...missing];
}

describe('the dashboard', () => {
  it('is made of its rows', () => {
    expect(text('grafana/dashboards/conclave.json')).toBe(renderDashboard());
  });

  it('names metrics and labels that exist, and shows labels that its expressions keep', () => {
    expect(targets.length).toBeGreaterThan(50);
    expect(targets.flatMap(({ expr }) => faultsOf(expr).map((fault) => `${fault}: ${expr}`))).toEqual([]);
    const lost = targets.flatMap(({ expr, legendFormat }) =>
      [...legendFormat.matchAll(/\{\{(\w+)\}\}/g)]
        .filter(([, label]) => / by \(/.test(expr) && !new RegExp(` by \\([^)]*\\b${label}\\b`).test(expr))
        .map(([, label]) => `${label} is not in ${expr}`),
    );
    expect(lost).toEqual([]);
  });

  it('has panels that do not overlap and have different ids', () => {
    expect(new Set(dashboard.panels.map(({ id }) => id)).size).toBe(dashboard.panels.length);
    const cells = dashboard.panels.flatMap(({ gridPos: { x, y, w, h } }) =>
      Array.from({ length: w * h }, (_, cell) => `${x + (cell % w)},${y + Math.floor(cell / w)}`),
    );
    expect(new Set(cells).size).toBe(cells.length);
    expect(dashboard.panels.every(({ gridPos: { x, w } }) => x + w <= 24)).toBe(true);
  });
});

describe('alerts', () => {
  it('name metrics and labels that exist', () => {
    expect(alerts.length).toBeGreaterThan(15);
    expect(alerts.flatMap(({ alert, expr }) => faultsOf(expr).map((fault) => `${alert}: ${fault}`))).toEqual(
      [],
    );
  });

  it('are each explained in docs/operations.md, and nothing else is', () => {
    const operations = readFileSync(new URL('../../../docs/operations.md', import.meta.url), 'utf8');
    const explained = [...operations.matchAll(/^### (Conclave\w+)$/gm)].map(([, name]) => name!);
    expect(explained.toSorted()).toEqual(alerts.map(({ alert }) => alert).toSorted());
  });

  it('show labels that their expressions keep', () => {
    const lost = alerts.flatMap(({ alert, expr, annotations }) =>
      [
        ...Object.values(annotations)
          .join(' ')
          .matchAll(/\$labels\.(\w+)/g),
      ]
        .filter(([, label]) => / by \(/.test(expr) && !new RegExp(` by \\([^)]*\\b${label}\\b`).test(expr))
        .map(([, label]) => `${alert}: ${label}`),
    );
    expect(lost).toEqual([]);
  });
});

describe('the files beside them', () => {
  it('are well-formed and refer to files that exist', () => {
    const prometheus = parse(text('prometheus/prometheus.yml')) as {
      rule_files: string[];
      scrape_configs: { job_name: string }[];
    };
    for (const file of prometheus.rule_files) expect(readdirSync(join(deploy, 'prometheus'))).toContain(file);
    expect(prometheus.scrape_configs.map(({ job_name }) => job_name)).toContain('conclave');
    for (const file of ['datasources/prometheus.yml', 'dashboards/conclave.yml']) {
      expect(parse(text(`grafana/provisioning/${file}`))).toMatchObject({ apiVersion: 1 });
    }
  });
});

describe('reading PromQL', () => {
  it('finds metrics and labels, and takes neither functions nor strings for them', () => {
    const { metrics, labels } = readPromql(
      'histogram_quantile(0.9, sum by (le, lane) (rate(a_bucket{x="b{c}", y!~"d"}[$__rate_interval]))) > 0.2 * sum(e) or f == 0',
    );
    expect(metrics).toEqual(['a_bucket', 'e', 'f']);
    expect(labels).toEqual([
      { name: 'x', metric: 'a_bucket' },
      { name: 'y', metric: 'a_bucket' },
      { name: 'le', metric: undefined },
      { name: 'lane', metric: undefined },
    ]);
  });

  it.each([
    ['a metric that does not exist', 'sum(conclave_nothing_total)', 'no metric conclave_nothing_total'],
    [
      'a histogram without its part',
      'rate(conclave_relay_delay_seconds[5m])',
      'no metric conclave_relay_delay_seconds',
    ],
    [
      'a label that it does not have',
      'sum(rate(conclave_relay_published_total{group="x"}[5m]))',
      'no label group of conclave_relay_published_total',
    ],
    [
      'a label to sum by',
      'sum by (group) (rate(conclave_relay_published_total[5m]))',
      'no label group of conclave_relay_published_total',
    ],
  ])('finds %s', (_what, expression, fault) => {
    expect(faultsOf(expression)).toEqual([fault]);
  });
});
