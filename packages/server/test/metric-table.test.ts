/** Metrics are documented, named and labelled alike, and their table holds everything that a running server registers. */
import { readFileSync } from 'node:fs';
import { createMetrics } from '@conclave/platform';
import { describe, expect, it } from 'vitest';
import { definitionsIn, readMetricDefinitions } from '../scripts/read-metric-definitions.ts';
import { renderMetricTable } from '../scripts/render-metric-table.ts';
import { startTestServer } from './test-server.ts';

const definitions = readMetricDefinitions();

/** Every label there is, and why its values are few. A new one is a decision: its values are kept for ever, by others. */
const valuesOfLabel: Readonly<Record<string, string>> = {
  code: 'stable codes of errors, close codes of the protocol',
  kind: 'kinds of frames',
  lane: 'express, main',
  limit: 'names of limits in the configuration',
  method: 'methods of HTTP, of the gateway',
  metric: 'names of metrics',
  namespace: 'namespaces of channels',
  operation: 'operations of an engine',
  outcome: 'words in the program',
  reason: 'words in the program',
  route: 'patterns of routes',
  stage: 'stages of a message',
  state: 'words in the program',
  status: 'statuses of HTTP',
  task: 'names of jobs in the program',
  transport: 'transports of the gateway',
};

const units = ['seconds', 'bytes', 'frames', 'units', 'rows', 'points'];

describe('the table of metrics', () => {
  it('is docs/metrics.md', () => {
    const committed = readFileSync(new URL('../../../docs/metrics.md', import.meta.url), 'utf8');
    expect(committed).toBe(renderMetricTable(definitions));
  });

  it('holds what a running server registers, and nothing is registered that it does not hold', async () => {
    await using running = await startTestServer();
    const known = new Set(definitions.map(({ name }) => name));
    const registered = running.server.metrics.names();
    expect(registered.length).toBeGreaterThan(30);
    expect(registered.filter((name) => !known.has(name))).toEqual([]);
  });
});

describe('a metric', () => {
  it('has a name that says its unit: _total for counters, a unit for distributions', () => {
    const wrong = definitions.filter(({ name, kind }) => {
      if (!/^conclave_[a-z0-9]+(?:_[a-z0-9]+)*$/.test(name)) return true;
      if (kind === 'counter') return !name.endsWith('_total');
      if (kind === 'histogram') return !units.some((unit) => name.endsWith(`_${unit}`));
      return name.endsWith('_total') || /_(?:ms|millis|milliseconds|minutes|kb|mb)$/.test(name);
    });
    expect(wrong).toEqual([]);
  });

  it('has a help text of whole sentences', () => {
    expect(definitions.filter(({ help }) => !/^[A-Z1].{10,}\.$/s.test(help))).toEqual([]);
  });

  it('has only labels whose values are few and say nothing of anybody', () => {
    const unknown = definitions.flatMap(({ name, labels }) =>
      labels.filter((label) => !Object.hasOwn(valuesOfLabel, label)).map((label) => `${name}{${label}}`),
    );
    expect(unknown).toEqual([]);
    // Prometheus gives these to everything that it scrapes, and a quantile or bucket is its own.
    for (const reserved of ['job', 'instance', 'le', 'quantile']) {
      expect(Object.keys(valuesOfLabel)).not.toContain(reserved);
    }
  });

  it('never collides with those of the process', () => {
    const ofProcess = createMetrics({ process: true }).names();
    expect(definitions.filter(({ name }) => ofProcess.includes(name)).map(({ name }) => name)).toEqual([
      'conclave_metrics_unread_total',
    ]);
  });
});

describe('reading definitions', () => {
  it('finds every way to make a metric', () => {
    const source = `
      export function f(deps: { metrics: Metrics }, metrics: Metrics) {
        deps.metrics?.counter('a_total', 'A ' + 'sum.', ['x']);
        metrics.gauge('b', \`Help.\`);
        metrics.observe('c', 'Help.', () => 1);
        metrics.observeEach<'x' | 'y'>('d', 'Help.', ['x', 'y'], () => []);
        const h = this.metrics.histogram('e_seconds', 'Help.', BUCKETS, ['z']);
        h.observe({ z: '1' }, 3);
        metrics.observe(3);
      }`;
    expect(definitionsIn('f.ts', source)).toEqual([
      { name: 'conclave_a_total', kind: 'counter', help: 'A sum.', labels: ['x'] },
      { name: 'conclave_b', kind: 'gauge', help: 'Help.', labels: [] },
      { name: 'conclave_c', kind: 'gauge', help: 'Help.', labels: [] },
      { name: 'conclave_d', kind: 'gauge', help: 'Help.', labels: ['x', 'y'] },
      { name: 'conclave_e_seconds', kind: 'histogram', help: 'Help.', labels: ['z'] },
    ]);
  });

  it.each([
    ['a name that is computed', 'metrics.counter(`${x}_total`, "Help.")', /f\.ts:1: the name/],
    ['a help text that is computed', 'metrics.counter("a_total", help)', /f\.ts:1: the help text of a_total/],
    [
      'labels that are computed',
      'metrics.counter("a_total", "Help.", [x])',
      /f\.ts:1: the labels of a_total/,
    ],
    [
      'prom-client itself',
      'import { Counter } from "prom-client"; new Counter(metrics)',
      /f\.ts:1: metrics are made/,
    ],
  ])('refuses %s', (_what, source, message) => {
    expect(() => definitionsIn('f.ts', source)).toThrow(message);
  });
});
