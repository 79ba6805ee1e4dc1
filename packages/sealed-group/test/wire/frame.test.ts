import { create, toBinary } from '@bufbuild/protobuf';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { RuleId } from '../../src/rules/index.ts';
import { BodySchema, FrameSchema } from '../../src/wire/gen/sealed_group_pb.js';
import {
  encodeBody,
  encodeCommitTrailer,
  encodeFrame,
  encodeLeaveTrailer,
  encodeMessageTrailer,
  frameBodyHash,
  frameLimits,
  isCommitFrame,
  parseFrame,
} from '../../src/wire/index.ts';
import type { CommitContent, FrameContent, FrameHeader } from '../../src/wire/index.ts';
import { sampleFrame } from './sample-frames.ts';

const header: FrameHeader = {
  origin: 'https://chat.example',
  groupId: new Uint8Array(16).fill(1),
  epoch: 3,
  nonce: new Uint8Array(16).fill(2),
  nowMs: 1_700_000_000_000,
};
const leave: FrameContent = { kind: 'leave', leaf: 1, leafEpoch: 2 };
const leaveTrailer = encodeLeaveTrailer({ signature: new Uint8Array(64).fill(3) });
const leaveBody = encodeBody(header, leave);
const leaveFrame = encodeFrame(leaveBody, leaveTrailer);

const commit: CommitContent = {
  kind: 'commit',
  committer: 0,
  operations: [],
  fills: [],
  leafKey: new Uint8Array(32).fill(4),
  sealed: [],
};
const commitTrail = {
  possessions: [],
  sealingProof: new Uint8Array(0),
  confirm: new Uint8Array(32),
  payload: new Uint8Array(0),
  oldSignature: new Uint8Array(64).fill(5),
  newSignature: new Uint8Array(64).fill(6),
};

function commitFrame(content: Partial<CommitContent>, trail: Partial<typeof commitTrail> = {}): Uint8Array {
  return encodeFrame(
    encodeBody(header, { ...commit, ...content }),
    encodeCommitTrailer({ ...commitTrail, ...trail }),
  );
}

function ruleOf(bytes: Uint8Array): RuleId | 'accepted' {
  const parsed = parseFrame(bytes);
  return parsed.ok ? 'accepted' : parsed.rule;
}

describe('a frame', () => {
  test('of any kind comes back from its bytes as it went in', () => {
    fc.assert(
      fc.property(sampleFrame, (sample) => {
        const parsed = parseFrame(sample.bytes);
        if (!parsed.ok) throw new Error(parsed.rule);
        expect(parsed.value.header).toEqual(sample.header);
        expect(parsed.value.content).toEqual(sample.content);
        expect(parsed.value.trail).toEqual(sample.trail);
        expect(parsed.value.bodyHash).toEqual(frameBodyHash(parsed.value.body));
      }),
      { numRuns: 200 },
    );
  });

  test('made of arbitrary bytes, or with one byte changed, never throws, and what is accepted has one encoding', () => {
    fc.assert(
      fc.property(
        sampleFrame,
        fc.nat(),
        fc.integer({ min: 1, max: 255 }),
        fc.uint8Array(),
        (sample, at, by, noise) => {
          const changed = Uint8Array.from(sample.bytes);
          changed[at % changed.length]! ^= by;
          const parsed = parseFrame(changed);
          const rebuilt = parsed.ok
            ? encodeBody(parsed.value.header, parsed.value.content)
            : new Uint8Array(0);
          expect(rebuilt).toEqual(parsed.ok ? parsed.value.body : new Uint8Array(0));
          parseFrame(noise);
        },
      ),
      { numRuns: 300 },
    );
  });

  test('is given in plain views of its bytes, which stay as they are, even of a Buffer', () => {
    const bytes = commitFrame({
      sealed: [
        {
          node: 1,
          key: commit.leafKey,
          commitments: new Uint8Array(512),
          handles: [new Uint8Array(512).fill(8)],
        },
      ],
    });
    const buffer = Buffer.concat([Buffer.from('before'), bytes]).subarray(6);
    const parsed = parseFrame(buffer);
    if (!parsed.ok || !isCommitFrame(parsed.value)) throw new Error('not a commit');
    const { body, trailer, header, content, trail } = parsed.value;
    const [sealed] = content.sealed;
    const parts = [body, trailer, header.groupId, content.leafKey, trail.payload, trail.newSignature];
    for (const part of [...parts, sealed!.key, sealed!.commitments, ...sealed!.handles]) {
      expect(part.constructor).toBe(Uint8Array);
      expect(part.buffer).toBe(buffer.buffer);
    }
    expect(sealed!.handles).toEqual([new Uint8Array(512).fill(8)]);
    expect(Uint8Array.from(buffer)).toEqual(bytes);
  });

  test('cut short anywhere is refused', () => {
    for (let length = 0; length < leaveFrame.length; length++) {
      expect(ruleOf(leaveFrame.subarray(0, length))).not.toBe('accepted');
    }
  });
});

