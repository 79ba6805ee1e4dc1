import { equalBytes } from '@noble/ciphers/utils.js';
import { encodeMerklePath, parsePublicKey, toLeafIndex, verifyMerklePath } from '@conclave/sealed-group';
import type { LeafIndex } from '@conclave/sealed-group';
import { demand } from '../engine/target.ts';
import type { FuzzTarget } from '../engine/target.ts';
import { makeSampleGroup, suite } from '../seeds/sample-group.ts';

export const target: FuzzTarget = {
  about: 'verifyMerklePath: one leaf with a proof, from the server',
  format: 'octets',
  maxBytes: 4 * 1024,
  runs: 30_000,
  prepare() {
    const { tree } = makeSampleGroup().alice.ds.group;
    const treeHash = tree.treeHash();
    const leaves = Array.from({ length: tree.leafCount }, (_, at) => toLeafIndex(at, tree.leafCount)!);
    const pathOf = (leaf: LeafIndex) => encodeMerklePath(tree, leaf);
    return {
      seeds: leaves.map(pathOf).filter((path) => path !== undefined),
      check(bytes) {
        const verified = verifyMerklePath(bytes, treeHash, (key) => parsePublicKey(suite, key));
        if (!verified.ok) return;
        const path = pathOf(verified.value.index);
        demand(
          path !== undefined && equalBytes(path, bytes),
          'only the tree’s own paths verify, in one encoding',
        );
      },
    };
  },
};
