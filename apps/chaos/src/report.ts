/** The run in numbers, its phases together: what was done, what was found, how fast everybody went on. */
import { violationKinds } from './check/violation.ts';
import type { Violation, ViolationKind } from './check/violation.ts';
import type { PlannedFault } from './faults/schedule.ts';
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
  /** In words, the first ones. */
  readonly violations: readonly string[];
  readonly notCarriedOut: readonly string[];
}

/** One target under faults; a run has one for each gateway. */
export interface Phase {
  /** Such as `centrifugo`. */
  readonly name: string;
  readonly result: ChaosResult;
}

export const notCarriedOutMetric = 'planned faults not carried out';
const maxShown = 40;

/** @param isCi where everything has to be there, the library that skews clocks too. */
export function reportOf(phases: readonly Phase[], isCi = (process.env['CI'] ?? '') !== ''): ChaosReport {
  const results = phases.map(({ result }) => result);
  const violations = phases.flatMap(({ name, result }) =>
    result.violations.map((violation) => describe(violation, name)),
  );
  const notCarriedOut = phases.flatMap(({ name, result }) =>
    result.notCarriedOut.map(({ fault, why }) => `${fault.kind} ${fault.component}: ${why} [${name}]`),
  );
  const metrics: Metric[] = [
    atLeastOne('faults carried out', results, ({ faults }) => faults.length, 'faults'),
    none(notCarriedOutMetric, notCarriedOut.length, 'faults'),
    ...skewedClocks(results, isCi),
    atLeastOne('messages acknowledged', results, ({ acknowledged }) => acknowledged, 'messages'),
    atLeastOne('messages heard', results, ({ received }) => received, 'messages'),
    atLeastOne('attachments fetched intact', results, ({ attachments }) => attachments, 'attachments'),
    atLeastOne('members removed', results, ({ removals }) => removals, 'members'),
    ...(Object.keys(violationKinds) as ViolationKind[]).map((kind) =>
      none(
        kind,
        sum(results, (result) => countKind(result, kind)),
        'violations',
      ),
    ),
    ...recoveryMetrics(results),
    ...faultMetrics(results),
  ];
  return {
    name: 'chaos',
    ok: metrics.every(({ met }) => met !== false),
    metrics,
    violations: violations.slice(0, maxShown),
    notCarriedOut,
  };
}

export function renderReport({ metrics, violations, notCarriedOut }: ChaosReport): string {
  const width = Math.max(...metrics.map(({ name }) => name.length));
  const lines = metrics.map(({ name, value, unit, target, met }) => {
    const about = name in violationKinds ? ` (${violationKinds[name as ViolationKind]})` : '';
    const verdict = met === null ? ' ' : met ? '✓' : '✗';
    return `${verdict} ${name.padEnd(width)} ${String(value).padStart(7)} ${unit}${target === null ? '' : ` (should be ${target})`}${about}`;
  });
  const found = metrics.reduce((all, { unit, value }) => (unit === 'violations' ? all + value : all), 0);
  const more = found - violations.length;
  return [
    ...lines,
    ...violations.map((line) => `  ${line}`),
    ...(more > 0 ? [`  and ${more} more`] : []),
    ...notCarriedOut.map((line) => `  not carried out: ${line}`),
  ].join('\n');
}

function describe({ kind, group, member, detail }: Violation, phase: string): string {
  const where = group === '' ? (member ?? '') : `${member ?? 'log'} in ${group.slice(0, 6)}…`;
  return `${kind}: ${detail} [${[where, phase].filter((part) => part !== '').join('; ')}]`;
}

/** A machine without libfaketime cannot skew clocks: that is told, and a failure where everything must be there. */
function skewedClocks(results: readonly ChaosResult[], isCi: boolean): Metric[] {
  const clocks = results.flatMap((result) => (result.clocks === undefined ? [] : [result.clocks]));
  if (clocks.length === 0) return [];
  const value = Math.min(...clocks.map(({ skewed }) => skewed));
  const wanted = Math.max(...clocks.map(({ wanted }) => wanted));
  const isImpossible = clocks.every(({ isPossible }) => !isPossible);
  const met = value >= wanted ? true : isImpossible && !isCi ? null : false;
  const name = 'server processes whose clock was seen to be skewed';
  return [{ name, value, unit: 'processes', target: `>= ${wanted}`, met }];
}

function recoveryMetrics(results: readonly ChaosResult[]): Metric[] {
  const recoveries = results.flatMap((result) => result.recoveries);
  const recovered = recoveries.flatMap(({ recoveryMs, stalledMs }) =>
    recoveryMs === undefined ? [] : [recoveryMs - stalledMs],
  );
  const sorted = recovered.sort((a, b) => a - b);
  const slowest = recovered.length < recoveries.length ? Infinity : (sorted.at(-1) ?? Infinity);
  return [
    seconds('recovery of a client, median', sorted[Math.floor(sorted.length / 2)] ?? Infinity),
    {
      ...seconds('recovery of a client, slowest', slowest),
      target: `<= ${recoveryLimitMs / 1000}`,
      met: slowest <= recoveryLimitMs,
    },
    // Cores that are shared with others: what a client that got no time is late by is no fault of the server.
    seconds('a process of the run stood still, longest', Math.max(...results.map((r) => r.longestStallMs))),
  ];
}

/** How often each fault was carried out, and how often the first rounds of the phases have it. */
function faultMetrics(results: readonly ChaosResult[]): Metric[] {
  const nameOf = ({ kind, component }: Pick<PlannedFault, 'kind' | 'component'>): string =>
    `${kind} ${component}`;
  const done = countBy(results.flatMap(({ faults }) => faults.map(nameOf)));
  const planned = countBy(results.flatMap(({ firstRound }) => firstRound.map(nameOf)));
  return [...new Set([...planned.keys(), ...done.keys()])].sort().map((name) => {
    const [value, wanted] = [done.get(name) ?? 0, planned.get(name)];
    return {
      name,
      value,
      unit: 'faults',
      target: wanted === undefined ? null : `>= ${wanted}`,
      met: wanted === undefined ? null : value >= wanted,
    };
  });
}

function countBy(names: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return counts;
}

function countKind({ violations }: ChaosResult, kind: ViolationKind): number {
  return violations.filter((violation) => violation.kind === kind).length;
}

function sum(results: readonly ChaosResult[], valueOf: (result: ChaosResult) => number): number {
  return results.reduce((total, result) => total + valueOf(result), 0);
}

/** In each phase; told is the sum. */
function atLeastOne(
  name: string,
  results: readonly ChaosResult[],
  valueOf: (result: ChaosResult) => number,
  unit: string,
): Metric {
  const met = results.every((result) => valueOf(result) >= 1);
  return { name, value: sum(results, valueOf), unit, target: '>= 1', met };
}

function none(name: string, value: number, unit: string): Metric {
  return { name, value, unit, target: '= 0', met: value === 0 };
}

/** JSON knows no infinity: what never happened is told as -1. */
function seconds(name: string, ms: number): Metric {
  const value = Number.isFinite(ms) ? Math.round(ms / 100) / 10 : -1;
  return { name, value, unit: 's', target: null, met: null };
}
