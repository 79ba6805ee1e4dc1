/**
 * What this device remembers of the frames it processed, so that a server that lies about the log is noticed
 * (docs/sealed-groups.md §5.11). Two memories, written in the transaction of the frames themselves:
 *
 *   tail    hashes of the last frame and of all that came by the live feed and were not yet compared with the log
 *   seen    body hash ─▶ number of every frame: what others name as the last frame that they saw must be among them
 *
 * A member writes in epoch e only after it processed the commit that made e, so `last_seen` of a message lies between
 * that commit and the message, however late the message is posted, and whoever can read it has processed that commit too. The
 * memory need not reach further back than this; where it does not (it began later), nothing is concluded.
 */
import { equalBytes } from '../encoding/bytes.ts';
import { encodeBase64url } from '../encoding/base64url.ts';
import { createRecordCodec } from '../store/json-record.ts';
import { paths } from '../store/paths.ts';
import type { Vault, VaultOperation } from '../store/vault.ts';
import type { ServerEvidence } from './group-types.ts';

/** The log, read by this device's own cursor, or the live feed. */
export type FrameSource = 'log' | 'feed';

/** A processed frame. `frameHash` is unknown of a frame that was processed before this memory began. */
export interface WitnessedFrame {
  readonly seq: number;
  readonly bodyHash: Uint8Array;
  readonly frameHash: Uint8Array | undefined;
}

/** What a message says about the log that its author was shown. */
export interface Statement {
  readonly seq: number;
  readonly epoch: number;
  readonly lastSeen: Uint8Array;
  readonly by: string | undefined;
}

export interface Finding {
  readonly evidence: ServerEvidence;
  readonly seq: number;
  readonly by: string | undefined;
}

/** What a page adds; it counts when `operations` are durable and `apply` ran. */
export interface PageTestimony {
  readonly operations: readonly VaultOperation[];
  readonly findings: readonly Finding[];
  readonly apply: () => void;
}

interface WitnessRecord {
  readonly lastSeq: number;
  /** Of messages from this epoch on, every frame that their authors may name is among `seen`. */
  readonly coveredFromEpoch: number;
  readonly tail: readonly WitnessedFrame[];
}

export interface WitnessDeps {
  readonly vault: Vault;
  /** Base64url. */
  readonly groupId: string;
}

/** Frames that are taken from the feed before the log must be read. */
const MAX_TAIL = 64;
/** Numbers kept in memory: authors mostly name one of the last frames. */
const MAX_RECENT = 1_024;
/** Frames that others named and that never came. */
const MAX_MISSING = 256;

const codec = createRecordCodec<WitnessRecord>();
const seqCodec = createRecordCodec<{ readonly seq: number }>();

export class LogWitness {
  readonly #deps: WitnessDeps;
  readonly #recent = new Map<string, number>();
  readonly #missing = new Map<string, Statement>();
  #record: WitnessRecord;

  private constructor(deps: WitnessDeps, record: WitnessRecord) {
    this.#deps = deps;
    this.#record = record;
  }

  /** For a state that stands where `processed` says. A memory of another state, or none, begins anew here. */
  static async load(
    deps: WitnessDeps,
    processed: { readonly lastSeq: number; readonly lastSeen: Uint8Array; readonly epoch: number },
  ): Promise<LogWitness> {
    const stored = await deps.vault.get(paths.witness(deps.groupId));
    const record = stored === undefined ? undefined : codec.decode(stored);
    const last = record?.tail.at(-1);
    const fits =
      record !== undefined &&
      record.lastSeq === processed.lastSeq &&
      (last === undefined || equalBytes(last.bodyHash, processed.lastSeen));
    return new LogWitness(deps, fits ? record : beginAt(processed));
  }

  /** The processed frames that the log is to show again, ascending: at least the last one. */
  get tail(): readonly WitnessedFrame[] {
    return this.#record.tail;
  }

  /** Frames were taken from the feed and not compared with the log. */
  get hasUncompared(): boolean {
    return this.#record.tail.length > 1;
  }

  get isFull(): boolean {
    return this.#record.tail.length >= MAX_TAIL;
  }

  /** Whether another frame was processed under this number, as far as that is remembered. */
  contradicts(seq: number, frameHash: Uint8Array): boolean {
    const known = this.#record.tail.find((frame) => frame.seq === seq)?.frameHash;
    return known !== undefined && !equalBytes(known, frameHash);
  }

