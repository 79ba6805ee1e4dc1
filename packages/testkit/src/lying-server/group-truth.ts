/** What the proxy has seen of each group's real log: from pages it read, frames that were posted through it, and the feed. */
import { createHash } from 'node:crypto';
import type { TrueFrame } from './shown-log.ts';

export interface SeenFrame {
  readonly seq: number;
  readonly epoch: number | undefined;
  readonly octets: Uint8Array | undefined;
}

export class GroupTruth {
  readonly #frameBySeq = new Map<number, SeenFrame>();
  readonly #posterByHash = new Map<string, string>();
  #lastSeq = 0;

  get lastSeq(): number {
    return this.#lastSeq;
  }

  /** The first number whose octets are unknown. */
  get firstUnknown(): number {
    for (let seq = 1; ; seq++) if (this.#frameBySeq.get(seq)?.octets === undefined) return seq;
  }

  note({ seq, epoch, octets }: SeenFrame): void {
    const known = this.#frameBySeq.get(seq);
    this.#frameBySeq.set(seq, { seq, epoch: epoch ?? known?.epoch, octets: octets ?? known?.octets });
    this.#lastSeq = Math.max(this.#lastSeq, seq);
  }

  /** Before the frame goes on, because the feed may be faster than the answer. */
  notePoster(octets: Uint8Array, poster: string): void {
    this.#posterByHash.set(hashOf(octets), poster);
  }

  /** Frames 1 to `lastSeq`, none left out. */
  upTo(lastSeq: number = this.#lastSeq): TrueFrame[] {
    return Array.from({ length: lastSeq }, (_, index) => {
      const seen = this.#frameBySeq.get(index + 1);
      const octets = seen?.octets;
      const postedBy = octets === undefined ? undefined : this.#posterByHash.get(hashOf(octets));
      return { seq: index + 1, epoch: seen?.epoch, octets, postedBy };
    });
  }
}

function hashOf(octets: Uint8Array): string {
  return createHash('sha256').update(octets).digest('base64url');
}
