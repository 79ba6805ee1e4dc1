import type { FuzzTarget } from '../../src/engine/target.ts';
import { decodeGreedy } from './decoders.ts';

export const target: FuzzTarget = {
  about: 'a planted mistake',
  format: 'octets',
  maxBytes: 64,
  runs: 100_000,
  prepare: () => ({
    seeds: [],
    check(bytes) {
      decodeGreedy(bytes);
    },
  }),
};
