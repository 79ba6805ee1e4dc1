import { describe, expect, it } from 'vitest';
import { planFaults } from './schedule.ts';
import type { PlannedFault, ScheduleInput } from './schedule.ts';

const engines = ['postgres', 'nats', 'redis', 's3'];
const servers = ['p1', 'p2', 'p3'];
const links = servers.flatMap((server) => engines.map((engine) => `${server}.${engine}`));
const input: ScheduleInput = { seed: 7, servers, engines, links, canWipeBus: true, quick: false };

function take(options: ScheduleInput, count: number): PlannedFault[] {
  const faults: PlannedFault[] = [];
  for (const fault of planFaults(options)) {
    faults.push(fault);
    if (faults.length === count) break;
  }
  return faults;
}

describe('the schedule of faults', () => {
  it('is the same for the same seed, and another for another', () => {
    expect(take(input, 50)).toEqual(take(input, 50));
    expect(take({ ...input, seed: 8 }, 50)).not.toEqual(take(input, 50));
  });

  it('has every fault on every victim in its first round', () => {
    // relay holder 2, kill and pause of 3 servers, one stop, kill and pause of 4 engines, two wipes, cut and stall to 4 engines, all links
    const round = take(input, 2 + 6 + 1 + 8 + 2 + 8 + 1);
    const names = new Set(round.map(({ kind, victim }) => `${kind} ${victim}`));
    for (const victim of [...servers, ...engines, 'relay-holder']) {
      expect(names).toContain(`kill ${victim}`);
      expect(names).toContain(`pause ${victim}`);
    }
    expect(names).toContain('wipe nats');
    expect(names).toContain('wipe-running nats');
    for (const engine of engines)
      for (const kind of ['cut', 'stall'])
        expect(
          round.filter((one) => one.kind === kind && one.victim.endsWith(`.${engine}`)).length,
        ).toBeGreaterThan(0);
  });

  it('has every kind in a quick round', () => {
    const round = take({ ...input, quick: true }, 15);
    expect(new Set(round.map(({ kind }) => kind))).toEqual(
      new Set(['kill', 'pause', 'stop', 'wipe', 'wipe-running', 'cut', 'stall']),
    );
  });

  it('knows what to do with one server and nothing else', () => {
    const alone = { ...input, servers: ['p1'], engines: [], links: [], canWipeBus: false };
    expect(new Set(take(alone, 3).map(({ kind }) => kind))).toEqual(new Set(['kill', 'pause', 'stop']));
  });
});
