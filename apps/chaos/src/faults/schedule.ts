/**
 * Which fault comes when: pure, so that a seed gives the same order and the same lengths again. The first round has each kind of
 * fault on each component once, the grave and rare ones first, and is carried out whole (`../run-chaos.ts`); what comes after it
 * fills the time, in an order that the dice give.
 *
 *     data deleted ─▶ what concerns everybody ─▶ one process, one link ─▶ all of it again, shuffled ─▶ …
 *     └──────────────────────── first round ─────────────────────────┘
 */
import { createDice } from '../random.ts';
import type { Dice } from '../random.ts';

export type FaultKind =
  /** SIGKILL, and started again. */
  | 'kill'
  /** SIGSTOP, and SIGCONT. */
  | 'pause'
  /** SIGTERM, and started again when it has ended. */
  | 'stop'
  /** Connections are reset, and new ones too. */
  | 'cut'
  /** Connections stay, and nothing passes. */
  | 'stall'
  /** Killed, its data deleted, started again. */
  | 'wipe'
  /** Its data deleted while it runs; it is left as it is. */
  | 'wipe-running';

export interface PlannedFault {
  readonly kind: FaultKind;
  /** What is counted: `p1`, `postgres`, `one link to nats`. Each kind comes once for each of them in the first round. */
  readonly component: string;
  /**
   * What it is done to: a process (`p1`), a link (`p1.nats`), the links of all to an engine (`*.nats`), or of the process
   * that relays the most when the fault begins (`relay-holder`, `relay-holder.nats`).
   */
  readonly victim: string;
  /** From the beginning of the fault to the beginning of the repair. */
  readonly holdMs: number;
}

export interface ScheduleInput {
  readonly seed: number;
  readonly servers: readonly string[];
  readonly engines: readonly string[];
  /** `p1.postgres` and so on, and `centrifugo.nats`. */
  readonly links: readonly string[];
  readonly hasLoadBalancer: boolean;
  readonly canWipeBus: boolean;
  /** A smaller first round: every kind, each sort of component, and a cut of a link to each engine. */
  readonly quick: boolean;
}

export interface Schedule {
  readonly firstRound: readonly PlannedFault[];
  /** Without end, as long as the run asks. */
  furtherRounds(): Generator<PlannedFault, never>;
}

/** Bounds of `holdMs`. A pause or stall may be longer than a lease of 5 s, so that a holder loses it, and shorter. */
const holds: Readonly<Record<FaultKind, readonly [minMs: number, maxMs: number]>> = {
  kill: [300, 2_500],
  pause: [2_000, 7_000],
  stop: [300, 1_500],
  cut: [1_500, 4_000],
  stall: [2_000, 7_000],
  wipe: [0, 0],
  'wipe-running': [2_000, 4_000],
};

export function planFaults(input: ScheduleInput): Schedule {
  const dice = createDice(input.seed);
  const round = (): PlannedFault[] => (input.quick ? quickRound(input, dice) : wholeRound(input, dice));
  // The sort is stable: of the same gravity, as the dice gave them.
  const firstRound = dice.shuffle(round()).sort((a, b) => gravityOf(b) - gravityOf(a));
  return {
    firstRound,
    *furtherRounds() {
      for (;;) yield* dice.shuffle(round());
    },
  };
}

/** Every kind on everything that there is. */
function wholeRound(input: ScheduleInput, dice: Dice): PlannedFault[] {
  const { servers, engines, hasLoadBalancer } = input;
  const { holder, wipes, linked, oneLink, allLinks, ownLinks, holderLinks } = partsOf(input, dice);
  const processes = [...servers, ...holder, ...engines];
  return [
    ...wipes,
    ...processes.flatMap((name) =>
      (['kill', 'pause', 'stop'] as const).map((kind) => plan(dice, kind, name)),
    ),
    // Ended in order, HAProxy is gone as fast as if it were killed.
    ...(hasLoadBalancer ? [plan(dice, 'kill', loadBalancer), plan(dice, 'pause', loadBalancer)] : []),
    ...(['cut', 'stall'] as const).flatMap((kind) => [
      ...linked.flatMap((engine) => [oneLink(kind, engine), allLinks(kind, engine)]),
      ...holderLinks(kind),
      ...ownLinks(kind),
    ]),
  ];
}

