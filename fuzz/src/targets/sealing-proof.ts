import { equalBytes } from '@noble/ciphers/utils.js';
import {
  encodeSealingProof,
  parseSealingProof,
  responsesInBounds,
} from '../../../packages/sealed-group/src/sealing/sealing-proof.ts';
import { isCommitFrame, parseFrame } from '@conclave/sealed-group';
import { demand } from '../engine/target.ts';
import type { FuzzTarget } from '../engine/target.ts';
import { makeSampleGroup, suite, valueOf } from '../seeds/sample-group.ts';

/** The first octet chooses the shape that the frame around the proof has. */
export const target: FuzzTarget = {
  about: 'parseSealingProof: the proof inside a commit, before it is verified',
  format: 'octets',
  maxBytes: 32 * 1024,
  runs: 4_000,
  prepare() {
    const { frames, nextFrames } = makeSampleGroup();
    const commits = [...frames, ...nextFrames]
      .map((bytes) => valueOf(parseFrame(bytes)))
      .filter(isCommitFrame)
      .filter(({ content }) => content.sealed.length > 0);
    const shapes = commits.map(({ content }) => content.sealed.map(({ handles }) => handles.length));
    return {
      seeds: commits.map(({ trail }, shape) => Uint8Array.of(shape, ...trail.sealingProof)),
      check(bytes) {
        const proof = bytes.subarray(1);
        const shape = shapes[(bytes[0] ?? 0) % shapes.length]!;
        const parsed = parseSealingProof(suite, proof, shape);
        if (!parsed.ok) return;
        demand(equalBytes(encodeSealingProof(parsed.value), proof), 'a proof has one encoding');
        responsesInBounds(proof, shape.length);
      },
    };
  },
};
