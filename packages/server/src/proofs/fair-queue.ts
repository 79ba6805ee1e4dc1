/**
 * What waits, by group, bounded, and taken in turns that are fair by *cost* (deficit round robin, Shreedhar and Varghese
 * 1995): whenever it is a group's turn it is credited `quantum`, and takes what its credit pays for.
 *
 *   flood  ■■■■■■ ■■■■■■ ■■■■■■ …        ring: flood ─▶ small ─▶ other ─▶ flood …
 *   small  ▪                             each visit: credit += quantum; take while the head is paid for
 *   other  ▪▪▪                           nothing left: leaves the ring, its credit is forgotten
 *
 * A group that waits alone gets everything. One that comes beside n others waits for n turns at most, whatever they posted.
 */

export interface Queued {
  readonly groupId: string;
  /** At least 1. */
  readonly cost: number;
}

export interface QueueLimits {
  readonly maxItems: number;
  readonly maxCost: number;
  readonly maxItemsPerGroup: number;
  /** What a group may have waiting. Its first item is let in whatever it costs, else the dearest could never be done. */
  readonly maxCostPerGroup: number;
}

export interface Share {
  readonly maxItems: number;
  /** An item dearer than this is taken alone. */
  readonly maxCost: number;
}

interface Group<T> {
  readonly id: string;
  readonly items: T[];
  cost: number;
  credit: number;
  /** Whether this visit's credit was given: a visit may go on in the next `take`. */
  isVisited: boolean;
}

export class FairQueue<T extends Queued> {
  readonly #limits: QueueLimits;
  readonly #quantum: number;
  /** In the order of their turns: a Map remembers the order of insertion. */
  readonly #ring = new Map<string, Group<T>>();
  #size = 0;
  #cost = 0;

  constructor(limits: QueueLimits, quantum: number) {
    this.#limits = limits;
    this.#quantum = quantum;
  }

  get size(): number {
    return this.#size;
  }

  /** Of everything that waits. */
  get cost(): number {
    return this.#cost;
  }

  /** Undefined, or what there is too much of; then nothing was done. */
  put(item: T): 'group' | 'queue' | undefined {
    const { maxItems, maxCost, maxItemsPerGroup, maxCostPerGroup } = this.#limits;
    const known = this.#ring.get(item.groupId);
    if (known !== undefined) {
      const isFull = known.items.length >= maxItemsPerGroup || known.cost + item.cost > maxCostPerGroup;
      if (isFull) return 'group';
    }
    if (this.#size >= maxItems || (this.#size > 0 && this.#cost + item.cost > maxCost)) return 'queue';
    const group = known ?? { id: item.groupId, items: [], cost: 0, credit: 0, isVisited: false };
    group.items.push(item);
    group.cost += item.cost;
    this.#ring.set(group.id, group);
    this.#size++;
    this.#cost += item.cost;
    return undefined;
  }

  /** The next ones, of as many groups as have their turn; at least one if any waits. */
  take({ maxItems, maxCost }: Share): T[] {
    const taken: T[] = [];
    let room = maxCost;
    let unpaid = 0;
    for (let group = this.#first(); group !== undefined && taken.length < maxItems; group = this.#first()) {
      if (!group.isVisited) {
        group.credit += this.#quantum;
        group.isVisited = true;
      }
      const head = group.items[0]!;
      if (head.cost > group.credit) {
        this.#moveToEnd(group);
        // A whole round paid for nothing: as many rounds at once as it takes until somebody can pay.
        if (++unpaid >= this.#ring.size) this.#creditAll();
        continue;
      }
      if (taken.length > 0 && head.cost > room) break;
      unpaid = 0;
      room -= head.cost;
      taken.push(head);
      this.#remove(group, head);
    }
    return taken;
  }

  /** Empties the queue. */
  takeAll(): T[] {
    const all = [...this.#ring.values()].flatMap(({ items }) => items);
    this.#ring.clear();
    this.#size = 0;
    this.#cost = 0;
    return all;
  }

  #first(): Group<T> | undefined {
    return this.#ring.values().next().value;
  }

  #moveToEnd(group: Group<T>): void {
    group.isVisited = false;
    this.#ring.delete(group.id);
    this.#ring.set(group.id, group);
  }

  #creditAll(): void {
    let rounds = Infinity;
    for (const { items, credit } of this.#ring.values()) {
      rounds = Math.min(rounds, Math.ceil((items[0]!.cost - credit) / this.#quantum));
    }
    for (const group of this.#ring.values()) group.credit += Math.max(0, rounds - 1) * this.#quantum;
  }

  #remove(group: Group<T>, head: T): void {
    group.items.shift();
    group.cost -= head.cost;
    group.credit -= head.cost;
    this.#size--;
    this.#cost -= head.cost;
    if (group.items.length === 0) this.#ring.delete(group.id);
  }
}
