import { equalBytes } from '@noble/ciphers/utils.js';
import { decodeNode, encodeNode, parsePublicKey, toNodeIndex } from '@conclave/sealed-group';
import { demand } from '../engine/target.ts';
import type { FuzzTarget } from '../engine/target.ts';
import { makeSampleGroup, suite } from '../seeds/sample-group.ts';

const leafCount = 8;

export const target: FuzzTarget = {
  about: 'decodeNode: a node as the server stores it; the first octet chooses the place',
  format: 'octets',
  maxBytes: 512,
  runs: 40_000,
  prepare() {
    const { tree } = makeSampleGroup().alice.ds.group;
    return {
      seeds: [...tree.nodes()].map(([index, node]) => Uint8Array.of(index, ...encodeNode(node))),
      check(bytes) {
        const place = toNodeIndex((bytes[0] ?? 0) % (2 * leafCount - 1), leafCount)!;
        const content = bytes.subarray(1);
        const decoded = decodeNode(place, content, (key) => parsePublicKey(suite, key));
        if (decoded.ok) demand(equalBytes(encodeNode(decoded.value), content), 'a node has one encoding');
      },
    };
  },
};
