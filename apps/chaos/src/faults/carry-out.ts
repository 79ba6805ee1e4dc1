/**
 * Carries out a planned fault on a target: breaks, waits, repairs. The repair is tried whatever happens in between, and what
 * could not be done is told, never replaced by something else.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { BreakableLink, ChaosTarget, ServerVictim, Stopped, Victim } from '../target/target.ts';
import type { PlannedFault } from './schedule.ts';

export type Outcome =
  | {
      readonly carriedOut: true;
      /** Whom it met: who `relay-holder` is, is only known now. */
      readonly victim: string;
      /** Of the server process that was asked to end. */
      readonly stopped?: Stopped;
    }
  | { readonly carriedOut: false; readonly why: string };

/** How long a holder of shards is looked for: a lease of a holder that hangs runs for 5 s. */
const findHolderMs = 10_000;

/** Resolves when the repair is complete. */
export async function carryOut(
  fault: PlannedFault,
  target: ChaosTarget,
  patienceMs = findHolderMs,
): Promise<Outcome> {
  const { kind, holdMs } = fault;
  if (kind === 'wipe' || kind === 'wipe-running') {
    if (target.wipeBus === undefined) return { carriedOut: false, why: 'there is no bus to wipe' };
    await target.wipeBus(kind === 'wipe' ? 'after-kill' : 'while-running');
    await sleep(holdMs);
    return { carriedOut: true, victim: fault.victim };
  }
  const named = await resolveHolder(fault.victim, target, patienceMs);
  if (named === undefined) return { carriedOut: false, why: 'nobody relays any shard' };
  const victim = named === fault.victim ? named : `${fault.victim} (${named})`;
  if (kind === 'cut' || kind === 'stall') {
    await breakLinks(kind, linksOf(named, target), holdMs);
    return { carriedOut: true, victim };
  }
  const stopped = await breakProcess(kind, processOf(named, target), holdMs);
  if (stopped === undefined) return { carriedOut: true, victim };
  // That of a server process is for the checker to judge. An engine that has to be killed makes it another fault.
  if (stopped.wasKilled && stopped.exitCode === undefined)
    return { carriedOut: false, why: 'it did not end and had to be killed' };
  return { carriedOut: true, victim, stopped };
}

async function breakLinks(
  kind: 'cut' | 'stall',
  links: readonly BreakableLink[],
  holdMs: number,
): Promise<void> {
  try {
    for (const link of links) link[kind]();
    await sleep(holdMs);
  } finally {
    for (const link of links) link.restore();
  }
}

async function breakProcess(
  kind: 'kill' | 'pause' | 'stop',
  victim: Victim,
  holdMs: number,
): Promise<Stopped | undefined> {
  if (kind === 'pause') {
    try {
      victim.pause();
      await sleep(holdMs);
    } finally {
      victim.resume();
    }
    return undefined;
  }
  let stopped: Stopped | undefined;
  try {
    if (kind === 'kill') await victim.kill();
    else stopped = await victim.stop();
    await sleep(holdMs);
  } finally {
    await victim.restart();
  }
  return stopped;
}

function linksOf(name: string, { links }: ChaosTarget): readonly BreakableLink[] {
  const [from, to] = name.split('.');
  const found = links.filter((link) => (from === '*' ? link.name.endsWith(`.${to}`) : link.name === name));
  if (found.length === 0) throw new Error(`there is no link ${name}`);
  return found;
}

function processOf(name: string, { servers, engines, loadBalancer }: ChaosTarget): Victim {
  const all = [...servers, ...engines, ...(loadBalancer === undefined ? [] : [loadBalancer])];
  const victim = all.find((one) => one.name === name);
  if (victim === undefined) throw new Error(`there is no ${name}`);
  return victim;
}

/** The name with the process that relays now in the place of `relay-holder`; undefined when there is none. */
async function resolveHolder(
  name: string,
  target: ChaosTarget,
  patienceMs: number,
): Promise<string | undefined> {
  const [from, to] = name.split('.');
  if (from !== 'relay-holder') return name;
  const holder = await findHolder(target, patienceMs);
  return holder && (to === undefined ? holder.name : `${holder.name}.${to}`);
}

/** While the relay changes hands nobody is known to hold anything: that does not last. */
async function findHolder(target: ChaosTarget, patienceMs: number): Promise<ServerVictim | undefined> {
  const deadlineMs = performance.now() + patienceMs;
  for (;;) {
    const holder = await target.findRelayHolder();
    if (holder !== undefined || performance.now() > deadlineMs) return holder;
    await sleep(100);
  }
}
