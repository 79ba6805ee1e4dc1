/**
 * Where each key of a tree stands: an open-addressing table of node indices beside the node store, which has the keys.
 * A `Map` of texts would take three times the memory of the nodes themselves, and halt for a third of a second when it
 * grows to two million.
 *
 * Members choose keys, and with patience choose some that meet in this table. A chain that becomes longer than chance
 * allows is answered by rebuilding the table under the next seed, for which such keys would have to be found anew.
 */
import type { PublicKey } from '../signature/keys.ts';
import { hashKey } from './key-hash.ts';
import type { NodeStore } from './node-store.ts';
import type { NodeIndex } from './tree-math.ts';

/** At most half full, a table of two million keys has no chain near this by chance. */
const longestChain = 256;
const smallestCapacity = 16;

export class KeyIndex {
  readonly #store: NodeStore;
  /** Node index + 1; 0 is free. A power of two long. */
  #slots: Int32Array;
  #count = 0;
  #seed = 1;

  /** `expected`: how many keys to make room for at once. */
  constructor(store: NodeStore, expected: number) {
    this.#store = store;
    this.#slots = new Int32Array(capacityFor(expected));
  }

  find(key: PublicKey): NodeIndex | undefined {
    const mask = this.#slots.length - 1;
    for (let at = hashKey(key, this.#seed) & mask; ; at = (at + 1) & mask) {
      const index = this.#slots[at]! - 1;
      if (index < 0) return undefined;
      if (this.#store.hasKey(index as NodeIndex, key)) return index as NodeIndex;
    }
  }

  /** Enters a node whose key stands in the store and, as the caller knows, nowhere else in the table. */
  add(index: NodeIndex): void {
    this.#count += 1;
    if (2 * this.#count > this.#slots.length) this.#rebuild(2 * this.#slots.length, this.#seed, index);
    else if (this.#insert(index) > longestChain) this.#rebuild(this.#slots.length, this.#seed + 1);
  }

  /** Forgets a node that was added and still has its key in the store. */
  remove(index: NodeIndex): void {
    const mask = this.#slots.length - 1;
    let free = this.#store.keyHash(index, this.#seed) & mask;
    while (this.#slots[free] !== index + 1) free = (free + 1) & mask;
    // What follows moves up, or a search for it would end at the gap.
    for (let at = (free + 1) & mask; this.#slots[at] !== 0; at = (at + 1) & mask) {
      const home = this.#store.keyHash((this.#slots[at]! - 1) as NodeIndex, this.#seed) & mask;
      if (((at - home) & mask) < ((at - free) & mask)) continue;
      this.#slots[free] = this.#slots[at]!;
      free = at;
    }
    this.#slots[free] = 0;
    this.#count -= 1;
  }

  /** How far from its home the index had to go. */
  #insert(index: NodeIndex): number {
    const mask = this.#slots.length - 1;
    let steps = 0;
    let at = this.#store.keyHash(index, this.#seed) & mask;
    for (; this.#slots[at] !== 0; at = (at + 1) & mask) steps += 1;
    this.#slots[at] = index + 1;
    return steps;
  }

  #rebuild(capacity: number, seed: number, more?: NodeIndex): void {
    const old = this.#slots;
    this.#slots = new Int32Array(capacity);
    this.#seed = seed;
    for (const slot of old) if (slot !== 0) this.#insert((slot - 1) as NodeIndex);
    if (more !== undefined) this.#insert(more);
  }
}

function capacityFor(expected: number): number {
  let capacity = smallestCapacity;
  while (capacity < 2 * expected) capacity *= 2;
  return capacity;
}
