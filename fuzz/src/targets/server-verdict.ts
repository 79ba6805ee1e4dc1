import { demand } from '../engine/target.ts';
import type { FuzzTarget } from '../engine/target.ts';
import { makeSampleGroup } from '../seeds/sample-group.ts';

/** A true frame with a wrong sequence of checks would be accepted twice, or change the group although refused. */
export const target: FuzzTarget = {
  about: 'everything that the delivery service does with a posted frame, signatures and proofs included',
  format: 'protobuf',
  maxBytes: 64 * 1024,
  runs: 4_000,
  prepare() {
    const { alice, frames, nextFrames } = makeSampleGroup();
    const valid = new Set([...frames, ...nextFrames].map((bytes) => Buffer.from(bytes).toString('base64')));
    let service = alice.ds.copy();
    const treeHash = Buffer.from(service.group.tree.treeHash());
    return {
      seeds: [...nextFrames, ...frames],
      check(bytes) {
        const posted = service.post(bytes);
        demand(
          !posted.ok || valid.has(Buffer.from(bytes).toString('base64')),
          'no frame is accepted that no member made',
        );
        if (posted.ok) service = alice.ds.copy();
        demand(treeHash.equals(service.group.tree.treeHash()), 'a refused frame leaves the group as it was');
      },
    };
  },
};
