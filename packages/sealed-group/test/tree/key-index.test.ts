/** The table of keys against a map, through growth, removals and keys that were chosen to meet. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { PublicKey } from '../../src/signature/keys.ts';
import { hashKey, hashKeyAt } from '../../src/tree/key-hash.ts';
import { KeyIndex } from '../../src/tree/key-index.ts';
import { NodeStore } from '../../src/tree/node-store.ts';
import type { NodeIndex } from '../../src/tree/index.ts';
import { fakeKey } from './group-model.ts';

function place(store: NodeStore, index: number, publicKey: PublicKey): NodeIndex {
  store.put(index as NodeIndex, { kind: 'parent', publicKey, unmergedLeaves: [] });
  return index as NodeIndex;
}

test('finds what was added and not removed, as a map does', () => {
  const change = fc.record({ node: fc.nat(300), key: fc.nat(1_000_000) });
  fc.assert(
    fc.property(fc.array(change, { minLength: 50, maxLength: 600 }), (changes) => {
      const store = new NodeStore();
      const index = new KeyIndex(store, 0);
      const numberByNode = new Map<number, number>();
      for (const { node, key } of changes) {
        if (numberByNode.delete(node)) {
          index.remove(node as NodeIndex);
          store.put(node as NodeIndex, undefined);
        } else if (![...numberByNode.values()].includes(key)) {
          index.add(place(store, node, fakeKey(key)));
          numberByNode.set(node, key);
        }
      }
      const nodeByNumber = new Map([...numberByNode].map(([node, key]) => [key, node]));
      for (const { key } of changes) expect(index.find(fakeKey(key))).toBe(nodeByNumber.get(key));
    }),
    { numRuns: 60 },
  );
});

test('keys that meet under the first seed are found, and their table is rebuilt under another', () => {
  const meeting: PublicKey[] = [];
  for (let number = 0; meeting.length < 400; number++) {
    const key = numberedKey(number);
    if ((hashKey(key, 1) & 1023) === 0) meeting.push(key);
  }
  const seeds = new Set<number>();
  const store = new (class extends NodeStore {
    override keyHash(index: NodeIndex, seed: number): number {
      seeds.add(seed);
      return super.keyHash(index, seed);
    }
  })();
  const index = new KeyIndex(store, 512);
  for (const [node, key] of meeting.entries()) index.add(place(store, node, key));
  expect(seeds).toEqual(new Set([1, 2]));
  for (const [node, key] of meeting.entries()) expect(index.find(key)).toBe(node);
});

test('a key has one hash, wherever it stands', () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ minLength: 32, maxLength: 32 }),
      fc.nat(40),
      fc.integer({ min: 1 }),
      (key, start, seed) => {
        const page = new Uint8Array(100);
        page.set(key, start);
        expect(hashKeyAt(new DataView(page.buffer), start, seed)).toBe(hashKey(key as PublicKey, seed));
      },
    ),
  );
});

/** Any 32 bytes that differ by number. */
function numberedKey(number: number): PublicKey {
  const key = new Uint8Array(32);
  new DataView(key.buffer).setUint32(8, number);
  return key as PublicKey;
}
