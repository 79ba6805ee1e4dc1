/**
 * One target under faults, from an empty folder to a verdict.
 *
 *     target ─▶ crowd (load and churn go on) ─▶ fault, repair, everybody goes on? … ─▶ silence ─▶ logs ─▶ checker
 */
import { appendFile, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { checkHistory } from './check/check-history.ts';
import type { CheckResult } from './check/check-history.ts';
import { runChurn } from './churn.ts';
import { Crowd } from './crowd.ts';
import { carryOut } from './faults/carry-out.ts';
import { runSchedule } from './faults/run-schedule.ts';
import type { CarriedOut } from './faults/run-schedule.ts';
import { planFaults } from './faults/schedule.ts';
import type { PlannedFault, Schedule } from './faults/schedule.ts';
import { openHistoryFile, readHistories } from './history/history-file.ts';
import { director, machineMs } from './history/history.ts';
import type { Death } from './history/history.ts';
import { watchForStalls } from './history/stall-watch.ts';
import { createDice } from './random.ts';
import { countSkewed, readClocks, wantedSkews } from './target/clocks.ts';
import type { ChaosTarget } from './target/target.ts';

export interface ChaosOptions {
  /** Empty; histories, faults and the output of all servers lie in it afterwards. */
  readonly folder: string;
  readonly seed: number;
  /** How long faults go on, unless the first round of them needs more. */
  readonly durationMs: number;
  readonly quick: boolean;
  readonly target: ChaosTarget;
  readonly say: (line: string) => void;
}

export interface ChaosResult extends CheckResult, CarriedOut {
  readonly firstRound: readonly PlannedFault[];
  /** Of processes that were to have a wrong clock: seen to have it, and wanted. Undefined where none was to have one. */
  readonly clocks:
    | { readonly skewed: number; readonly wanted: number; readonly isPossible: boolean }
    | undefined;
}

/** What the issue promises: no client is stuck for longer after a fault has ended. */
export const recoveryLimitMs = 10_000;
/** A server process drains for 4 s, gives running requests 10 s more, and then closes what it holds. */
const stopLimitMs = 16_000;
/** How long a client that misses it is watched, to tell late from never. */
const watchMs = 45_000;
const settleMs = 800;

export async function runChaos(options: ChaosOptions): Promise<ChaosResult> {
  const { folder, seed, target, say } = options;
  const histories = join(folder, 'histories');
  await mkdir(histories, { recursive: true, mode: 0o700 });
  using history = openHistoryFile(histories, director);
  using _ = watchForStalls(director, history);
  await using crowd = await Crowd.gather({ ...target, folder: histories, say });
  const clocksBefore = await readClocks(target.servers);
  const over = new AbortController();
  const servers = target.servers.map(({ url }) => url);
  const churning = runChurn({ crowd, dice: createDice(seed + 1), servers, signal: over.signal });
  // Whatever ends it early is thrown where it is waited for, below.
  churning.catch(() => undefined);
  const schedule = planFaults({
    seed,
    servers: target.servers.map(({ name }) => name),
    engines: target.engines.map(({ name }) => name),
    links: target.links.map(({ name }) => name),
    hasLoadBalancer: target.loadBalancer !== undefined,
    canWipeBus: target.wipeBus !== undefined,
    quick: options.quick,
  });
  const deaths: Death[] = [];
  let carriedOut: CarriedOut;
  try {
    carriedOut = await breakThings(crowd, schedule, deaths, options);
  } finally {
    over.abort();
  }
  say('all is repaired; everybody falls silent');
  await Promise.race([churning, sleep(30_000, undefined, { ref: false })]);
  await crowd.fallSilent(30_000);
  const isSettled = await crowd.settle(recoveryLimitMs);
  say(
    isSettled
      ? 'everybody has heard all that was acknowledged'
      : 'not everybody has heard all that was acknowledged',
  );
  await reviveDead(target, deaths);
  const clocksAfter = await readClocks(target.servers);
  const logs = await crowd.readLogs(servers);
  await writeFile(join(folder, 'logs.json'), JSON.stringify(logs));
  const entries = await readHistories(histories);
  const { faults } = carriedOut;
  const wanted = wantedSkews(target);
  return {
    ...checkHistory({ entries, logs, faults, deaths, recoveryLimitMs, stopLimitMs }),
    ...carriedOut,
    firstRound: schedule.firstRound,
    clocks:
      wanted === undefined
        ? undefined
        : {
            skewed: countSkewed([clocksBefore, clocksAfter]),
            wanted,
            isPossible: target.skew !== 'impossible',
          },
  };
}

async function breakThings(
  crowd: Crowd,
  schedule: Schedule,
  deaths: Death[],
  { folder, durationMs, target, say }: ChaosOptions,
): Promise<CarriedOut> {
  const late = await waitForProgress(crowd, machineMs());
  if (late.length > 0) throw new Error(`nothing was broken yet, and yet: ${late.join(', ')}`);
  return await runSchedule({
    schedule,
    durationMs,
    nowMs: machineMs,
    async carryOut(fault) {
      await reviveDead(target, deaths);
      const outcome = await carryOut(fault, target);
      if (!outcome.carriedOut) say(`${fault.kind} ${fault.victim} was NOT carried out: ${outcome.why}`);
      return outcome;
    },
    async recover(sinceMs, record) {
      if (record) await appendFile(join(folder, 'faults.jsonl'), `${JSON.stringify(record)}\n`);
      const late = await waitForProgress(crowd, sinceMs);
      const took = ((machineMs() - sinceMs) / 1000).toFixed(1);
      const verdict =
        late.length === 0
          ? `everybody went on within ${took} s`
          : `STUCK for ${watchMs / 1000} s: ${late.join(', ')}`;
      if (record) {
        const down = ((record.endMs - record.startMs) / 1000).toFixed(1);
        say(`${record.name.padEnd(46)} down ${down.padStart(4)} s, ${verdict}`);
      }
      await sleep(settleMs);
    },
  });
}

/** Between two faults every server process runs. One that does not has died by itself, and is started again for the others' sake. */
async function reviveDead({ servers }: ChaosTarget, deaths: Death[]): Promise<void> {
  for (const server of servers) {
    if (server.isRunning) continue;
    deaths.push({ server: server.name, atMs: machineMs() });
    await server.restart();
  }
}

/**
 * Waits until every active member has been answered and has heard something newer than this, and what was asked of it before has
 * ended; gives those for whom that did not come.
 */
async function waitForProgress(crowd: Crowd, sinceMs: number): Promise<string[]> {
  for (;;) {
    const { seats, steps } = await crowd.progress();
    const behind = seats.filter(
      ({ isActive, ackedAtMs = sinceMs, heardSentAtMs }) =>
        isActive && (ackedAtMs < sinceMs || heardSentAtMs < sinceMs),
    );
    const open = steps.filter((step) => step.sinceMs < sinceMs);
    if (behind.length + open.length === 0) return [];
    if (machineMs() > sinceMs + watchMs)
      return [
        ...behind.map(
          ({ member, group, ackedAtMs = sinceMs }) =>
            `${member} in ${group.slice(0, 6)}… ${ackedAtMs < sinceMs ? 'is not answered' : 'hears nothing'}`,
        ),
        ...open.map(({ member, what }) => `${member} is still ${what}`),
      ];
    await sleep(50);
  }
}
