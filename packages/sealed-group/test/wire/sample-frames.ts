/** Well-formed frames of every kind, with arbitrary bytes in them: enough for the wire format, which believes nothing. */
import fc from 'fast-check';
import {
  encodeBody,
  encodeCommitTrailer,
  encodeCreateTrailer,
  encodeFrame,
  encodeLeaveTrailer,
  encodeMessageTrailer,
} from '../../src/wire/index.ts';
import type { FrameContent, FrameHeader, FrameOperation } from '../../src/wire/index.ts';

const fixed = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
const role = fc.constantFrom('owner' as const, 'admin' as const, 'member' as const, 'reader' as const);
const mode = fc.record({
  leafProof: fc.boolean(),
  minWriter: fc.constantFrom('owner' as const, 'admin' as const, 'member' as const),
  ownDevices: fc.boolean(),
});
const leaf = fc.nat({ max: 2 ** 20 - 1 });
const node = fc.nat({ max: 2 ** 21 - 2 });
const integer = fc.maxSafeNat();

const operation: fc.Arbitrary<FrameOperation> = fc.oneof(
  fc.record({ kind: fc.constant('set-role' as const), leaf, role }),
  fc.record({
    kind: fc.constant('remove' as const),
    leaf,
    leaveSignature: fc.option(fixed(64), { nil: undefined }),
  }),
  fc.record({
    kind: fc.constant('add' as const),
    leafKey: fixed(32),
    role,
    expiresAtMs: integer,
    device: fc.boolean(),
  }),
  fc.record({ kind: fc.constant('set-mode' as const), mode }),
);

const content: fc.Arbitrary<FrameContent> = fc.oneof(
  fc.record({ kind: fc.constant('create' as const), leafKey: fixed(32), mode }),
  fc.record({
    kind: fc.constant('commit' as const),
    committer: leaf,
    operations: fc.array(operation, { maxLength: 4 }),
    fills: fc.array(node, { maxLength: 4 }),
    leafKey: fixed(32),
    sealed: fc.array(
      fc.record({
        node,
        key: fixed(32),
        commitments: fixed(512),
        handles: fc.array(fixed(512), { maxLength: 3 }),
      }),
      { maxLength: 3 },
    ),
  }),
  fc.record({ kind: fc.constant('message' as const), header: fixed(8), ciphertext: fc.uint8Array() }),
  fc.record({ kind: fc.constant('leave' as const), leaf, leafEpoch: integer }),
);

const header: fc.Arbitrary<FrameHeader> = fc.record({
  origin: fc.constantFrom('https://chat.example', 'x'),
  groupId: fixed(16),
  epoch: integer,
  nonce: fixed(16),
  nowMs: integer,
});

export interface SampleFrame {
  readonly header: FrameHeader;
  readonly content: FrameContent;
  readonly trail: unknown;
  readonly bytes: Uint8Array;
}

function withTrailer(header: FrameHeader, content: FrameContent): fc.Arbitrary<SampleFrame> {
  const finish = (trail: unknown, trailer: Uint8Array): SampleFrame => ({
    header,
    content,
    trail,
    bytes: encodeFrame(encodeBody(header, content), trailer),
  });
  if (content.kind === 'create') {
    return fc
      .record({ confirm: fixed(32), payload: fc.uint8Array(), possession: fixed(64) })
      .map((trail) => finish(trail, encodeCreateTrailer(trail)));
  }
  if (content.kind === 'commit') {
    const adds = content.operations.filter(({ kind }) => kind === 'add').length;
    return fc
      .record({
        possessions: fc.array(fixed(64), { minLength: adds, maxLength: adds }),
        sealingProof: fc.uint8Array(),
        confirm: fixed(32),
        payload: fc.uint8Array(),
        oldSignature: fixed(64),
        newSignature: fixed(64),
      })
      .map((trail) => finish(trail, encodeCommitTrailer(trail)));
  }
  if (content.kind === 'message') {
    return fc
      .oneof(
        fc.record({ proof: fc.constant('epoch' as const), signature: fixed(64) }),
        fc.record({ proof: fc.constant('leaf' as const), leaf, signature: fixed(64) }),
      )
      .map((trail) => finish(trail, encodeMessageTrailer(trail)));
  }
  return fc.record({ signature: fixed(64) }).map((trail) => finish(trail, encodeLeaveTrailer(trail)));
}

export const sampleFrame: fc.Arbitrary<SampleFrame> = fc
  .tuple(header, content)
  .chain(([header, content]) =>
    withTrailer({ ...header, epoch: content.kind === 'create' ? 0 : header.epoch }, content),
  );
