/**
 * One fault after the other: the first round whole, then on until the time is over. The next one comes when everybody has gone on
 * after the one before. Whatever was planned and did not happen is told.
 *
 *     ├─ first round: whole, even beyond the time ─┤─ further rounds ─┤ the time is over
 *     ├──────────────────────────────────────────────────────────────────────┤ the cap: here even the first round breaks off
 */
import type { FaultRecord } from '../history/history.ts';
import type { Outcome } from './carry-out.ts';
import { nameOf } from './schedule.ts';
import type { PlannedFault, Schedule } from './schedule.ts';

export interface ScheduleRun {
  readonly schedule: Schedule;
  readonly durationMs: number;
  /** On a monotonic clock. */
  readonly nowMs: () => number;
  /** Resolves when the repair is complete. */
  readonly carryOut: (fault: PlannedFault) => Promise<Outcome>;
  /** Resolves when everybody has gone on after this moment, or is known not to; `record` is missing when the fault did not happen. */
  readonly recover: (sinceMs: number, record: FaultRecord | undefined) => Promise<void>;
}

export interface NotCarriedOut {
  readonly fault: PlannedFault;
  readonly why: string;
}

export interface CarriedOut {
  readonly faults: readonly FaultRecord[];
  readonly notCarriedOut: readonly NotCarriedOut[];
}

/** A slow machine has as much time again for the first round. */
export const capFactor = 2;

export async function runSchedule(run: ScheduleRun): Promise<CarriedOut> {
  const { schedule, durationMs, nowMs } = run;
  const faults: FaultRecord[] = [];
  const notCarriedOut: NotCarriedOut[] = [];
  const sinceMs = nowMs();
  const attempt = async (fault: PlannedFault): Promise<void> => {
    const startMs = nowMs();
    const outcome = await run.carryOut(fault);
    const endMs = nowMs();
    if (!outcome.carriedOut) {
      notCarriedOut.push({ fault, why: outcome.why });
      await run.recover(endMs, undefined);
      return;
    }
    const { kind, component } = fault;
    const { victim, stopped } = outcome;
    const record: FaultRecord = {
      // Names are told apart by their number: the same fault may come again.
      name: `${faults.length + 1}. ${nameOf(fault, victim)}`,
      kind,
      component,
      startMs,
      endMs,
      ...(stopped && { stopped }),
    };
    faults.push(record);
    await run.recover(endMs, record);
  };
  for (const fault of schedule.firstRound) {
    if (nowMs() < sinceMs + capFactor * durationMs) await attempt(fault);
    else notCarriedOut.push({ fault, why: 'there was no time left' });
  }
  for (const fault of schedule.furtherRounds()) {
    if (nowMs() >= sinceMs + durationMs) break;
    await attempt(fault);
  }
  return { faults, notCarriedOut };
}
