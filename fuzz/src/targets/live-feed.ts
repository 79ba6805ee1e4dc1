import { hashFrame, parseFrame } from '@conclave/sealed-group';
import { encodeBase64 } from '../../../packages/sdk/src/encoding/base64url.ts';
import { epochOfFrame } from '../../../packages/sdk/src/group/frame-epoch.ts';
import { parsePublication } from '../../../packages/sdk/src/realtime/parse-publication.ts';
import { demand } from '../engine/target.ts';
import type { FuzzTarget } from '../engine/target.ts';
import { makeSampleGroup } from '../seeds/sample-group.ts';

/** Input: the JSON of a publication's data; octets that are none are refused before the code under test. */
export const target: FuzzTarget = {
  about:
    'parsePublication: what whoever controls the live feed tells the SDK of the log, and the octets in it',
  format: 'json',
  maxBytes: 8 * 1024,
  runs: 15_000,
  prepare() {
    const frames = makeSampleGroup().nextFrames.filter(({ length }) => length < 4_096);
    const publications = [
      { seq: 7, epoch: 2 },
      ...['AA==', 'AAE=', 'AAEC'].map((frame) => ({ seq: 7, epoch: 2, frame })),
      ...frames.map((frame) => ({ seq: 8, epoch: 2, frame: encodeBase64(frame) })),
    ];
    return {
      seeds: publications.map((publication) => Buffer.from(JSON.stringify(publication))),
      check(bytes) {
        let data: unknown;
        try {
          data = JSON.parse(Buffer.from(bytes).toString());
        } catch {
          return;
        }
        const hint = parsePublication(data);
        if (hint === undefined) return;
        const { seq, frame } = hint;
        const said = data as Record<string, unknown>;
        demand(Number.isSafeInteger(seq) && seq === said['seq'], 'a number is that of the publication');
        if (frame === undefined) return;
        const text = said['frame'];
        demand(typeof text === 'string', 'octets come from a text');
        demand(Buffer.from(text, 'base64').equals(frame), 'octets are those that Node reads');
        demand(encodeBase64(frame).length === text.length, 'a text has its padding');
        // As the log's reader looks at them before a member's state machine does (member-verdict).
        demand(hashFrame(frame).length === 32, 'any octets have a hash');
        demand(parseFrame(frame).ok || epochOfFrame(frame) === 0, 'octets that are no frame are of no epoch');
      },
    };
  },
};
