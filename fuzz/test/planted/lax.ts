import { Buffer } from 'node:buffer';
import { demand, type FuzzTarget } from '../../src/engine/target.ts';
import { decodeLax, encode } from './decoders.ts';

export const target: FuzzTarget = {
  about: 'a planted mistake',
  format: 'octets',
  maxBytes: 64,
  runs: 100_000,
  prepare: () => ({
    seeds: [],
    check(bytes) {
      const content = decodeLax(bytes);
      if (content !== undefined) demand(Buffer.compare(encode(content), bytes) === 0, 'one encoding only');
    },
  }),
};
