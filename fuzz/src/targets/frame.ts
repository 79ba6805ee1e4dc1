import { equalBytes } from '@noble/ciphers/utils.js';
import {
  encodeBody,
  encodeCommitTrailer,
  encodeCreateTrailer,
  encodeFrame,
  encodeLeaveTrailer,
  encodeMessageTrailer,
  isCommitFrame,
  isCreateFrame,
  isMessageFrame,
  parseFrame,
} from '@conclave/sealed-group';
import type { ParsedFrame } from '@conclave/sealed-group';
import { demand } from '../engine/target.ts';
import type { FuzzTarget } from '../engine/target.ts';
import { makeSampleGroup } from '../seeds/sample-group.ts';

export const target: FuzzTarget = {
  about: 'parseFrame: what anybody posts to the server, and what the server shows to clients',
  format: 'protobuf',
  maxBytes: 64 * 1024,
  runs: 24_000,
  prepare() {
    const plain = makeSampleGroup();
    const withLeafProofs = makeSampleGroup({ leafProof: true });
    const seeds = [plain, withLeafProofs].flatMap(({ frames, nextFrames }) => [...frames, ...nextFrames]);
    return {
      seeds,
      check(bytes) {
        const parsed = parseFrame(bytes);
        if (!parsed.ok) return;
        const { header, content } = parsed.value;
        const encoded = encodeFrame(encodeBody(header, content), encodeTrailer(parsed.value));
        demand(equalBytes(encoded, bytes), 'a frame has one encoding');
      },
    };
  },
};

function encodeTrailer(frame: ParsedFrame): Uint8Array {
  if (isCreateFrame(frame)) return encodeCreateTrailer(frame.trail);
  if (isCommitFrame(frame)) return encodeCommitTrailer(frame.trail);
  if (isMessageFrame(frame)) return encodeMessageTrailer(frame.trail);
  return encodeLeaveTrailer(frame.trail);
}
