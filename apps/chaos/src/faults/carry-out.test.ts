import { describe, expect, it } from 'vitest';
import type { BreakableLink, ChaosTarget, ServerVictim, Stopped, Victim } from '../target/target.ts';
import { carryOut } from './carry-out.ts';
import type { FaultKind, PlannedFault } from './schedule.ts';

/** A target that only writes down what is done to it; what is told to fail, fails. */
function noteTarget(
  options: { failing?: string; holder?: string; stopped?: Partial<Stopped> } = {},
): ChaosTarget & { readonly done: string[] } {
  const done: string[] = [];
  const note = (what: string): void => {
    done.push(what);
    if (what === options.failing) throw new Error(`${what} failed`);
  };
  const stopped = { tookMs: 10, wasKilled: false, exitCode: undefined, ...options.stopped };
  const victim = (name: string): Victim => ({
    name,
    pid: 1,
    kill: async () => note(`kill ${name}`),
    pause: () => note(`pause ${name}`),
    resume: () => note(`resume ${name}`),
    restart: async () => note(`restart ${name}`),
    async stop() {
      note(`stop ${name}`);
      return stopped;
    },
  });
  const servers = ['p1', 'p2'].map((name): ServerVictim => ({
    ...victim(name),
    url: '',
    adminUrl: '',
    isRunning: true,
    skewSeconds: 0,
    output: '',
  }));
  const link = (name: string): BreakableLink => ({
    name,
    cut: () => note(`cut ${name}`),
    stall: () => note(`stall ${name}`),
    restore: () => note(`restore ${name}`),
  });
  return {
    done,
    url: '',
    servers,
    engines: [victim('postgres')],
    loadBalancer: victim('load-balancer'),
    links: ['p1.nats', 'p2.nats', 'p1.redis', 'centrifugo.nats'].map(link),
    firstAccountToken: '',
    about: '',
    skew: 'unwanted',
    wipeBus: async (how) => note(`wipe ${how}`),
    findRelayHolder: async () => servers.find(({ name }) => name === options.holder),
    logs: () => new Map(),
    [Symbol.asyncDispose]: async () => undefined,
  };
}

const fault = (kind: FaultKind, victim: string): PlannedFault => ({
  kind,
  victim,
  component: victim,
  holdMs: 1,
});

describe('carrying out a fault', () => {
  it.each<[FaultKind, string, string[]]>([
    ['kill', 'postgres', ['kill postgres', 'restart postgres']],
    ['kill', 'load-balancer', ['kill load-balancer', 'restart load-balancer']],
    ['stop', 'p1', ['stop p1', 'restart p1']],
    ['pause', 'p2', ['pause p2', 'resume p2']],
    ['cut', 'p1.redis', ['cut p1.redis', 'restore p1.redis']],
    ['wipe', 'nats', ['wipe after-kill']],
    ['wipe-running', 'nats', ['wipe while-running']],
  ])('%s %s: breaks and repairs', async (kind, victim, done) => {
    const target = noteTarget();
    expect(await carryOut(fault(kind, victim), target)).toMatchObject({ carriedOut: true, victim });
    expect(target.done).toEqual(done);
  });

  it('breaks all links to an engine, that of another engine as well', async () => {
    const target = noteTarget();
    await carryOut(fault('stall', '*.nats'), target);
    const links = ['p1.nats', 'p2.nats', 'centrifugo.nats'];
    expect(target.done).toEqual([
      ...links.map((link) => `stall ${link}`),
      ...links.map((link) => `restore ${link}`),
    ]);
  });

  it('finds out who relays when the fault begins, and says who it was', async () => {
    const target = noteTarget({ holder: 'p2' });
    expect(await carryOut(fault('kill', 'relay-holder'), target)).toEqual({
      carriedOut: true,
      victim: 'relay-holder (p2)',
    });
    await carryOut(fault('cut', 'relay-holder.nats'), target);
    expect(target.done).toEqual(['kill p2', 'restart p2', 'cut p2.nats', 'restore p2.nats']);
  });

  it('strikes nobody else when nobody relays', async () => {
    const target = noteTarget();
    expect(await carryOut(fault('kill', 'relay-holder'), target, 50)).toMatchObject({ carriedOut: false });
    expect(await carryOut(fault('cut', 'relay-holder.nats'), target, 50)).toMatchObject({
      carriedOut: false,
    });
    expect(target.done).toEqual([]);
  });

  it('waits for the relay to change hands', async () => {
    const target = noteTarget();
    let asked = 0;
    const findRelayHolder = async () => (++asked < 3 ? undefined : target.servers[0]);
    expect(await carryOut(fault('pause', 'relay-holder'), { ...target, findRelayHolder })).toMatchObject({
      victim: 'relay-holder (p1)',
    });
  });

  it.each<[FaultKind, string, string, string]>([
    ['kill', 'postgres', 'kill postgres', 'restart postgres'],
    ['stop', 'p1', 'stop p1', 'restart p1'],
    ['pause', 'p2', 'pause p2', 'resume p2'],
    ['cut', '*.nats', 'cut p2.nats', 'restore centrifugo.nats'],
  ])('repairs when %s %s fails in the middle', async (kind, victim, failing, repair) => {
    const target = noteTarget({ failing });
    await expect(carryOut(fault(kind, victim), target)).rejects.toThrow(failing);
    expect(target.done.at(-1)).toBe(repair);
  });

  it('hands on how a server process ended', async () => {
    const stopped = { tookMs: 25_000, wasKilled: true, exitCode: null };
    expect(await carryOut(fault('stop', 'p1'), noteTarget({ stopped }))).toEqual({
      carriedOut: true,
      victim: 'p1',
      stopped,
    });
  });

  it('does not count an engine as stopped that had to be killed', async () => {
    const target = noteTarget({ stopped: { wasKilled: true } });
    expect(await carryOut(fault('stop', 'postgres'), target)).toMatchObject({ carriedOut: false });
    expect(target.done).toEqual(['stop postgres', 'restart postgres']);
  });

  it('throws for what is not there', async () => {
    await expect(carryOut(fault('kill', 'p9'), noteTarget())).rejects.toThrow('there is no p9');
    await expect(carryOut(fault('cut', 'p9.nats'), noteTarget())).rejects.toThrow('there is no link p9.nats');
  });
});
