import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { LeafIndex, NodeIndex } from '../../src/tree/index.ts';
import {
  commonAncestor,
  copath,
  directPath,
  isLeaf,
  isLeafCount,
  isUnder,
  leafAt,
  leafNode,
  leafRange,
  left,
  level,
  nodeCount,
  parent,
  right,
  root,
  sibling,
  toLeafIndex,
  toNodeIndex,
} from '../../src/tree/index.ts';

/** The definition (RFC 9420 §4.1, Appendix C): an in-order numbering of a perfect tree, built without index arithmetic. */
interface Place {
  readonly index: NodeIndex;
  readonly height: number;
  readonly above: Place | undefined;
  low?: Place;
  high?: Place;
}

function build(height: number): Place[] {
  const places: Place[] = [];
  const visit = (at: number, above: Place | undefined): Place => {
    const place = { height: at, above } as { -readonly [K in keyof Place]: Place[K] };
    if (at > 0) place.low = visit(at - 1, place);
    place.index = places.length as NodeIndex;
    places.push(place);
    if (at > 0) place.high = visit(at - 1, place);
    return place;
  };
  visit(height, undefined);
  return places;
}

function ancestors(place: Place): Place[] {
  return place.above === undefined ? [] : [place.above, ...ancestors(place.above)];
}

describe('array-form tree arithmetic', () => {
  test.each([0, 1, 2, 3, 4, 7])('agrees with the in-order numbering of a tree of height %i', (height) => {
    const leafCount = 2 ** height;
    const places = build(height);
    expect(nodeCount(leafCount)).toBe(places.length);
    for (const place of places) {
      const { index, above } = place;
      expect(level(index)).toBe(place.height);
      expect(isLeaf(index)).toBe(place.height === 0);
      expect(root(leafCount) === index).toBe(above === undefined);
      const parentAndSibling = above === undefined ? [] : [parent(index), sibling(index)];
      const other = above?.low === place ? above.high : above?.low;
      expect(parentAndSibling).toEqual(above === undefined ? [] : [above.index, other!.index]);
      const children = isLeaf(index) ? [] : [left(index), right(index)];
      expect(children).toEqual(place.height === 0 ? [] : [place.low!.index, place.high!.index]);
      expect(directPath(index, leafCount)).toEqual(ancestors(place).map((ancestor) => ancestor.index));
      expect(copath(index, leafCount)).toHaveLength(height - place.height);
      const under = places.filter((other) => other === place || ancestors(other).includes(place));
      const leaves = under.filter((other) => other.height === 0).map((other) => other.index / 2);
      expect(leafRange(index)).toEqual({ first: Math.min(...leaves), last: Math.max(...leaves) });
      for (const other of places) expect(isUnder(other.index, index)).toBe(under.includes(other));
    }
  });

  test('shows the example of RFC 9420 Appendix C', () => {
    const at = (index: number): NodeIndex => index as NodeIndex;
    expect(root(8)).toBe(7);
    expect([left(at(7)), right(at(7)), left(at(11)), right(at(11))]).toEqual([3, 11, 9, 13]);
    expect(directPath(at(4), 8)).toEqual([5, 3, 7]);
    expect(() => directPath(at(16), 8)).toThrow(RangeError);
    expect(() => copath(at(16), 8)).toThrow(RangeError);
    expect(directPath(at(14), 8)).toEqual([13, 11, 7]);
    expect(copath(at(4), 8)).toEqual([6, 1, 11]);
    expect(leafNode(3 as LeafIndex)).toBe(6);
    expect(leafAt(at(6))).toBe(3);
  });

  test('finds the lowest common ancestor', () => {
    const index = fc.integer({ min: 0, max: nodeCount(64) - 1 }).map((i) => i as NodeIndex);
    fc.assert(
      fc.property(index, index, (a, b) => {
        const common = [a, ...directPath(a, 64)].find((node) => [b, ...directPath(b, 64)].includes(node));
        expect(commonAncestor(a, b)).toBe(common);
      }),
    );
  });

  test('is exact at the largest tree', () => {
    const leafCount = 2 ** 20;
    const last = leafNode((leafCount - 1) as LeafIndex);
    expect(last).toBe(nodeCount(leafCount) - 1);
    expect(directPath(last, leafCount)).toHaveLength(20);
    expect(directPath(last, leafCount).at(-1)).toBe(root(leafCount));
    expect(level(root(leafCount))).toBe(20);
  });

  test('accepts only indices that lie in the tree', () => {
    for (const bad of [-1, 0.5, Number.NaN, 7, 2 ** 32]) {
      expect(toNodeIndex(bad, 4)).toBeUndefined();
      expect(toLeafIndex(bad, 4)).toBeUndefined();
    }
    expect(toNodeIndex(6, 4)).toBe(6);
    expect(toLeafIndex(4, 4)).toBeUndefined();
    for (const bad of [0, 3, -2, 1.5, 2 ** 21]) expect(isLeafCount(bad)).toBe(false);
    for (const good of [1, 2, 64, 2 ** 20]) expect(isLeafCount(good)).toBe(true);
  });
});
