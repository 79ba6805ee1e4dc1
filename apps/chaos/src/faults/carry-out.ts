/** Carries out a planned fault on a target: breaks, waits, repairs. The repair is done whatever happens in between. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { BreakableLink, ChaosTarget, Victim } from '../target/target.ts';
import type { PlannedFault } from './schedule.ts';

/** Resolves when the repair is complete. Gives the name of the victim; who `relay-holder` is, is only known now. */
export async function carryOut(fault: PlannedFault, target: ChaosTarget): Promise<string> {
  const { kind, holdMs } = fault;
  if (kind === 'cut' || kind === 'stall') {
    const links = linksOf(fault.victim, target);
    for (const link of links) link[kind]();
    await sleep(holdMs);
    for (const link of links) link.restore();
    return fault.victim;
  }
  if (kind === 'wipe' || kind === 'wipe-running') {
    if (target.wipeBus === undefined) throw new Error('this target has no bus to wipe');
    await target.wipeBus(kind === 'wipe' ? 'after-kill' : 'while-running');
    await sleep(holdMs);
    return fault.victim;
  }
  const victim = await victimOf(fault.victim, target);
  switch (kind) {
    case 'kill':
      await victim.kill();
      await sleep(holdMs);
      await victim.restart();
      break;
    case 'stop':
      await victim.stop();
      await sleep(holdMs);
      await victim.restart();
      break;
    case 'pause':
      victim.pause();
      await sleep(holdMs);
      victim.resume();
      break;
  }
  return victim.name === fault.victim ? victim.name : `${fault.victim} (${victim.name})`;
}

function linksOf(name: string, { links }: ChaosTarget): readonly BreakableLink[] {
  const [from, to] = name.split('.');
  const found = links.filter((link) => (from === '*' ? link.name.endsWith(`.${to}`) : link.name === name));
  if (found.length === 0) throw new Error(`there is no link ${name}`);
  return found;
}

async function victimOf(name: string, target: ChaosTarget): Promise<Victim> {
  const victim =
    name === 'relay-holder'
      ? await target.findRelayHolder()
      : [...target.servers, ...target.engines].find((one) => one.name === name);
  // A holder is not known while the relay changes hands: any process will do then.
  const found = victim ?? (name === 'relay-holder' ? target.servers[0] : undefined);
  if (found === undefined) throw new Error(`there is no ${name}`);
  return found;
}
