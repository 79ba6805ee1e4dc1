/**
 * The streams of recent publications from which clients recover.
 *
 * Invariants:
 * - A stream's offsets are 1, 2, 3 … without gaps; `top` is the last one given. What is kept is a suffix.
 * - An epoch names one life of a stream: when a stream's numbering is forgotten (restart, eviction of an idle
 *   stream), the next one has another epoch, so a stale position is never mistaken for a current one.
 * - Memory is bounded three ways: per stream by size and time to live, overall by bytes of publications (the
 *   least recently published stream loses its publications first), and idle streams by count.
 * - A stream with subscribers (pinned) keeps its numbering.
 *
 * Called by: hub.ts and the commands. Everything is synchronous.
 */
import type { Clock } from './deps.ts';
import type { ResolvedNamespace } from './options.ts';
import type { Publication, StreamPosition } from './protocol.ts';

/** What one kept publication costs besides its text. */
const ENTRY_OVERHEAD_BYTES = 160;

interface Entry {
  readonly publication: Publication;
  readonly expiresAtMs: number;
  readonly bytes: number;
}

interface Stream {
  readonly epoch: string;
  top: number;
  /** Ascending offsets; the last one is `top`. */
  entries: Entry[];
  pins: number;
}

export interface HistoryLimits {
  readonly maxHistoryBytes: number;
  readonly maxIdleStreams: number;
  readonly maxHistoryLimit: number;
  readonly maxHistoryReplyBytes: number;
}

export interface ReadRequest {
  readonly since: StreamPosition | undefined;
  /** 0: the position only; negative: as many as the limits allow. */
  readonly limit: number;
  readonly reverse: boolean;
}

export type ReadResult =
  | { readonly ok: true; readonly publications: readonly Publication[]; readonly position: StreamPosition }
  /** `since` lies outside of what is kept, or in another epoch. */
  | { readonly ok: false; readonly position: StreamPosition };

export interface Recovery {
  /** Every publication after `since` is in `publications`; otherwise that is empty. */
  readonly recovered: boolean;
  readonly publications: readonly Publication[];
  readonly position: StreamPosition;
}

export class History {
  readonly #clock: Clock;
  readonly #limits: HistoryLimits;
  readonly #runId: string;
  readonly #isPartial: boolean;
  #epochs = 0;
  #bytes = 0;
  readonly #streams = new Map<string, Stream>();
  /** Streams with entries, least recently published first. */
  readonly #filled = new Map<string, Stream>();
  /** The one most recently published, if it is among them still: most publications are of the channel of the one before. */
  #lastFilled: string | undefined;
  /** Unpinned streams without entries, longest idle first. */
  readonly #idle = new Map<string, Stream>();

  /**
   * `runId` differs between any two instances. `isPartial`: publications from before a stream began were not seen here,
   * so a position without an epoch says nothing.
   */
  constructor(clock: Clock, runId: string, limits: HistoryLimits, isPartial = false) {
    this.#clock = clock;
    this.#runId = runId;
    this.#limits = limits;
    this.#isPartial = isPartial;
  }

  /** Bytes of kept publications, overhead included. */
  get bytes(): number {
    return this.#bytes;
  }

  get streamCount(): number {
    return this.#streams.size;
  }

  has(channel: string): boolean {
    return this.#streams.has(channel);
  }

  append(channel: string, namespace: ResolvedNamespace, publication: Publication): Publication {
    const stream = this.#open(channel);
    stream.top += 1;
    const kept = { ...publication, offset: stream.top };
    const tagsBytes = publication.tags ? Buffer.byteLength(JSON.stringify(publication.tags)) : 0;
    const bytes = publication.data.byteLength + tagsBytes + ENTRY_OVERHEAD_BYTES;
    stream.entries.push({
      publication: kept,
      bytes,
      expiresAtMs: this.#clock.nowMs() + namespace.historyTtlMs,
    });
    this.#bytes += bytes;
    this.#drop(stream, Math.max(0, stream.entries.length - namespace.historySize));
    if (this.#lastFilled !== channel || !this.#filled.has(channel)) {
      this.#filled.delete(channel);
      this.#filled.set(channel, stream);
      this.#lastFilled = channel;
    }
    this.#idle.delete(channel);
    this.#shrink();
    return kept;
  }

  position(channel: string): StreamPosition {
    const stream = this.#open(channel);
    this.#settle(channel, stream);
    return { offset: stream.top, epoch: stream.epoch };
  }

