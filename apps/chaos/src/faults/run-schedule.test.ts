import { describe, expect, it } from 'vitest';
import type { Outcome } from './carry-out.ts';
import { runSchedule } from './run-schedule.ts';
import type { CarriedOut } from './run-schedule.ts';
import type { PlannedFault, Schedule } from './schedule.ts';

const fault = (victim: string): PlannedFault => ({ kind: 'kill', component: victim, victim, holdMs: 0 });
const schedule: Schedule = {
  firstRound: ['a', 'b', 'c', 'd'].map(fault),
  *furtherRounds() {
    for (let count = 1; ; count++) yield fault(`further-${count}`);
  },
};

/** Each fault takes so long, and so does everybody's recovery from it. */
async function run(
  durationMs: number,
  eachMs: number,
  outcomeOf: (fault: PlannedFault) => Outcome = ({ victim }) => ({ carriedOut: true, victim }),
): Promise<CarriedOut & { recoveredAtMs: number[] }> {
  let nowMs = 1_000;
  const recoveredAtMs: number[] = [];
  const result = await runSchedule({
    schedule,
    durationMs,
    nowMs: () => nowMs,
    async carryOut(planned) {
      nowMs += eachMs / 2;
      return outcomeOf(planned);
    },
    async recover(sinceMs) {
      recoveredAtMs.push(sinceMs);
      nowMs += eachMs / 2;
    },
  });
  return { ...result, recoveredAtMs };
}

const componentsOf = ({ faults }: CarriedOut): string[] => faults.map(({ component }) => component);
const missing = ({ notCarriedOut }: CarriedOut): string[] =>
  notCarriedOut.map(({ fault }) => fault.component);

describe('carrying out a schedule', () => {
  it('goes on with further rounds while there is time', async () => {
    const result = await run(60_000, 10_000);
    expect(componentsOf(result)).toEqual(['a', 'b', 'c', 'd', 'further-1', 'further-2']);
    expect(result.faults.map(({ name, startMs, endMs }) => [name, startMs, endMs]).slice(0, 2)).toEqual([
      ['1. kill a', 1_000, 6_000],
      ['2. kill b', 11_000, 16_000],
    ]);
    expect(missing(result)).toEqual([]);
  });

  it('carries out the first round whole, even when the time is over', async () => {
    const result = await run(21_000, 10_000);
    expect(componentsOf(result)).toEqual(['a', 'b', 'c', 'd']);
    expect(missing(result)).toEqual([]);
  });

  it('breaks off at the cap, and tells what of the first round is missing', async () => {
    // Twice the time, or a minute more.
    expect(missing(await run(70_000, 47_000))).toEqual(['d']);
    const result = await run(1_000, 35_000);
    expect(componentsOf(result)).toEqual(['a', 'b']);
    expect(result.notCarriedOut).toEqual(
      ['c', 'd'].map((victim) => ({ fault: fault(victim), why: 'there was no time left' })),
    );
  });

  it('tells what could not be done, and lets everybody recover from it', async () => {
    const result = await run(50_000, 10_000, ({ victim }) =>
      victim === 'b' || victim === 'further-1'
        ? { carriedOut: false, why: 'nobody was there' }
        : { carriedOut: true, victim },
    );
    expect(componentsOf(result)).toEqual(['a', 'c', 'd']);
    expect(result.notCarriedOut).toEqual(
      ['b', 'further-1'].map((victim) => ({ fault: fault(victim), why: 'nobody was there' })),
    );
    expect(result.recoveredAtMs).toEqual([6_000, 16_000, 26_000, 36_000, 46_000]);
  });

  it('ends when something does not come back, and tells why', async () => {
    const result = await run(100_000, 10_000, ({ victim }) => {
      if (victim === 'b') throw new Error('Centrifugo ended at start (1): no such file');
      return { carriedOut: true, victim };
    });
    expect(componentsOf(result)).toEqual(['a']);
    expect(result.notCarriedOut).toEqual([
      {
        fault: fault('b'),
        why: 'it could not be repaired: …Centrifugo ended at start (1): no such file',
      },
      ...['c', 'd'].map((victim) => ({
        fault: fault(victim),
        why: 'what was broken before did not come back',
      })),
    ]);
  });

  it('keeps how a process ended', async () => {
    const stopped = { tookMs: 5, wasKilled: false, exitCode: 0 };
    const { faults } = await run(1, 1, ({ victim }) => ({ carriedOut: true, victim, stopped }));
    expect(faults[0]?.stopped).toEqual(stopped);
  });
});
