/** docs/metrics.md, generated from the calls that make metrics. */
import { markdownTable } from '../src/markdown/markdown-table.ts';
import type { MetricDefinition } from './read-metric-definitions.ts';

/** In the order of a message's way; a metric belongs to the section that knows the first word of its name. */
const sections: readonly { readonly title: string; readonly words: readonly string[] }[] = [
  { title: 'Requests', words: ['http', 'password', 'transfer', 'transfers', 'rate'] },
  { title: 'Sealed groups', words: ['sealed'] },
  { title: 'Proofs', words: ['proof'] },
  { title: 'Store', words: ['store', 'schema', 'migration'] },
  { title: 'Outbox and relay', words: ['outbox', 'relay', 'lease', 'leases'] },
  { title: 'Bus', words: ['bus'] },
  { title: 'Gateway', words: ['gateway', 'delivery'] },
  { title: 'Redis', words: ['redis', 'cache', 'presence'] },
  { title: 'Attachments', words: ['blob', 'blobs', 's3'] },
  { title: 'Jobs', words: ['job', 'jobs'] },
  { title: 'The process', words: [] },
];

export function renderMetricTable(definitions: readonly MetricDefinition[]): string {
  const lines = [
    '# Metrics',
    '',
    '<!-- Generated from the calls that make them (packages/server/scripts/read-metric-definitions.ts). Do not edit. -->',
    '',
    'In the text format of Prometheus, at `/metrics` of the operator listener of every process. What to watch, and what to do',
    'about it, is in [operations.md](operations.md).',
    '',
    'Units stand in the names. Labels have few values, known beforehand: routes are patterns, codes are those of',
    '[errors.md](errors.md). No label holds an id, a name or an address. A metric whose engine is not in use is absent; one whose',
    'value could not be read has no sample, and `conclave_metrics_unread_total` says which. Beside these there are the figures of',
    'the process itself, `process_…` and `nodejs_…`, as `prom-client` gives them.',
  ];
  for (const { title } of sections) {
    const rows = definitions
      .filter(({ name }) => sectionOf(name) === title)
      .toSorted((a, b) => (a.name < b.name ? -1 : 1))
      .map(({ name, kind, labels, help }) => [
        `\`${name}\``,
        kind,
        labels.map((label) => `\`${label}\``).join(', '),
        help,
      ]);
    if (rows.length === 0) continue;
    lines.push('', `## ${title}`, '', ...markdownTable(['metric', 'kind', 'labels', 'meaning'], rows));
  }
  return `${lines.join('\n')}\n`;
}

function sectionOf(name: string): string {
  const [, word = ''] = name.split('_');
  return (sections.find(({ words }) => words.includes(word)) ?? sections.at(-1)!).title;
}
