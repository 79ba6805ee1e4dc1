/** What a run has to say: a table for people, and the numbers of which each must be what it must be. */
import type { Outcome } from './attack.ts';
import { clientCoverageOf, coverageOf, testedElsewhere, unreachable } from './coverage.ts';

/** The shape of every measurement of this project (bench/src/metric.ts). */
export interface Metric {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  readonly target: string | null;
  readonly met: boolean | null;
}

export interface Report {
  readonly name: 'attack';
  readonly ok: boolean;
  readonly metrics: readonly Metric[];
}

export function exactly(name: string, value: number, target: number, unit: string): Metric {
  return { name, value, unit, target: `= ${target}`, met: value === target };
}

export function atMost(name: string, value: number, target: number, unit: string): Metric {
  const rounded = Number.isFinite(value) && value !== 0 ? Number(value.toPrecision(3)) : value;
  return { name, value: rounded, unit, target: `<= ${target}`, met: value <= target };
}

export function atLeast(name: string, value: number, target: number, unit: string): Metric {
  return { name, value, unit, target: `>= ${target}`, met: value >= target };
}

export function measured(name: string, value: number, unit: string): Metric {
  const rounded = Number.isFinite(value) && value !== 0 ? Number(value.toPrecision(3)) : value;
  return { name, value: rounded, unit, target: null, met: null };
}

export function outcomeMetrics(outcomes: readonly Outcome[]): Metric[] {
  const coverage = coverageOf(outcomes);
  const ofClients = clientCoverageOf(outcomes);
  const parts = [...new Set(outcomes.map(({ part }) => part))];
  return [
    ...parts.map((part) => {
      const own = outcomes.filter((outcome) => outcome.part === part);
      return exactly(`${part}: attacks held off`, own.filter(isHeld).length, own.length, 'attacks');
    }),
    exactly(
      'attacks whose control was accepted',
      outcomes.filter(({ isControlled }) => isControlled).length,
      outcomes.length,
      'attacks',
    ),
    exactly(
      'rules of the server broken, or known to be out of reach',
      coverage.checked - coverage.missing.length,
      coverage.checked,
      'rules',
    ),
    measured('rules of the server broken', coverage.exercised.length, 'rules'),
    exactly('rules broken that were said to be out of reach', coverage.contradicted.length, 0, 'rules'),
    exactly(
      'rules of clients noticed by clients, or broken by a test that is named',
      ofClients.checked - ofClients.missing.length,
      ofClients.checked,
      'rules',
    ),
    measured('rules of clients noticed by clients', ofClients.exercised.length, 'rules'),
    exactly('rules noticed that were said to be tested elsewhere', ofClients.contradicted.length, 0, 'rules'),
  ];
}

export function reportOf(metrics: readonly Metric[]): Report {
  return { name: 'attack', ok: metrics.every(({ met }) => met !== false), metrics };
}

function isHeld({ faults }: Outcome): boolean {
  return faults.length === 0;
}

/** One line an attack. */
export function renderOutcomes(outcomes: readonly Outcome[]): string {
  const lines: string[] = [];
  for (const part of new Set(outcomes.map((outcome) => outcome.part))) {
    lines.push('', part);
    for (const outcome of outcomes.filter((outcome) => outcome.part === part)) {
      const mark = outcome.mark === undefined ? '' : ` [${outcome.mark}]`;
      const sign = isHeld(outcome) ? '✓' : '✗';
      const target = (outcome.target + mark).padEnd(34);
      lines.push(`  ${sign} ${target} ${outcome.name.padEnd(58)} ${outcome.observed}`);
      for (const fault of outcome.faults) lines.push(`      ${fault} (expected ${outcome.expected})`);
    }
  }
  return lines.join('\n');
}

export function renderCoverage(outcomes: readonly Outcome[]): string {
  const { exercised, missing, contradicted, checked } = coverageOf(outcomes);
  const lines = ['', `rules that the server checks: ${checked}, broken one by one: ${exercised.length}`];
  for (const [rule, reason] of Object.entries(unreachable)) lines.push(`  – ${rule}: ${reason}`);
  for (const rule of missing) lines.push(`  ✗ ${rule}: neither broken nor explained`);
  for (const rule of contradicted) lines.push(`  ✗ ${rule}: broken, though said to be out of reach`);
  const ofClients = clientCoverageOf(outcomes);
  lines.push(
    '',
    `rules that clients alone check: ${ofClients.checked}, noticed: ${ofClients.exercised.length}`,
  );
  for (const [rule, { reason, test }] of Object.entries(testedElsewhere))
    lines.push(`  – ${rule}: ${reason} (${test})`);
  for (const rule of ofClients.missing) lines.push(`  ✗ ${rule}: neither noticed nor broken by a named test`);
  for (const rule of ofClients.contradicted)
    lines.push(`  ✗ ${rule}: noticed, though said to be tested elsewhere`);
  return lines.join('\n');
}

export function renderMetrics(metrics: readonly Metric[]): string {
  const width = Math.max(...metrics.map(({ name }) => name.length));
  return metrics
    .map(({ name, value, unit, target, met }) => {
      const verdict = target === null ? '' : `   target ${target}: ${met === true ? 'met' : 'MISSED'}`;
      return `  ${name.padEnd(width)}  ${String(value).padStart(8)} ${unit}${verdict}`;
    })
    .join('\n');
}
