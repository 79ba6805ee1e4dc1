import { equalBytes } from '@noble/ciphers/utils.js';
import { pad, smallestPadded, unpad } from '@conclave/sealed-group';
import { demand } from '../engine/target.ts';
import type { FuzzTarget } from '../engine/target.ts';

export const target: FuzzTarget = {
  about: 'unpad: the plaintext around messages, payloads, snapshots and invites',
  format: 'octets',
  maxBytes: 2_048,
  runs: 20_000,
  prepare: () => ({
    seeds: [0, 1, 252, 253, 1_000].map((length) => pad(new Uint8Array(length).fill(5))),
    check(bytes) {
      for (const smallest of [smallestPadded, 1_024]) {
        const content = unpad(bytes, smallest);
        if (content !== undefined)
          demand(equalBytes(pad(content, smallest), bytes), 'a content has one padded form');
      }
    },
  }),
};
