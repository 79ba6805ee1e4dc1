import { equalBytes } from '@noble/ciphers/utils.js';
import { decodeTree, encodeTree, parsePublicKey } from '@conclave/sealed-group';
import { demand } from '../engine/target.ts';
import type { FuzzTarget } from '../engine/target.ts';
import { makeSampleGroup, suite } from '../seeds/sample-group.ts';

export const target: FuzzTarget = {
  about: 'decodeTree: the public tree that a newcomer fetches from the server',
  format: 'octets',
  maxBytes: 4 * 1024,
  runs: 12_000,
  prepare() {
    const { ds } = makeSampleGroup().alice;
    return {
      seeds: [...ds.treeByEpoch.values()],
      check(bytes) {
        const decoded = decodeTree(bytes, (key) => parsePublicKey(suite, key));
        if (!decoded.ok) return;
        demand(equalBytes(encodeTree(decoded.value), bytes), 'a tree has one encoding');
        demand(decoded.value.treeHash().length === 32, 'a tree has a hash');
      },
    };
  },
};