  read(channel: string, { since, limit, reverse }: ReadRequest): ReadResult {
    const stream = this.#fresh(channel);
    const position = { offset: stream.top, epoch: stream.epoch };
    if (limit === 0) return { ok: true, publications: [], position };
    let entries: readonly Entry[] = stream.entries;
    if (since) {
      if (!this.#isOf(stream, since)) return { ok: false, position };
      // Forwards a gap would be silent, so it is refused; backwards there is nothing to miss.
      if (!reverse && !this.#reaches(stream, since.offset)) return { ok: false, position };
      const split = entries.findIndex(
        ({ publication }) => publication.offset! > since.offset - (reverse ? 1 : 0),
      );
      const index = split === -1 ? entries.length : split;
      entries = reverse ? entries.slice(0, index) : entries.slice(index);
    }
    const ordered = reverse ? entries.toReversed() : entries;
    const most = Math.min(limit < 0 ? Infinity : limit, this.#limits.maxHistoryLimit);
    const publications: Publication[] = [];
    let bytes = 0;
    for (const entry of ordered) {
      bytes += entry.bytes;
      if (
        publications.length === most ||
        (publications.length > 0 && bytes > this.#limits.maxHistoryReplyBytes)
      )
        break;
      publications.push(entry.publication);
    }
    return { ok: true, publications, position };
  }

  /**
   * All publications after `since`, or none: a partial recovery would hide a gap. An empty epoch is any epoch, unless the
   * history is partial.
   * More than `maxBytes`, or than the limits allow, is none, too.
   */
  recover(channel: string, since: StreamPosition, maxBytes = Infinity): Recovery {
    const stream = this.#fresh(channel);
    const position = { offset: stream.top, epoch: stream.epoch };
    const nothing: Recovery = { recovered: false, publications: [], position };
    if (!this.#isOf(stream, since)) return nothing;
    if (!this.#reaches(stream, since.offset)) return nothing;
    const missed = stream.entries.slice(stream.entries.length - (stream.top - since.offset));
    const bytes = missed.reduce((sum, entry) => sum + entry.bytes, 0);
    const mostBytes = Math.min(this.#limits.maxHistoryReplyBytes, maxBytes);
    if (missed.length > this.#limits.maxHistoryLimit || (missed.length > 0 && bytes > mostBytes))
      return nothing;
    return { recovered: true, publications: missed.map(({ publication }) => publication), position };
  }

  /** Forgets the publications; numbering and epoch go on. */
  remove(channel: string): void {
    const stream = this.#streams.get(channel);
    if (!stream) return;
    this.#drop(stream, stream.entries.length);
    this.#settle(channel, stream);
  }

  /** Forgets the stream of a channel without subscribers: the next one has another epoch. */
  forget(channel: string): void {
    const stream = this.#streams.get(channel);
    if (!stream || stream.pins > 0) return;
    this.#drop(stream, stream.entries.length);
    this.#filled.delete(channel);
    this.#idle.delete(channel);
    this.#streams.delete(channel);
  }

  /** The channel has a subscriber more: its numbering must survive. */
  pin(channel: string): void {
    this.#open(channel).pins += 1;
    this.#idle.delete(channel);
  }

  unpin(channel: string): void {
    const stream = this.#streams.get(channel);
    if (!stream) return;
    stream.pins -= 1;
    this.#settle(channel, stream);
  }

  /** Lets go of expired publications of all streams. Reads do so for their own stream. */
  sweep(): void {
    for (const [channel, stream] of this.#filled) this.#expire(channel, stream);
  }

  #open(channel: string): Stream {
    let stream = this.#streams.get(channel);
    if (!stream) {
      this.#epochs += 1;
      stream = { epoch: `${this.#runId}${this.#epochs.toString(36)}`, top: 0, entries: [], pins: 0 };
      this.#streams.set(channel, stream);
    }
    return stream;
  }

  #fresh(channel: string): Stream {
    const stream = this.#open(channel);
    this.#expire(channel, stream);
    return stream;
  }

  #expire(channel: string, stream: Stream): void {
    const now = this.#clock.nowMs();
    const live = stream.entries.findIndex((entry) => entry.expiresAtMs > now);
    this.#drop(stream, live === -1 ? stream.entries.length : live);
    this.#settle(channel, stream);
  }

  /** Is the position one in this life of the stream? */
  #isOf(stream: Stream, { epoch }: StreamPosition): boolean {
    return epoch === stream.epoch || (epoch === '' && !this.#isPartial);
  }

  /** Does the kept suffix begin right after `offset`, or earlier? */
  #reaches(stream: Stream, offset: number): boolean {
    return offset <= stream.top && stream.top - offset <= stream.entries.length;
  }

  #drop(stream: Stream, count: number): void {
    if (count === 0) return;
    for (const entry of stream.entries.splice(0, count)) this.#bytes -= entry.bytes;
  }

  /** Puts the stream where it belongs after it lost entries or pins. */
  #settle(channel: string, stream: Stream): void {
    if (stream.entries.length > 0) return;
    this.#filled.delete(channel);
    if (stream.pins > 0 || this.#idle.has(channel)) return;
    this.#idle.set(channel, stream);
    if (this.#idle.size > this.#limits.maxIdleStreams) {
      const [oldest] = this.#idle.keys();
      this.#idle.delete(oldest!);
      this.#streams.delete(oldest!);
    }
  }

  #shrink(): void {
    for (const [channel, stream] of this.#filled) {
      if (this.#bytes <= this.#limits.maxHistoryBytes) return;
      this.#drop(stream, stream.entries.length);
      this.#settle(channel, stream);
    }
  }
}
