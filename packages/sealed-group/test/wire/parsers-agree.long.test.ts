/** The one-pass parser against the one by the schema, on good frames, changed ones, cut ones, and ones no encoder makes. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  encodeBody,
  encodeCommitTrailer,
  encodeCreateTrailer,
  encodeFrame,
  encodeLeaveTrailer,
  encodeMessageTrailer,
  parseFrame,
} from '../../src/wire/index.ts';
import type { CommitContent, FrameContent, FrameHeader } from '../../src/wire/index.ts';
import type { FrameVectors } from '../group/frame-vectors.ts';
import { compareParsers } from './compare-parsers.ts';
import { changesOf, encodeItems, fieldTreeOf } from './field-tree.ts';
import { sampleFrame } from './sample-frames.ts';

const filled = (length: number, value: number) => new Uint8Array(length).fill(value);
const header: FrameHeader = {
  origin: 'a.example',
  groupId: filled(16, 1),
  epoch: 300,
  nonce: filled(16, 2),
  nowMs: 1_700_000_000_000,
};
const mode = { leafProof: true, minWriter: 'member', ownDevices: true } as const;
const signature = filled(64, 9);
const message: FrameContent = { kind: 'message', header: filled(8, 3), ciphertext: filled(5, 4) };
const add = { kind: 'add', leafKey: filled(32, 5), role: 'admin', expiresAtMs: 77_777 } as const;
const commit: CommitContent = {
  kind: 'commit',
  committer: 200,
  operations: [
    { kind: 'set-role', leaf: 130, role: 'reader' },
    { kind: 'remove', leaf: 3, leaveSignature: undefined },
    { kind: 'remove', leaf: 0, leaveSignature: signature },
    { ...add, device: true },
    { ...add, device: false },
    { kind: 'set-mode', mode },
  ],
  fills: [0, 5, 1_000],
  leafKey: filled(32, 6),
  sealed: [
    { node: 0, key: filled(32, 7), commitments: filled(512, 8), handles: [] },
    { node: 9, key: filled(32, 7), commitments: filled(512, 8), handles: [filled(512, 1), filled(512, 2)] },
  ],
};
const trail = {
  sealingProof: filled(40, 1),
  confirm: filled(32, 2),
  payload: filled(30, 3),
  oldSignature: signature,
  newSignature: signature,
};

const commitFrame = (content: Partial<CommitContent>, possessions: Uint8Array[]) =>
  encodeFrame(encodeBody(header, { ...commit, ...content }), encodeCommitTrailer({ ...trail, possessions }));
const vectors = JSON.parse(
  readFileSync(join(import.meta.dirname, '../../../../vectors/frames.json'), 'utf8'),
) as FrameVectors;
const fromHex = (hex: string) => Uint8Array.from(Buffer.from(hex, 'hex'));

const frames: readonly (readonly [name: string, bytes: Uint8Array])[] = [
  [
    'a create',
    encodeFrame(
      encodeBody({ ...header, epoch: 0 }, { kind: 'create', leafKey: filled(32, 1), mode }),
      encodeCreateTrailer({ confirm: filled(32, 2), payload: filled(30, 3), possession: signature }),
    ),
  ],
  [
    'a message',
    encodeFrame(encodeBody(header, message), encodeMessageTrailer({ proof: 'epoch', signature })),
  ],
  [
    'a message with a leaf proof',
    encodeFrame(encodeBody(header, message), encodeMessageTrailer({ proof: 'leaf', leaf: 200, signature })),
  ],
  [
    'a leave',
    encodeFrame(
      encodeBody(header, { kind: 'leave', leaf: 300, leafEpoch: 2 ** 40 }),
      encodeLeaveTrailer({ signature }),
    ),
  ],
  ['a commit of operations', commitFrame({ sealed: [] }, [signature, signature])],
  ['a commit of seals', commitFrame({ operations: [] }, [])],
  ['the create of the vectors', fromHex(vectors.create.frame)],
  ['the commit of the vectors', fromHex(vectors.commit.frame)],
  ['the message of the vectors', fromHex(vectors.message.frame)],
];

const forms: readonly string[] = ['frame/decodes', 'frame/canonical'];

/**
 * Counts, and fails with the octets where the parsers disagree. Two rules about values are never mistaken for each other; which
 * of form and value is told first may differ, because the decoder looks at no wire types and goes on after unknown fields,
 * and the reader does not go on after a row of a wrong length. What a single fault is called stands in frame.test.ts.
 */
class Tally {
  accepted = 0;
  refused = 0;

  compare(bytes: Uint8Array): void {
    const { parsed, reference, disagreement } = compareParsers(bytes);
    const hex = () => Buffer.from(bytes).toString('hex').slice(0, 1_000);
    if (disagreement !== undefined) throw new Error(`${disagreement}: ${hex()}`);
    if (parsed.ok) this.accepted += 1;
    else this.refused += 1;
    if (parsed.ok || reference.ok || parsed.rule === reference.rule) return;
    if (forms.includes(parsed.rule) || forms.includes(reference.rule)) return;
    // A row of a wrong length that is also one too many.
    if (parsed.rule === 'frame/length' && reference.rule === 'frame/count') return;
    throw new Error(`${parsed.rule} in place of ${reference.rule}: ${hex()}`);
  }
}

function kindOf(bytes: Uint8Array): string {
  const parsed = parseFrame(bytes);
  if (!parsed.ok) throw new Error(parsed.rule);
  return parsed.value.content.kind;
}

test('both parsers read every frame the same way, of which there is one encoding', () => {
  const tally = new Tally();
  fc.assert(
    fc.property(sampleFrame, ({ bytes }) => {
      tally.compare(bytes);
    }),
    { numRuns: 300 },
  );
  for (const [, bytes] of frames) tally.compare(bytes);
  expect(tally).toMatchObject({ accepted: 300 + frames.length, refused: 0 });
});

describe.each(frames)('both parsers agree on %s', (_name, bytes) => {
  test('with any octet changed', () => {
    const tally = new Tally();
    const others = bytes.length < 160 ? Array.from({ length: 255 }, (_, by) => by + 1) : [1, 2, 0x80];
    for (let at = 0; at < bytes.length; at++) {
      for (const by of others) {
        const changed = bytes.slice();
        changed[at]! ^= by;
        tally.compare(changed);
      }
    }
    expect(tally.accepted).toBeGreaterThan(bytes.length);
    expect(tally.refused).toBeGreaterThan(20);
  });

  test('cut off anywhere, and with body or trailer cut off anywhere', () => {
    const tally = new Tally();
    const parsed = parseFrame(bytes);
    if (!parsed.ok) throw new Error(parsed.rule);
    const { body, trailer } = parsed.value;
    for (let length = 0; length < bytes.length; length++) tally.compare(bytes.slice(0, length));
    for (let length = 0; length < body.length; length++)
      tally.compare(encodeFrame(body.subarray(0, length), trailer));
    for (let length = 0; length < trailer.length; length++)
      tally.compare(encodeFrame(body, trailer.subarray(0, length)));
    expect(tally.accepted).toBe(0);
  });

  test('with its fields changed, and all lengths true', () => {
    const tally = new Tally();
    for (const items of changesOf(fieldTreeOf(bytes, kindOf(bytes)))) tally.compare(encodeItems(items));
    expect(tally.refused).toBeGreaterThan(5_000);
  });
});