describe('each frame rule refuses what breaks it', () => {
  const body = (change: Partial<FrameHeader>) =>
    encodeFrame(encodeBody({ ...header, ...change }, leave), leaveTrailer);
  const raw = (fields: object) =>
    encodeFrame(
      toBinary(
        BodySchema,
        create(BodySchema, {
          version: 1,
          suite: 1,
          origin: header.origin,
          groupId: header.groupId,
          nonce: header.nonce,
          epoch: 3n,
          content: { case: 'leave', value: { leaf: 1, leafEpoch: 2n } },
          ...fields,
        }),
      ),
      leaveTrailer,
    );
  const append = (bytes: Uint8Array, ...more: number[]) => Uint8Array.from([...bytes, ...more]);
  const key = commit.leafKey;
  const sealed = { node: 1, key, commitments: new Uint8Array(512), handles: [] };
  const remove = { kind: 'remove', leaf: 1, leaveSignature: undefined } as const;
  const add = { kind: 'add', leafKey: key, role: 'member', expiresAtMs: 1, device: false } as const;
  const message = { kind: 'message', header: new Uint8Array(8), ciphertext: new Uint8Array(1) } as const;

  /** A commit whose one operation gives leaf 1 a role of these octets. */
  const withRole = (...role: number[]) => {
    const operation = [0x08, 1, 0x10, ...role];
    const fields = [0x12, operation.length + 2, 0x0a, operation.length, ...operation, 0x22, 32, ...key];
    return encodeFrame(
      append(leaveBody.subarray(0, -6), 0x4a, fields.length, ...fields),
      encodeCommitTrailer(commitTrail),
    );
  };
  const ones = new Uint8Array(4).fill(0xff);

  const cases: readonly [string, RuleId, Uint8Array][] = [
    ['one byte more than 2 MiB', 'frame/size', new Uint8Array(frameLimits.maxFrameBytes + 1)],
    ['no protobuf', 'frame/decodes', Uint8Array.of(0x0a, 0x05, 0x01)],
    ['a body that is no protobuf', 'frame/decodes', encodeFrame(Uint8Array.of(0xff), leaveTrailer)],
    ['an origin that is no UTF-8', 'frame/decodes', encodeFrame(Uint8Array.of(0x1a, 1, 0xff), leaveTrailer)],
    ['a frame without its last octet', 'frame/decodes', leaveFrame.slice(0, -1)],
    [
      'a number without an end',
      'frame/decodes',
      encodeFrame(Uint8Array.of(0x08, ...new Uint8Array(11).fill(0x81)), leaveTrailer),
    ],
    ['a field of number 0', 'frame/decodes', append(leaveFrame, 0x00, 0)],
    ['a wire type that does not exist', 'frame/decodes', append(leaveFrame, 0x7f, 1)],
    ['the end of no group', 'frame/decodes', append(leaveFrame, 0x7c)],
    ['a group', 'frame/canonical', append(leaveFrame, 0x7b, 0x7c)],
    ['an unknown field in the frame', 'frame/canonical', append(leaveFrame, 0x78, 1)],
    [
      'an unknown field in the body',
      'frame/canonical',
      encodeFrame(append(leaveBody, 0x78, 1), leaveTrailer),
    ],
    [
      'an unknown field in the trailer',
      'frame/canonical',
      encodeFrame(leaveBody, append(leaveTrailer, 0x78, 1)),
    ],
    [
      'a longer varint',
      'frame/canonical',
      encodeFrame(Uint8Array.of(0x08, 0x81, 0x00, ...leaveBody.subarray(2)), leaveTrailer),
    ],
    [
      'a number of more than 64 bits',
      'frame/canonical',
      encodeFrame(
        Uint8Array.of(
          ...leaveBody.subarray(0, -6),
          // A leave of leaf 1 of an epoch in ten octets, of which the last has two bits.
          0x5a,
          13,
          0x08,
          1,
          0x10,
          ...new Uint8Array(9).fill(0x80),
          2,
        ),
        leaveTrailer,
      ),
    ],
    ['a repeated field', 'frame/canonical', append(leaveFrame, 0x12, 0)],
    ['an explicit default', 'frame/canonical', encodeFrame(leaveBody, append(leaveTrailer, 0x12, 0))],
    ['another version', 'frame/version', raw({ version: 2 })],
    ['another suite', 'frame/version', raw({ suite: 2 })],
    ['no origin', 'frame/origin', body({ origin: '' })],
    ['an origin beyond ASCII', 'frame/origin', body({ origin: 'https://ch\u00e4t' })],
    ['an origin with a space', 'frame/origin', body({ origin: 'a b' })],
    ['a short group id', 'frame/length', body({ groupId: new Uint8Array(15) })],
    ['a long nonce', 'frame/length', body({ nonce: new Uint8Array(17) })],
    ['an epoch beyond safe integers', 'frame/range', raw({ epoch: 2n ** 53n })],
    ['a time beyond safe integers', 'frame/range', raw({ nowMs: 2n ** 63n })],
    ['no content', 'frame/content', raw({ content: { case: undefined } })],
    [
      'a create in an epoch above 0',
      'frame/range',
      raw({ content: { case: 'create', value: { leafKey: key, mode: { minWriter: 3 } } } }),
    ],
    [
      'a create without a mode',
      'frame/range',
      raw({ epoch: 0n, content: { case: 'create', value: { leafKey: key } } }),
    ],
    [
      'readers that write',
      'frame/range',
      raw({ epoch: 0n, content: { case: 'create', value: { leafKey: key, mode: { minWriter: 4 } } } }),
    ],
    ['a short leaf key', 'frame/length', commitFrame({ leafKey: new Uint8Array(31) })],
    ['a leaf out of range', 'frame/range', commitFrame({ committer: 2 ** 20 })],
    ['a fill out of range', 'frame/range', commitFrame({ fills: [2 ** 21 - 1] })],
    [
      'an unknown role',
      'frame/range',
      raw({
        content: {
          case: 'commit',
          value: {
            leafKey: key,
            operations: [{ operation: { case: 'setRole', value: { leaf: 1, role: 5 } } }],
          },
        },
      }),
    ],
    ['a role without a name', 'frame/range', withRole(5)],
    ['a role below zero', 'frame/range', withRole(...ones, ...ones, 0xff, 0x01)],
    ['a role of 32 bits, cut to fit by decoders', 'frame/canonical', withRole(...ones, 0x0f)],
    [
      'an operation without a kind',
      'frame/content',
      raw({ content: { case: 'commit', value: { leafKey: key, operations: [{}] } } }),
    ],
    [
      'a short leave signature',
      'frame/length',
      commitFrame({ operations: [{ kind: 'remove', leaf: 1, leaveSignature: new Uint8Array(63) }] }),
    ],
    [
      'short commitments',
      'frame/length',
      commitFrame({ sealed: [{ ...sealed, commitments: new Uint8Array(480) }] }),
    ],
    [
      'a short handle',
      'frame/length',
      commitFrame({ sealed: [{ ...sealed, handles: [new Uint8Array(32)] }] }),
    ],
    [
      'a short handle, and behind the commit a field that is not looked at any more',
      'frame/length',
      encodeFrame(
        append(
          encodeBody(header, { ...commit, sealed: [{ ...sealed, handles: [new Uint8Array(32)] }] }),
          0x78,
          1,
        ),
        encodeCommitTrailer(commitTrail),
      ),
    ],
    [
      '1,025 sealed nodes',
      'frame/count',
      commitFrame({ sealed: Array.from({ length: 1025 }, () => sealed) }),
    ],
    ['1,025 fills', 'frame/count', commitFrame({ fills: Array.from({ length: 1025 }, () => 1) })],
    [
      '1,024 adds, each with its possession proof',
      'frame/count',
      encodeFrame(
        encodeBody(header, { ...commit, operations: Array.from({ length: 1024 }, () => add) }),
        encodeCommitTrailer({
          ...commitTrail,
          possessions: Array.from({ length: 1024 }, () => new Uint8Array(64)),
        }),
      ),
    ],
    [
      '4,097 operations',
      'frame/count',
      commitFrame({ operations: Array.from({ length: 4097 }, () => remove) }),
    ],
    ['an add without its possession proof', 'frame/count', commitFrame({ operations: [add] })],
    ['a short confirmation', 'frame/length', commitFrame({}, { confirm: new Uint8Array(31) })],
    ['a missing signature', 'frame/length', commitFrame({}, { newSignature: new Uint8Array(0) })],
    [
      'a short masked header',
      'frame/length',
      encodeFrame(
        encodeBody(header, { ...message, header: new Uint8Array(7) }),
        encodeMessageTrailer({ proof: 'epoch', signature: new Uint8Array(64) }),
      ),
    ],
    [
      'a message without a proof',
      'frame/content',
      encodeFrame(encodeBody(header, message), new Uint8Array(0)),
    ],
    [
      'a short proof',
      'frame/length',
      encodeFrame(
        encodeBody(header, message),
        encodeMessageTrailer({ proof: 'epoch', signature: new Uint8Array(63) }),
      ),
    ],
    ["another kind's trailer", 'frame/count', encodeFrame(encodeBody(header, commit), leaveTrailer)],
  ];

  test.each(cases)('%s: %s', (_name, rule, bytes) => {
    expect(ruleOf(bytes)).toBe(rule);
  });

  test('an empty frame decodes to nothing that has a version', () => {
    expect(ruleOf(toBinary(FrameSchema, create(FrameSchema)))).toBe('frame/version');
  });
});
