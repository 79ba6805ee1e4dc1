import { isLeaveFrame, parseFrame } from '@conclave/sealed-group';
import { demand } from '../engine/target.ts';
import type { FuzzTarget } from '../engine/target.ts';
import { makeSampleGroup } from '../seeds/sample-group.ts';

/** What a leave says, with who says so; undefined for other octets. */
function leaveOf(bytes: Uint8Array): string | undefined {
  const frame = parseFrame(bytes);
  if (!frame.ok || !isLeaveFrame(frame.value)) return undefined;
  const { content, trail } = frame.value;
  return `${content.leaf}/${content.leafEpoch}/${Buffer.from(trail.signature).toString('base64')}`;
}

/** A true frame with a wrong sequence of checks would be accepted twice, or change the group although refused. */
export const target: FuzzTarget = {
  about: 'everything that the delivery service does with a posted frame, signatures and proofs included',
  format: 'protobuf',
  maxBytes: 64 * 1024,
  runs: 4_000,
  prepare() {
    const { alice, frames, nextFrames } = makeSampleGroup();
    const valid = new Set([...frames, ...nextFrames].map((bytes) => Buffer.from(bytes).toString('base64')));
    // A leave is signed for its leaf alone (§5.8), so that it can be carried out later: in another frame it says the same.
    const leaves = new Set(nextFrames.map(leaveOf).filter((leave) => leave !== undefined));
    let service = alice.ds.copy();
    const treeHash = Buffer.from(service.group.tree.treeHash());
    return {
      seeds: [...nextFrames, ...frames],
      check(bytes) {
        const posted = service.post(bytes);
        demand(
          !posted.ok || valid.has(Buffer.from(bytes).toString('base64')) || leaves.has(leaveOf(bytes) ?? ''),
          'no frame is accepted that no member made',
        );
        if (posted.ok) service = alice.ds.copy();
        demand(treeHash.equals(service.group.tree.treeHash()), 'a refused frame leaves the group as it was');
      },
    };
  },
};
