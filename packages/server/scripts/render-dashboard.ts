/** deploy/grafana/dashboards/conclave.json, from dashboard-rows.ts. Formatted as the house's formatter does it. */
import { dashboardRows, type Panel } from './dashboard-rows.ts';

const datasource = { type: 'prometheus', uid: '${datasource}' };
const panelHeight = 8;
const statHeight = 4;

export function renderDashboard(): string {
  const panels: object[] = [];
  let y = 0;
  let id = 0;
  for (const row of dashboardRows) {
    panels.push({
      id: ++id,
      type: 'row',
      title: row.title,
      collapsed: false,
      gridPos: { x: 0, y: y++, w: 24, h: 1 },
      panels: [],
    });
    let x = 0;
    let height = 0;
    for (const panel of row.panels) {
      const w = panel.width ?? 12;
      const h = panel.kind === 'stat' ? statHeight : panelHeight;
      if (x + w > 24) {
        x = 0;
        y += height;
        height = 0;
      }
      panels.push({ id: ++id, ...renderPanel(panel), gridPos: { x, y, w, h } });
      x += w;
      height = Math.max(height, h);
    }
    y += height;
  }
  const text = JSON.stringify(
    {
      uid: 'conclave',
      title: 'Conclave',
      description:
        'The way of a message through every stage and process. What to do when: docs/operations.md.',
      schemaVersion: 39,
      version: 1,
      editable: true,
      graphTooltip: 1,
      refresh: '30s',
      time: { from: 'now-1h', to: 'now' },
      timezone: 'browser',
      tags: ['conclave'],
      templating: {
        list: [
          {
            name: 'datasource',
            label: 'Prometheus',
            type: 'datasource',
            query: 'prometheus',
            current: {},
          },
          {
            name: 'process',
            label: 'Process',
            type: 'query',
            datasource,
            query: {
              query: 'label_values(conclave_http_request_duration_seconds_count, instance)',
              refId: 'process',
            },
            refresh: 2,
            multi: true,
            includeAll: true,
            allValue: '.*',
            current: { text: 'All', value: '$__all' },
          },
        ],
      },
      panels,
    },
    null,
    2,
  );
  // Lists of one word stand on one line, as the formatter has them.
  return `${text.replaceAll(/\[\n\s+("[^"\n]*")\n\s+\]/g, '[$1]')}\n`;
}

function renderPanel({ title, description, unit, kind = 'timeseries', series }: Panel): object {
  return {
    type: kind,
    title,
    description,
    datasource,
    fieldConfig: {
      defaults: {
        unit,
        min: 0,
        ...(kind === 'timeseries' && {
          custom: { drawStyle: 'line', lineWidth: 1, fillOpacity: 10, showPoints: 'never' },
        }),
      },
      overrides: [],
    },
    options:
      kind === 'stat'
        ? {
            reduceOptions: { calcs: ['lastNotNull'], fields: '', values: false },
            colorMode: 'value',
            graphMode: 'area',
          }
        : {
            legend: { displayMode: 'list', placement: 'bottom', showLegend: true },
            tooltip: { mode: 'multi', sort: 'desc' },
          },
    targets: series.map(({ name, expression }, index) => ({
      refId: String.fromCodePoint('A'.codePointAt(0)! + index),
      datasource,
      expr: expression,
      legendFormat: name,
    })),
  };
}
