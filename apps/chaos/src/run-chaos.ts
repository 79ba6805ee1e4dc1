/**
 * One run, from an empty folder to a verdict.
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
import { nameOf, planFaults } from './faults/schedule.ts';
import { readHistories } from './history/history-file.ts';
import { machineMs } from './history/history.ts';
import type { FaultRecord } from './history/history.ts';
import { createDice } from './random.ts';
import type { ChaosTarget } from './target/target.ts';

export interface ChaosOptions {
  /** Empty; histories, faults and the output of all servers lie in it afterwards. */
  readonly folder: string;
  readonly seed: number;
  /** How long faults go on. */
  readonly durationMs: number;
  readonly quick: boolean;
  readonly target: ChaosTarget;
  readonly say: (line: string) => void;
}

export interface ChaosResult extends CheckResult {
  readonly faults: readonly FaultRecord[];
  readonly skewedProcesses: number | undefined;
}

/** What the issue promises: no client is stuck for longer after a fault has ended. */
export const recoveryLimitMs = 10_000;
/** How long a client that misses it is watched, to tell late from never. */
const watchMs = 45_000;
const settleMs = 800;

export async function runChaos(options: ChaosOptions): Promise<ChaosResult> {
  const { folder, seed, target, say } = options;
  const histories = join(folder, 'histories');
  await mkdir(histories, { recursive: true, mode: 0o700 });
  await using crowd = await Crowd.gather({ ...target, folder: histories, say });
  const over = new AbortController();
  const servers = target.servers.map(({ url }) => url);
  const churning = runChurn({ crowd, dice: createDice(seed + 1), servers, signal: over.signal });
  // Whatever ends it early is thrown where it is waited for, below.
  churning.catch(() => undefined);
  let faults: FaultRecord[];
  try {
    faults = await breakThings(crowd, options);
  } finally {
    over.abort();
  }
  say('all is repaired; everybody falls silent');
  await Promise.race([churning, sleep(30_000, undefined, { ref: false })]);
  await crowd.fallSilent(30_000);
  const isSettled = await crowd.settle(recoveryLimitMs);
  say(
    isSettled ? 'everybody has heard up to the same places' : 'not everybody has heard up to the same places',
  );
  const logs = await crowd.readLogs(servers);
  await writeFile(join(folder, 'logs.json'), JSON.stringify(logs));
  const entries = await readHistories(histories);
  return {
    ...checkHistory({ entries, logs, faults, recoveryLimitMs }),
    faults,
    skewedProcesses: target.skewedProcesses,
  };
}

async function breakThings(crowd: Crowd, options: ChaosOptions): Promise<FaultRecord[]> {
  const { folder, seed, durationMs, quick, target, say } = options;
  const schedule = planFaults({
    seed,
    servers: target.servers.map(({ name }) => name),
    engines: target.engines.map(({ name }) => name),
    links: target.links.map(({ name }) => name),
    canWipeBus: target.wipeBus !== undefined,
    quick,
  });
  const faults: FaultRecord[] = [];
  const deadlineMs = machineMs() + durationMs;
  await waitForProgress(crowd, machineMs());
  for (const fault of schedule) {
    if (machineMs() > deadlineMs) break;
    await sleep(settleMs);
    const startMs = machineMs();
    const victim = await carryOut(fault, target);
    const endMs = machineMs();
    // Names are told apart by their number: the same fault may come again.
    const name = `${faults.length + 1}. ${nameOf({ ...fault, victim })}`;
    const record: FaultRecord = { name, startMs, endMs };
    faults.push(record);
    await appendFile(join(folder, 'faults.jsonl'), `${JSON.stringify(record)}\n`);
    const late = await waitForProgress(crowd, endMs);
    const tookMs = machineMs() - endMs;
    const verdict =
      late.length === 0
        ? `everybody went on within ${(tookMs / 1000).toFixed(1)} s`
        : `STUCK for ${watchMs / 1000} s: ${late.join(', ')}`;
    say(`${name.padEnd(44)} down ${((endMs - startMs) / 1000).toFixed(1).padStart(4)} s, ${verdict}`);
  }
  return faults;
}

/** Waits until every active member has been answered and has heard something newer than this; gives those that have not. */
async function waitForProgress(crowd: Crowd, sinceMs: number): Promise<string[]> {
  for (;;) {
    const behind = (await crowd.progress()).filter(
      ({ isActive, ackedAtMs = sinceMs, heardSentAtMs }) =>
        isActive && (ackedAtMs < sinceMs || heardSentAtMs < sinceMs),
    );
    if (behind.length === 0) return [];
    if (machineMs() > sinceMs + watchMs)
      return behind.map(
        ({ member, group, ackedAtMs = sinceMs }) =>
          `${member} in ${group.slice(0, 6)}… ${ackedAtMs < sinceMs ? 'is not answered' : 'hears nothing'}`,
      );
    await sleep(50);
  }
}
