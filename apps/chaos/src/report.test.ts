import { describe, expect, it } from 'vitest';
import type { Recovery } from './check/check-progress.ts';
import { violationKinds } from './check/violation.ts';
import type { Violation, ViolationKind } from './check/violation.ts';
import type { FaultKind, PlannedFault } from './faults/schedule.ts';
import type { FaultRecord } from './history/history.ts';
import { notCarriedOutMetric, renderReport, reportOf } from './report.ts';
import type { ChaosReport, Metric } from './report.ts';
import type { ChaosResult } from './run-chaos.ts';

const planned = (kind: FaultKind, component: string): PlannedFault => ({
  kind,
  component,
  victim: component,
  holdMs: 1,
});
const record = (kind: FaultKind, component: string): FaultRecord => ({
  name: `${kind} ${component}`,
  kind,
  component,
  startMs: 1,
  endMs: 2,
});
const recovery = (recoveryMs: number | undefined, stalledMs = 0): Recovery => ({
  fault: 'kill p1',
  member: 'ada',
  group: 'g',
  recoveryMs,
  stalledMs,
});

function good(changes: Partial<ChaosResult> = {}): ChaosResult {
  return {
    violations: [],
    recoveries: [recovery(400), recovery(900)],
    acknowledged: 10,
    received: 20,
    removals: 2,
    attachments: 3,
    longestStallMs: 300,
    faults: [record('kill', 'p1'), record('cut', 'one link to nats'), record('kill', 'p1')],
    notCarriedOut: [],
    firstRound: [planned('kill', 'p1'), planned('cut', 'one link to nats')],
    clocks: { skewed: 2, wanted: 2, isPossible: true },
    ...changes,
  };
}

const report = (...results: Partial<ChaosResult>[]): ChaosReport =>
  reportOf(
    results.map((changes, index) => ({ name: `phase-${index + 1}`, result: good(changes) })),
    false,
  );
const metric = ({ metrics }: ChaosReport, name: string): Metric =>
  metrics.find((metric) => metric.name === name)!;
const unmet = ({ metrics }: ChaosReport): string[] =>
  metrics.filter(({ met }) => met === false).map(({ name }) => name);
const violation = (kind: ViolationKind): Violation => ({
  kind,
  group: 'group-1',
  member: 'bo',
  detail: 'seen',
});

describe('the report', () => {
  it('is good when both phases are, and counts them together', () => {
    const both = report({}, {});
    expect(unmet(both)).toEqual([]);
    expect(both.ok).toBe(true);
    expect(metric(both, 'messages acknowledged').value).toBe(20);
    expect(metric(both, 'faults carried out').value).toBe(6);
    expect(metric(both, 'recovery of a client, slowest')).toMatchObject({ value: 0.9, met: true });
    expect(new Set(both.metrics.map(({ name }) => name)).size).toBe(both.metrics.length);
  });

  it('is not good when there was no phase', () => {
    expect(report().ok).toBe(false);
  });

  it.each(Object.keys(violationKinds) as ViolationKind[])('is spoiled by one violation: %s', (kind) => {
    const spoiled = report({}, { violations: [violation(kind)] });
    expect(unmet(spoiled)).toEqual([kind]);
    expect(spoiled.ok).toBe(false);
    expect(spoiled.violations).toEqual([`${kind}: seen [bo in group-…; phase-2]`]);
    expect(renderReport(spoiled)).toContain(spoiled.violations[0]);
  });

  it('is spoiled by a planned fault that was not carried out, and names it', () => {
    const fault = planned('kill', 'relay-holder');
    const spoiled = report({}, { notCarriedOut: [{ fault, why: 'nobody relays any shard' }] });
    expect(unmet(spoiled)).toEqual([notCarriedOutMetric]);
    expect(spoiled.ok).toBe(false);
    expect(renderReport(spoiled)).toContain('kill relay-holder: nobody relays any shard [phase-2]');
  });

  it('counts faults by kind and component, against the first rounds', () => {
    const both = report({}, {});
    expect(metric(both, 'kill p1')).toMatchObject({ value: 4, target: '>= 2', met: true });
    expect(metric(both, 'cut one link to nats')).toMatchObject({ value: 2, target: '>= 2', met: true });
    // Not even where nobody told that it was not carried out.
    expect(unmet(report({ faults: [record('kill', 'p1')] }))).toEqual(['cut one link to nats']);
    const more = report({ faults: [...good().faults, record('stop', 'p2')] });
    expect(metric(more, 'stop p2')).toMatchObject({ value: 1, target: null, met: null });
  });

  it.each(['acknowledged', 'received', 'removals', 'attachments'] as const)(
    'is spoiled by a phase in which there is nothing to check: %s',
    (name) => {
      expect(unmet(report({}, { [name]: 0 })).length).toBe(1);
    },
  );

  it('is spoiled by clocks that were set wrong and are right', () => {
    const name = 'server processes whose clock was seen to be skewed';
    const clocks = { skewed: 1, wanted: 2, isPossible: true };
    expect(unmet(report({}, { clocks }))).toEqual([name]);
    expect(metric(report({ clocks: undefined }, { clocks: undefined }), name)).toBe(undefined);
    // A machine without the library: told, and a failure in CI alone.
    const impossible = { skewed: 0, wanted: 1, isPossible: false };
    const phases = [{ name: 'one', result: good({ clocks: impossible }) }];
    expect(metric(reportOf(phases, false), name)).toMatchObject({ value: 0, met: null });
    expect(metric(reportOf(phases, true), name)).toMatchObject({ value: 0, met: false });
  });

  it('is spoiled by a client that goes on late or never, but not by a machine that stands still', () => {
    const name = 'recovery of a client, slowest';
    expect(metric(report({ recoveries: [recovery(10_100)] }), name)).toMatchObject({
      value: 10.1,
      met: false,
    });
    expect(metric(report({ recoveries: [recovery(undefined), recovery(1)] }), name)).toMatchObject({
      value: -1,
      met: false,
    });
    expect(metric(report({ recoveries: [] }), name).met).toBe(false);
    expect(metric(report({ recoveries: [recovery(10_100, 200)] }), name)).toMatchObject({
      value: 9.9,
      met: true,
    });
  });

  it('shows the first violations, and says how many there are', () => {
    const violations = Array.from({ length: 50 }, () => violation('missed'));
    const spoiled = report({ violations });
    expect(spoiled.violations.length).toBe(40);
    expect(renderReport(spoiled)).toContain('and 10 more');
    expect(metric(spoiled, 'missed').value).toBe(50);
  });
});
