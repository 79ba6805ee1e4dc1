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
  /** Kills it if it runs. Resolves when it answers again, with the data that it had. */
  restart(): Promise<void>;
  /** SIGTERM, or what makes it end in order, and SIGKILL when it does not; resolves when it has ended. */
  stop(): Promise<Stopped>;
}

/** How a process ended that was asked to. */
export interface Stopped {
  readonly tookMs: number;
  /** Whether it had to be killed in the end. */
  readonly wasKilled: boolean;
  /** Null when a signal ended it. Undefined for engines: what they answer is theirs. */
  readonly exitCode: number | null | undefined;
}

export interface ServerVictim extends Victim {
  readonly url: string;
  readonly adminUrl: string;
  /** False once it has ended, for whatever reason. */
  readonly isRunning: boolean;
  /** How far ahead of the machine's its wall clock was set. */
  readonly skewSeconds: number;
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
  readonly loadBalancer: Victim | undefined;
  readonly links: readonly BreakableLink[];
  readonly firstAccountToken: string;
  /** For people: what it is. */
  readonly about: string;
  /** Whether some of its clocks are to be wrong; `impossible` where the machine lacks the library, `unwanted` for one process. */
  readonly skew: 'wanted' | 'impossible' | 'unwanted';
  /** Deletes what JetStream has stored: of a killed server, which starts again, or under the hands of a running one. */
  readonly wipeBus: ((how: 'after-kill' | 'while-running') => Promise<void>) | undefined;
  /** The server process that relays the most shards now. */
  findRelayHolder(): Promise<ServerVictim | undefined>;
  /** What engines printed, by name. */
  readonly logs: () => ReadonlyMap<string, string>;
}