/** A third of it: see `ScheduleInput.quick`. Where Centrifugo is, it is what the run is about. */
function quickRound(input: ScheduleInput, dice: Dice): PlannedFault[] {
  const { servers, engines, hasLoadBalancer } = input;
  const { holder, wipes, linked, oneLink, allLinks, ownLinks } = partsOf(input, dice);
  const vital = engines.filter((name) => name !== 'redis' && name !== 's3');
  const others = engines.filter((name) => !vital.includes(name));
  const inFocus = engines.includes('centrifugo') ? ['centrifugo'] : engines;
  return [
    ...wipes,
    ...(holder.length > 0 ? holder : servers).flatMap((name) => [
      plan(dice, 'kill', name),
      plan(dice, 'pause', name),
    ]),
    plan(dice, 'stop', dice.pick(servers)),
    ...[...vital, ...pickOne(others, dice)].map((name) => plan(dice, 'kill', name)),
    ...pickOne(inFocus, dice).map((name) => plan(dice, 'pause', name)),
    ...pickOne(inFocus, dice).map((name) => plan(dice, 'stop', name)),
    ...(hasLoadBalancer ? [plan(dice, 'kill', loadBalancer)] : []),
    ...linked.map((engine) => oneLink('cut', engine)),
    ...pickOne(linked, dice).map((engine) => allLinks('cut', engine)),
    ...pickOne(linked, dice).map((engine) => allLinks('stall', engine)),
    ...ownLinks('cut'),
    ...ownLinks('stall'),
  ];
}

const loadBalancer = 'load-balancer';
const relayHolder = 'relay-holder';
/** What the relay needs: the database with its leases, and the bus. */
const relayEngines: readonly string[] = ['postgres', 'nats'];

function partsOf({ servers, engines, links, canWipeBus }: ScheduleInput, dice: Dice) {
  const isOfServer = (link: string): boolean => servers.includes(link.split('.')[0]!);
  const linked = engines.filter((engine) => links.some((link) => isOfServer(link) && endOf(link) === engine));
  return {
    /** Where there is one server, it holds everything. */
    holder: servers.length > 1 ? [relayHolder] : [],
    wipes: canWipeBus ? [plan(dice, 'wipe', 'nats'), plan(dice, 'wipe-running', 'nats')] : [],
    /** Engines with links of server processes. */
    linked,
    oneLink: (kind: 'cut' | 'stall', engine: string): PlannedFault => {
      const candidates = links.filter((link) => isOfServer(link) && endOf(link) === engine);
      return plan(dice, kind, `one link to ${engine}`, dice.pick(candidates));
    },
    allLinks: (kind: 'cut' | 'stall', engine: string): PlannedFault =>
      plan(dice, kind, `all links to ${engine}`, `*.${engine}`),
    holderLinks: (kind: 'cut' | 'stall'): PlannedFault[] =>
      relayEngines
        .filter((engine) => servers.length > 1 && linked.includes(engine))
        .map((engine) =>
          plan(dice, kind, `the relay holder's link to ${engine}`, `${relayHolder}.${engine}`),
        ),
    /** Those of engines themselves: Centrifugo reads the stream. */
    ownLinks: (kind: 'cut' | 'stall'): PlannedFault[] =>
      links
        .filter((link) => !isOfServer(link))
        .map((link) => plan(dice, kind, link.replace('.', "'s link to "), link)),
  };
}

function plan(dice: Dice, kind: FaultKind, component: string, victim = component): PlannedFault {
  const [minMs, maxMs] = holds[kind];
  return { kind, component, victim, holdMs: dice.between(minMs, maxMs) };
}

/** 2: what was stored is gone. 1: nobody is spared, or who relays is struck. 0: one process, one link. */
function gravityOf({ kind, component, victim }: PlannedFault): number {
  if (kind === 'wipe' || kind === 'wipe-running') return 2;
  if (component.startsWith('one link')) return 0;
  return /^p\d+$/.test(victim) ? 0 : 1;
}

function pickOne<T>(list: readonly T[], dice: Dice): T[] {
  return list.length === 0 ? [] : [dice.pick(list)];
}

function endOf(link: string): string {
  return link.split('.')[1]!;
}

/** For people: `kill p1 for 0.3 s`. */
export function nameOf({ kind, holdMs }: PlannedFault, victim: string): string {
  return holdMs === 0 ? `${kind} ${victim}` : `${kind} ${victim} for ${(holdMs / 1000).toFixed(1)} s`;
}
