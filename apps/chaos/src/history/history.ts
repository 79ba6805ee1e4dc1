/**
 * What a client writes down: one line of JSON for each thing that it did or saw, in the order in which that happened, never
 * changed afterwards. The checker knows nothing else about clients.
 *
 *     sending ──▶ acknowledged      the server has it, and said where
 *            ├──▶ refused           it will never be sent
 *            └──▶ unknown           the caller stopped waiting
 *
 * `step` and `step-ended` frame whatever else a client asks for and waits for: joining, inviting, removing.
 *
 * Times are milliseconds of the machine's monotonic clock, which all processes share and no skew of wall clocks touches.
 */
import type { FaultKind } from '../faults/schedule.ts';
import type { Stopped } from '../target/target.ts';

export interface EntryBase {
  readonly atMs: number;
  /** Who writes: one device of one person. */
  readonly member: string;
  readonly group: string;
}

export type HistoryEntry = EntryBase &
  (
    | {
        readonly kind: 'joined';
        readonly leaf: number;
        /** Of the group when joining was complete; the own first commit made this epoch or an earlier one. */
        readonly epoch: number;
      }
    /** Written before the message is given to the SDK. `uid` is the message's own name, unique in the whole run. */
    | { readonly kind: 'sending'; readonly uid: string; readonly attachment: boolean }
    | { readonly kind: 'acknowledged'; readonly uid: string; readonly seq: number; readonly id: string }
    | { readonly kind: 'refused'; readonly uid: string; readonly code: string }
    | { readonly kind: 'unknown'; readonly uid: string; readonly code: string }
    | {
        readonly kind: 'received';
        readonly uid: string;
        readonly seq: number;
        readonly id: string;
        /** The sender's `member`, as it signed the message's text. */
        readonly by: string;
        /** When the sender wrote it. */
        readonly sentAtMs: number;
      }
    /** Something is asked of the SDK; `step` is its name, unique in the whole run, `what` says it to people. */
    | { readonly kind: 'step'; readonly step: string; readonly what: string }
    /** It was done, or refused with this code. */
    | { readonly kind: 'step-ended'; readonly step: string; readonly code: string | undefined }
    | { readonly kind: 'downloaded'; readonly uid: string; readonly intact: boolean }
    | { readonly kind: 'download-failed'; readonly uid: string; readonly code: string }
    | { readonly kind: 'epoch'; readonly epoch: number }
    | { readonly kind: 'removed'; readonly verified: boolean }
    /** With a token from its time as a member, a removed client asked for the log. `lastSeq`: of what it was shown. */
    | {
        readonly kind: 'probed';
        readonly server: string;
        readonly status: number;
        readonly lastSeq: number | undefined;
      }
    /** The load of this member in this group ended: from here on no progress is expected. */
    | { readonly kind: 'stopped' }
    | { readonly kind: 'connection'; readonly state: string }
    /** A process of the run stood still up to now for so long, and used so much CPU time meanwhile; `member` names the process. */
    | { readonly kind: 'stalled'; readonly stalledMs: number; readonly cpuMs: number }
    | { readonly kind: 'warning'; readonly warning: string; readonly detail: string }
    | { readonly kind: 'error'; readonly doing: string; readonly code: string; readonly message: string }
  );

/** Without what the writer adds. */
export type HistoryEvent = HistoryEntry extends infer Entry
  ? Entry extends HistoryEntry
    ? Omit<Entry, keyof EntryBase>
    : never
  : never;

/** One frame of the server's log, as anybody who may read it sees it. */
export interface LogFrame {
  readonly seq: number;
  /** In which it was made. */
  readonly epoch: number;
  /** The same as a message's `id`. */
  readonly id: string;
  readonly kind: 'create' | 'commit' | 'message' | 'leave';
  /** Of commits: who made it, and whom it removed (leaf indices, which are used again). */
  readonly committer?: number;
  readonly removes?: readonly number[];
}

/** A log as one server process showed it at the end. */
export interface ReadLog {
  readonly group: string;
  readonly server: string;
  readonly frames: readonly LogFrame[];
}

/** A fault as it was carried out. */
export interface FaultRecord {
  /** Unique in the run, for people. */
  readonly name: string;
  readonly kind: FaultKind;
  readonly component: string;
  readonly startMs: number;
  /** When the repair was complete: what died answers again. */
  readonly endMs: number;
  /** How a server process ended that was asked to. */
  readonly stopped?: Stopped;
}

/** A server process that had ended without being made to. */
export interface Death {
  readonly server: string;
  /** When that was seen. */
  readonly atMs: number;
}

/**
 * The process that leads the run, as the member of its entries. The links between processes and engines pass through it: when it
 * stands still, for whatever reason, so does all that the clients wait for.
 */
export const director = 'director';

/** Milliseconds of a clock that all processes of the machine share. */
export function machineMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
