/**
 * Which fault comes when: pure, so that a seed gives the same order and the same lengths again. Every kind comes at least once
 * if the time suffices, the grave ones first; then they come again in another order.
 *
 *     settle  fault 1   recovery   fault 2   recovery  …        time for settling at the end is kept free
 *     ├─────┼─────────┼──────────┼─────────┼──────────┤
 */
import { createDice } from '../random.ts';

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
  /** The name of a process or link, `relay-holder`, or `*.postgres` for the links of all processes to an engine. */
  readonly victim: string;
  /** From the beginning of the fault to the beginning of the repair. */
  readonly holdMs: number;
}

export interface ScheduleInput {
  readonly seed: number;
  readonly servers: readonly string[];
  readonly engines: readonly string[];
  /** `p1.postgres` and so on. */
  readonly links: readonly string[];
  readonly canWipeBus: boolean;
  /** One fault of each sort, in place of each fault on each victim. */
  readonly quick: boolean;
}

/** Bounds of `holdMs`. A pause is longer than a lease, so that the holder loses it; a stall as well. */
const holds: Readonly<Record<FaultKind, readonly [minMs: number, maxMs: number]>> = {
  kill: [300, 2_500],
  pause: [2_000, 7_000],
  stop: [300, 1_500],
  cut: [1_500, 4_000],
  stall: [2_000, 7_000],
  wipe: [0, 0],
  'wipe-running': [2_000, 4_000],
};

/** The first round has everything once; further rounds follow without end, as long as the run asks. */
export function* planFaults(input: ScheduleInput): Generator<PlannedFault, never> {
  const { seed, servers, engines, links, canWipeBus, quick } = input;
  const dice = createDice(seed);
  const plan = (kind: FaultKind, victim: string): PlannedFault => {
    const [minMs, maxMs] = holds[kind];
    return { kind, victim, holdMs: dice.between(minMs, maxMs) };
  };
  for (;;) {
    const faults: PlannedFault[] = [];
    const each = quick && servers.length > 0 ? [dice.pick(servers)] : servers;
    if (servers.length > 1) faults.push(plan('kill', 'relay-holder'), plan('pause', 'relay-holder'));
    for (const server of each) faults.push(plan('kill', server));
    for (const server of quick ? [dice.pick(servers)] : servers) faults.push(plan('pause', server));
    faults.push(plan('stop', dice.pick(servers)));
    for (const engine of engines) faults.push(plan('kill', engine));
    for (const engine of quick ? pickSome(engines, 1) : engines) faults.push(plan('pause', engine));
    if (canWipeBus) faults.push(plan('wipe', 'nats'), plan('wipe-running', 'nats'));
    if (links.length > 0) {
      const targets = [...new Set(links.map((link) => link.split('.')[1]!))];
      for (const engine of quick ? pickSome(targets, 1) : targets) {
        faults.push(plan('cut', dice.pick(links.filter((link) => link.endsWith(`.${engine}`)))));
        faults.push(plan('stall', dice.pick(links.filter((link) => link.endsWith(`.${engine}`)))));
      }
      faults.push(plan('cut', `*.${dice.pick(targets)}`));
    }
    yield* dice.shuffle(faults);
  }

  function pickSome<T>(list: readonly T[], count: number): T[] {
    return dice.shuffle(list).slice(0, count);
  }
}

export function nameOf({ kind, victim, holdMs }: PlannedFault): string {
  return holdMs === 0 ? `${kind} ${victim}` : `${kind} ${victim} for ${(holdMs / 1000).toFixed(1)} s`;
}