  /** The log showed the frames up to this one as they were processed. Made durable by the next page. */
  confirm(seq: number): void {
    const last = Math.min(seq, this.#record.lastSeq - 1);
    this.#record = { ...this.#record, tail: this.#record.tail.filter((frame) => frame.seq > last) };
  }

  /** Collects what a page of frames adds. */
  begin(): PageWitness {
    return new PageWitness({
      find: (name) => this.#find(name),
      missing: this.#missing,
      coveredFromEpoch: this.#record.coveredFromEpoch,
      conclude: (frames, source, newlyMissing, found) => this.#conclude(frames, source, newlyMissing, found),
    });
  }

  async #find(name: string): Promise<number | undefined> {
    const recent = this.#recent.get(name);
    if (recent !== undefined) return recent;
    const stored = await this.#deps.vault.get(paths.seen(this.#deps.groupId, name));
    return stored === undefined ? undefined : seqCodec.decode(stored).seq;
  }

  #conclude(
    frames: readonly WitnessedFrame[],
    source: FrameSource,
    newlyMissing: ReadonlyMap<string, Statement>,
    found: readonly string[],
  ): Pick<PageTestimony, 'operations' | 'apply'> {
    const last = frames.at(-1);
    if (last === undefined) return { operations: [], apply: () => undefined };
    const { groupId } = this.#deps;
    const isCompared = source === 'log' && !this.hasUncompared;
    const added = source === 'log' ? [last] : frames;
    const kept = isCompared ? added : [...this.#record.tail, ...added];
    const record = { ...this.#record, lastSeq: last.seq, tail: kept };
    return {
      operations: [
        { put: paths.witness(groupId), value: codec.encode(record) },
        ...frames.map(({ seq, bodyHash }) => ({
          put: paths.seen(groupId, encodeBase64url(bodyHash)),
          value: seqCodec.encode({ seq }),
        })),
      ],
      apply: () => {
        this.#record = record;
        for (const { seq, bodyHash } of frames)
          setBounded(this.#recent, encodeBase64url(bodyHash), seq, MAX_RECENT);
        for (const name of found) this.#missing.delete(name);
        for (const [name, statement] of newlyMissing) setBounded(this.#missing, name, statement, MAX_MISSING);
      },
    };
  }
}

interface PageWitnessDeps {
  readonly find: (name: string) => Promise<number | undefined>;
  readonly missing: ReadonlyMap<string, Statement>;
  readonly coveredFromEpoch: number;
  readonly conclude: (
    frames: readonly WitnessedFrame[],
    source: FrameSource,
    newlyMissing: ReadonlyMap<string, Statement>,
    found: readonly string[],
  ) => Pick<PageTestimony, 'operations' | 'apply'>;
}

/** One page under way: nothing of it counts before it is durable. */
export class PageWitness {
  readonly #deps: PageWitnessDeps;
  readonly #frames: WitnessedFrame[] = [];
  readonly #names = new Set<string>();
  readonly #missing = new Map<string, Statement>();
  readonly #findings: Finding[] = [];
  readonly #found: string[] = [];

  constructor(deps: PageWitnessDeps) {
    this.#deps = deps;
  }

  /** Before `processed` of the same frame: a message cannot name itself. A frame that is missing is reported once. */
  async hear(statement: Statement): Promise<void> {
    if (statement.epoch < this.#deps.coveredFromEpoch) return;
    const name = encodeBase64url(statement.lastSeen);
    if (this.#names.has(name) || this.#missing.has(name) || this.#deps.missing.has(name)) return;
    if ((await this.#deps.find(name)) === undefined) this.#missing.set(name, statement);
  }

  processed(frame: WitnessedFrame): void {
    this.#frames.push(frame);
    const name = encodeBase64url(frame.bodyHash);
    this.#names.add(name);
    const statement = this.#missing.get(name) ?? this.#deps.missing.get(name);
    if (statement === undefined) return;
    // It comes now, after a message whose author had seen it.
    this.#missing.delete(name);
    this.#found.push(name);
    this.#findings.push({ evidence: 'reordered', seq: statement.seq, by: statement.by });
  }

  conclude(source: FrameSource): PageTestimony {
    const withheld = [...this.#missing.values()].map(({ seq, by }): Finding => ({
      evidence: 'withheld',
      seq,
      by,
    }));
    return {
      findings: [...this.#findings, ...withheld].sort((a, b) => a.seq - b.seq),
      ...this.#deps.conclude(this.#frames, source, this.#missing, this.#found),
    };
  }
}

function beginAt(processed: {
  readonly lastSeq: number;
  readonly lastSeen: Uint8Array;
  readonly epoch: number;
}): WitnessRecord {
  const { lastSeq, lastSeen, epoch } = processed;
  return {
    lastSeq,
    // Frames of this epoch that lie before the beginning may be named.
    coveredFromEpoch: lastSeq === 0 ? 0 : epoch + 1,
    tail: lastSeq === 0 ? [] : [{ seq: lastSeq, bodyHash: lastSeen, frameHash: undefined }],
  };
}

function setBounded<K, V>(map: Map<K, V>, key: K, value: V, limit: number): void {
  map.set(key, value);
  const [oldest] = map.keys();
  if (map.size > limit && oldest !== undefined) map.delete(oldest);
}
