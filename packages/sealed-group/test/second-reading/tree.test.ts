/** vectors/trees.json by hand: every commit planned and carried out on a tree of its own (docs/sealed-groups.md §3, §5.5, §5.6). */
import { expect, it } from 'vitest';
import type { TreeVectors } from '../vectors/make-tree-vectors.ts';
import { readVectors } from '../vectors/write-vectors.ts';
import type { Tree } from './plan.ts';
import { encodeTree, plan, treeHash } from './plan.ts';
import { bytes, hex } from './primitives.ts';

const vectors = readVectors('trees.json') as TreeVectors;

it('a second reading comes to the same seals, recipients, trees and hashes', () => {
  const founder = {
    key: hex(bytes(vectors.tree).subarray(3, 35)),
    role: 0,
    epoch: 0,
    device: false,
    addedBy: undefined,
    expiresAtMs: undefined,
  };
  const tree: Tree = { places: 1, leaves: new Map([[0, founder]]), parents: new Map() };
  expect(hex(encodeTree(tree))).toBe(vectors.tree);
  expect(hex(treeHash(tree))).toBe(vectors.treeHash);
  const seen = new Set<string>();
  for (const step of vectors.steps) {
    const placesBefore = tree.places;
    const planned = plan(tree, step);
    expect([step.about, planned]).toEqual([
      step.about,
      {
        seals: step.seals.map(({ node, recipients }) => ({ node, recipients })),
        added: step.added,
        removed: step.removed,
        head: step.head,
      },
    ]);
    tree.leaves.get(step.committer)!.key = step.leafKey;
    for (const { node, key } of step.seals) tree.parents.set(node, { key, unmerged: [] });
    expect(hex(encodeTree(tree))).toBe(step.tree);
    expect(hex(treeHash(tree))).toBe(step.treeHash);
    for (const fact of factsOf(tree)) seen.add(fact);
    if (tree.places !== placesBefore) seen.add(tree.places > placesBefore ? 'doubled' : 'halved');
    if (step.fills.length > 0) seen.add('fills');
    if (step.removed.length > step.operations.filter(({ kind }) => kind === 'remove').length)
      seen.add('cascade');
  }
  const all = ['blank', 'cascade', 'device', 'doubled', 'fills', 'halved', 'joined', 'pending', 'unmerged'];
  expect([...seen].toSorted()).toEqual(all);
});

/** What the known trees should all have had. */
function factsOf({ places, leaves, parents }: Tree): string[] {
  const nodes = [...leaves.values()];
  return [
    ...(leaves.size + parents.size < 2 * places - 1 ? ['blank'] : []),
    ...(nodes.some(({ device }) => device) ? ['device'] : []),
    ...(nodes.some(({ addedBy, expiresAtMs }) => addedBy !== undefined && expiresAtMs === undefined)
      ? ['joined']
      : []),
    ...(nodes.some(({ expiresAtMs }) => expiresAtMs !== undefined) ? ['pending'] : []),
    ...([...parents.values()].some(({ unmerged }) => unmerged.length > 0) ? ['unmerged'] : []),
  ];
}
