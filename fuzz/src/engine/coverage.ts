/**
 * What an execution touched. Counters are grouped into eight classes (1, 2, 3, 4–7, 8–15, 16–31, 32–127, 128 and more), as AFL
 * does, so that a loop that ran twice as often is news and one that ran once more is not.
 */
declare global {
  var __fuzzHits: Uint8ClampedArray;
}

/** Counters of everything that is instrumented in a process. */
export const maxCounters = 2 ** 15;

const classOf = new Uint8Array(256);
for (let hits = 1; hits < 256; hits++) {
  const bounds = [1, 2, 3, 7, 15, 31, 127, 255];
  classOf[hits] = 1 << bounds.findIndex((bound) => hits <= bound);
}

export class Coverage {
  /** Clamped: 256 hits do not look like none. */
  readonly #hits = new Uint8ClampedArray(maxCounters);
  readonly #words = new Uint32Array(this.#hits.buffer);
  readonly #seen = new Uint8Array(maxCounters);
  #used = 0;

  /** From here on instrumented code counts here. */
  install(): void {
    globalThis.__fuzzHits = this.#hits;
  }

  /** Tells how many counters there are: the rest is never looked at. */
  useCounters(count: number): void {
    if (count > maxCounters) throw new RangeError(`${count} counters are more than ${maxCounters}`);
    this.#used = Math.ceil(count / 4);
  }

  /** Before an execution. */
  reset(): void {
    this.#words.fill(0, 0, this.#used);
  }

  /** After one: how many (counter, class) pairs had never been seen. They count as seen from now on. */
  takeNews(): number {
    let news = 0;
    for (let word = 0; word < this.#used; word++) {
      if (this.#words[word] === 0) continue;
      for (let at = 4 * word; at < 4 * word + 4; at++) {
        const bits = classOf[this.#hits[at]!]!;
        if ((bits & ~this.#seen[at]!) === 0) continue;
        this.#seen[at]! |= bits;
        news++;
      }
    }
    return news;
  }

  /** (counter, class) pairs of the last execution, as a text that is equal exactly for equal coverage. */
  signature(): string {
    const parts: string[] = [];
    for (let at = 0; at < 4 * this.#used; at++)
      if (this.#hits[at]! > 0) parts.push(`${at}.${classOf[this.#hits[at]!]}`);
    return parts.join(' ');
  }

  /** Counters ever hit. */
  countersSeen(): number {
    return this.#seen.reduce((count, bits) => count + (bits === 0 ? 0 : 1), 0);
  }
}
