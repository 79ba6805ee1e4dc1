import { createNobleEngine } from '@conclave/ristretto';
import { createNodeEngine } from '@conclave/ristretto/wasm-node';
import { demand } from '../engine/target.ts';
import type { FuzzTarget } from '../engine/target.ts';

/** Each octet says how long the next part is; the first one says how much to give out. */
export const target: FuzzTarget = {
  about: 'TupleHashXOF256: the WASM kernel and the reference agree on tuples of any lengths',
  format: 'octets',
  maxBytes: 2_048,
  runs: 4_000,
  prepare() {
    const xofs = [createNodeEngine(), createNobleEngine()].map(({ tupleHash }) =>
      tupleHash.customized(new TextEncoder().encode('fuzz')),
    );
    return {
      seeds: [Uint8Array.of(64, 0), new Uint8Array(300).fill(135), new Uint8Array(300).fill(136)],
      check(bytes) {
        const parts: Uint8Array[] = [];
        for (let at = 1; at < bytes.length; at += 1 + bytes[at]!)
          parts.push(bytes.subarray(at + 1, at + 1 + bytes[at]!));
        const [ours, theirs] = xofs.map((xof) => Buffer.from(xof(parts, 1 + (bytes[0] ?? 0))));
        demand(ours!.equals(theirs!), 'both engines answer alike');
      },
    };
  },
};
