/** The run in numbers: what was done, what was found, how fast everybody went on. */
import { violationKinds } from './check/violation.ts';
import type { ViolationKind } from './check/violation.ts';
import { recoveryLimitMs } from './run-chaos.ts';
import type { ChaosResult } from './run-chaos.ts';

export interface Metric {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  readonly target: string | null;
  readonly met: boolean | null;
}

export interface ChaosReport {
  readonly name: 'chaos';
  readonly ok: boolean;
  readonly metrics: readonly Metric[];
}

export function reportOf(result: ChaosResult): ChaosReport {
  const { violations, faults, recoveries } = result;
  const recovered = recoveries.flatMap(({ recoveryMs }) => (recoveryMs === undefined ? [] : [recoveryMs]));
  const sorted = recovered.sort((a, b) => a - b);
  const slowest = recovered.length < recoveries.length ? Infinity : (sorted.at(-1) ?? Infinity);
  const metrics: Metric[] = [
    atLeastOne('faults carried out', faults.length, 'faults'),
    ...(result.skewedProcesses === undefined ? [] : [skewed(result.skewedProcesses)]),
    atLeastOne('messages acknowledged', result.acknowledged, 'messages'),
    atLeastOne('messages heard', result.received, 'messages'),
    atLeastOne('attachments fetched intact', result.attachments, 'attachments'),
    atLeastOne('members removed', result.removals, 'members'),
    ...(Object.keys(violationKinds) as ViolationKind[]).map((kind) => {
      const value = violations.filter((violation) => violation.kind === kind).length;
      return { name: kind, value, unit: 'violations', target: '= 0', met: value === 0 };
    }),
    seconds('recovery of a client, median', sorted[Math.floor(sorted.length / 2)] ?? Infinity),
    {
      ...seconds('recovery of a client, slowest', slowest),
      target: `<= ${recoveryLimitMs / 1000}`,
      met: slowest <= recoveryLimitMs,
    },
    // Cores that are shared with others: what a client that got no time is late by is no fault of the server.
    seconds('a client process got no time or computed, longest', result.longestStallMs),
  ];
  return { name: 'chaos', ok: metrics.every(({ met }) => met !== false), metrics };
}

export function renderReport({ metrics }: ChaosReport, { violations }: ChaosResult): string {
  const width = Math.max(...metrics.map(({ name }) => name.length));
  const lines = metrics.map(({ name, value, unit, target, met }) => {
    const about = name in violationKinds ? ` (${violationKinds[name as ViolationKind]})` : '';
    const verdict = met === null ? ' ' : met ? '✓' : '✗';
    return `${verdict} ${name.padEnd(width)} ${String(value).padStart(7)} ${unit}${target === null ? '' : ` (should be ${target})`}${about}`;
  });
  const shown = violations.slice(0, maxShown).map(({ kind, group, member, detail }) => {
    return `  ${kind}: ${detail} [${member ?? 'log'} in ${group.slice(0, 6)}…]`;
  });
  const more = violations.length - shown.length;
  return [...lines, ...shown, ...(more > 0 ? [`  and ${more} more`] : [])].join('\n');
}

const maxShown = 40;

function atLeastOne(name: string, value: number, unit: string): Metric {
  return { name, value, unit, target: '>= 1', met: value >= 1 };
}

/** A machine without libfaketime cannot skew clocks: that is told, and a failure where everything must be there. */
function skewed(value: number): Metric {
  const isCi = (process.env['CI'] ?? '') !== '';
  const met = value >= 1 ? true : isCi ? false : null;
  return { name: 'server processes with a skewed clock', value, unit: 'processes', target: '>= 1', met };
}

/** JSON knows no infinity: what never happened is told as -1. */
function seconds(name: string, ms: number): Metric {
  const value = Number.isFinite(ms) ? Math.round(ms / 100) / 10 : -1;
  return { name, value, unit: 's', target: null, met: null };
}
