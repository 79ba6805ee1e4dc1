/**
 * What chaos is made of: processes that can die and hang, and links that can break. The cluster and a single server are two
 * targets; which faults there are follows from what a target has.
 */
export interface Victim {
  /** Such as `p2` or `postgres`. */
  readonly name: string;
  readonly pid: number;
  kill(): Promise<void>;
  pause(): void;
  resume(): void;
  /** Resolves when it answers again, with the data that it had. */
  restart(): Promise<void>;
  /** SIGTERM; resolves when it has ended. */
  stop(): Promise<void>;
}

export interface ServerVictim extends Victim {
  readonly url: string;
  readonly adminUrl: string;
  /** Everything it printed. */
  readonly output: string;
}

export interface BreakableLink {
  /** Such as `p2.nats`. */
  readonly name: string;
  cut(): void;
  stall(): void;
  restore(): void;
}

export interface ChaosTarget extends AsyncDisposable {
  /** Where clients go. */
  readonly url: string;
  readonly servers: readonly ServerVictim[];
  readonly engines: readonly Victim[];
  readonly links: readonly BreakableLink[];
  readonly firstAccountToken: string;
  /** For people: what it is. */
  readonly about: string;
  /** Of its server processes, those whose clock is wrong; undefined where there is only one process. */
  readonly skewedProcesses: number | undefined;
  /** Deletes what JetStream has stored: of a killed server, which starts again, or under the hands of a running one. */
  readonly wipeBus: ((how: 'after-kill' | 'while-running') => Promise<void>) | undefined;
  /** The server process that relays the most shards now. */
  findRelayHolder(): Promise<ServerVictim | undefined>;
  /** What engines printed, by name. */
  readonly logs: () => ReadonlyMap<string, string>;
}
