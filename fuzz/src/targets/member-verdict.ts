import { SealedGroup } from '@conclave/sealed-group';
import { demand } from '../engine/target.ts';
import type { FuzzTarget } from '../engine/target.ts';
import { makeSampleGroup, valueOf } from '../seeds/sample-group.ts';

export const target: FuzzTarget = {
  about: 'processFrame of a member: what a hostile server hands to a client as the next frame',
  format: 'protobuf',
  maxBytes: 64 * 1024,
  runs: 4_000,
  prepare() {
    const { bob, nextFrames, frames } = makeSampleGroup();
    const stored = { public: bob.group.encodePublic(), secret: bob.group.encodeSecret() };
    const secretBefore = Buffer.from(stored.secret);
    const restart = () => valueOf(SealedGroup.decode(bob.deps, stored));
    let group = restart();
    const seq = group.lastSeq + 1;
    return {
      seeds: [...nextFrames, ...frames],
      check(bytes) {
        const processed = group.processFrame(bytes, seq);
        if (processed.ok) group = restart();
        else demand(secretBefore.equals(group.encodeSecret()), 'a refused frame changes no key');
      },
    };
  },
};
