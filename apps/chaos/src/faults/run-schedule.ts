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

/** A slow machine has as much time again for the first round, and a minute at least. */
function capOf(durationMs: number): number {
  return durationMs + Math.max(durationMs, minimumMoreMs);
}

const minimumMoreMs = 60_000;

export async function runSchedule(run: ScheduleRun): Promise<CarriedOut> {
  const { schedule, durationMs, nowMs } = run;
  const faults: FaultRecord[] = [];
  const notCarriedOut: NotCarriedOut[] = [];
  const sinceMs = nowMs();
  let isBroken = false;
  const attempt = async (fault: PlannedFault): Promise<void> => {
    const startMs = nowMs();
    const outcome = await tryToCarryOut(run, fault);
    const endMs = nowMs();
    if (!outcome.carriedOut) {
      isBroken = outcome.isBroken === true;
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
    if (isBroken) notCarriedOut.push({ fault, why: 'what was broken before did not come back' });
    else if (nowMs() < sinceMs + capOf(durationMs)) await attempt(fault);
    else notCarriedOut.push({ fault, why: 'there was no time left' });
  }
  for (const fault of schedule.furtherRounds()) {
    if (isBroken || nowMs() >= sinceMs + durationMs) break;
    await attempt(fault);
  }
  return { faults, notCarriedOut };
}

/** What does not come back ends the faults, not the run: the rest is still checked, and told. */
async function tryToCarryOut(
  run: ScheduleRun,
  fault: PlannedFault,
): Promise<Outcome & { readonly isBroken?: boolean }> {
  try {
    return await run.carryOut(fault);
  } catch (error) {
    // A server that ends at its start says why in the end of what it printed.
    const why = (error as Error).message.trim().slice(-maxWhyLength);
    return { carriedOut: false, isBroken: true, why: `it could not be repaired: …${why}` };
  }
}

const maxWhyLength = 600;
