/** Octets that are not quite a frame: the first gate, before anybody is asked for anything (docs/rules.md, `frame/…`). */
import { systemRandom } from '@conclave/platform';
import {
  encodeBody,
  encodeCommitTrailer,
  encodeFrame,
  encodeLeaveTrailer,
  frameLimits,
  parseFrame,
} from '@conclave/sealed-group';
import type { FrameContent, FrameHeader, RuleId } from '@conclave/sealed-group';
import { valueOf } from '@conclave/testkit';
import { bytesField, joined, numberField, rawFrame, varint } from '../mallory/protobuf.ts';
import type { Mallory, Prepared } from '../mallory/mallory.ts';
import type { FrameAttack } from '../siege.ts';

type Build = FrameAttack['build'];

/** Body and trailer of a good message, as octets. */
function parts(mallory: Mallory): { body: Uint8Array; trailer: Uint8Array } {
  const { body, trailer } = valueOf(parseFrame(mallory.message()));
  return { body, trailer };
}

/** A message whose body is changed after it was encoded; its proof is then that of another body. */
function bodyOf(change: (body: Uint8Array) => Uint8Array): Build {
  return (mallory) => {
    const { body, trailer } = parts(mallory);
    return encodeFrame(change(body), trailer);
  };
}

/** A body with these fields in place of a good message's. */
function message(
  header: Partial<FrameHeader>,
  content: Partial<Extract<FrameContent, { kind: 'message' }>> = {},
): Build {
  return (mallory) => {
    const { header: good, content: text, trailer } = valueOf(parseFrame(mallory.message()));
    if (text.kind !== 'message') throw new Error('not a message');
    return encodeFrame(encodeBody({ ...good, ...header }, { ...text, ...content }), trailer);
  };
}

/** The good commit's header with a content of fields by hand, and its trailer. */
function commitOf(fields: (good: Prepared) => Uint8Array): Build {
  return (_mallory, good) => {
    const { header, content, trailer } = good.frame;
    const whole = encodeBody(header, content);
    // The content is the last field, 9: all before it is the header.
    const empty = encodeBody(header, { kind: 'leave', leaf: 0, leafEpoch: 0 });
    const head = whole.subarray(0, empty.length - 2);
    return rawFrame(joined(head, bytesField(9, fields(good))), trailer);
  };
}

function commitFields(
  good: Prepared,
  {
    committer,
    key,
    middle = new Uint8Array(0),
  }: { committer?: bigint; key?: Uint8Array; middle?: Uint8Array },
): Uint8Array {
  const { content } = good.frame;
  const number = committer ?? BigInt(content.committer);
  return joined(
    number === 0n ? new Uint8Array(0) : numberField(1, number),
    middle,
    bytesField(4, key ?? content.leafKey),
  );
}

const short = (bytes: Uint8Array): Uint8Array => bytes.subarray(1);

export const frameFormAttacks: readonly FrameAttack[] = [
  attack('frame/size', 'one byte more than 2 MiB', () => new Uint8Array(frameLimits.maxFrameBytes + 1)),
  attack('frame/size', 'a good frame, filled up to one byte more', (mallory) => {
    const empty = mallory.message({ ciphertext: new Uint8Array(frameLimits.maxFrameBytes - 1_000) });
    const room = frameLimits.maxFrameBytes + 1 - empty.length;
    return mallory.message({ ciphertext: new Uint8Array(frameLimits.maxFrameBytes - 1_000 + room) });
  }),
  attack('frame/size', 'three MiB, cut off by the transport', () => new Uint8Array(3 << 20), [
    '413 M_TOO_LARGE',
  ]),
  attack('frame/decodes', 'a tag without an end', () => Uint8Array.of(0xff, 0xff, 0xff)),
  attack('frame/decodes', 'its last byte missing', (mallory) => mallory.message().slice(0, -1)),
  attack('frame/decodes', 'a body that says it is longer than it is', (mallory) => {
    const { body, trailer } = parts(mallory);
    return joined(varint((1 << 3) | 2), varint(body.length + 10_000), body, bytesField(2, trailer));
  }),
  attack('frame/decodes', 'random octets in place of the body', (mallory) =>
    // A number without an end first: whatever the rest is, it decodes to nothing, canonical or not.
    encodeFrame(
      Uint8Array.from([...new Uint8Array(10).fill(0xff), ...systemRandom.bytes(80)]),
      parts(mallory).trailer,
    ),
  ),
  attack('frame/decodes', 'a wire type that does not exist', () => Uint8Array.of(0x0f, 1, 2, 3)),
  attack('frame/canonical', 'nothing after a field that repeats', (mallory) => {
    const { body, trailer } = parts(mallory);
    return joined(bytesField(1, body), bytesField(1, body), bytesField(2, trailer));
  }),
  attack('frame/canonical', 'trailer before body', (mallory) => {
    const { body, trailer } = parts(mallory);
    return joined(bytesField(2, trailer), bytesField(1, body));
  }),
  attack('frame/canonical', 'an unknown field after the frame', (mallory) =>
    joined(mallory.message(), numberField(15, 1)),
  ),
  attack(
    'frame/canonical',
    'an unknown field in the body',
    bodyOf((body) => joined(body, numberField(15, 1))),
  ),
  attack(
    'frame/canonical',
    'a version in two bytes where one does',
    bodyOf((body) => joined(numberField(1, 1, 1), body.subarray(2))),
  ),
  attack(
    'frame/canonical',
    'an epoch of ten bytes',
    bodyOf((body) =>
      joined(
        Uint8Array.of(0x08, 0x81, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00),
        body.subarray(2),
      ),
    ),
  ),
  attack('frame/canonical', 'an explicit default in the trailer', (mallory) => {
    const { body, trailer } = valueOf(parseFrame(mallory.leaveFrame()));
    return rawFrame(body, joined(trailer, numberField(2, 0)));
  }),
  attack(
    'frame/version',
    'version 2',
    bodyOf((body) => joined(numberField(1, 2), body.subarray(2))),
  ),
  attack(
    'frame/version',
    'version 0',
    bodyOf((body) => body.subarray(2)),
  ),
  attack(
    'frame/version',
    'suite 2',
    bodyOf((body) => joined(body.subarray(0, 2), numberField(2, 2), body.subarray(4))),
  ),
  attack('frame/version', 'nothing at all', () => rawFrame(new Uint8Array(0), new Uint8Array(0)), [
    '400 CONCLAVE_FRAME_MALFORMED frame/canonical',
  ]),
  attack('frame/origin', 'an origin with a space', message({ origin: 'conclave test' })),
  attack('frame/origin', 'an origin of 256 characters', message({ origin: 'x'.repeat(256) })),
  attack('frame/origin', 'an origin beyond ASCII', message({ origin: 'cönclave.test' })),
  attack('frame/origin', 'no origin', message({ origin: '' })),
  attack(
    'frame/content',
    'a body without a content',
    (mallory) => {
      const { header } = mallory;
      const whole = encodeBody(header, { kind: 'leave', leaf: 0, leafEpoch: 0 });
      return encodeFrame(whole.subarray(0, -2), new Uint8Array(0));
    },
    undefined,
  ),
  attack(
    'frame/content',
    'an operation of no kind',
    commitOf((good) => commitFields(good, { middle: bytesField(2, new Uint8Array(0)) })),
  ),
  attack(
    'frame/content',
    'a message without a proof',
    (mallory) => rawFrame(parts(mallory).body, new Uint8Array(0)),
    ['400 CONCLAVE_FRAME_MALFORMED frame/canonical', '400 CONCLAVE_FRAME_MALFORMED frame/content'],
  ),
  attack('frame/length', 'a group id of 15 bytes', (mallory) =>
    mallory.message({ header: { groupId: short(mallory.member.group.groupId) } }),
  ),
  attack('frame/length', 'a nonce of 17 bytes', message({ nonce: new Uint8Array(17) })),
  attack('frame/length', 'a masked header of 7 bytes', message({}, { header: new Uint8Array(7) })),
  attack('frame/length', 'a leaf key of 31 bytes', (mallory, good) =>
    mallory.forge(good, { content: ({ leafKey }) => ({ leafKey: short(leafKey) }) }),
  ),
  attack(
    'frame/length',
    'a node key of 33 bytes',
    sealedField('key', (key) => joined(key, key.subarray(0, 1))),
  ),
  attack(
    'frame/length',
    'fifteen commitments',
    sealedField('commitments', (row) => row.subarray(32)),
  ),
  attack('frame/length', 'a row of seventeen handles', (mallory, good) =>
    mallory.forge(good, {
      content: ({ sealed }) => ({
        sealed: sealed.map((node) => ({
          ...node,
          handles: node.handles.map((row) => joined(row, row.subarray(0, 32))),
        })),
      }),
    }),
  ),
  attack('frame/length', 'a confirmation of 31 bytes', trailField('confirm')),
  attack('frame/length', 'an old signature of 63 bytes', signedField('oldSignature')),
  attack('frame/length', 'a new signature of 63 bytes', signedField('newSignature')),
  attack('frame/length', 'a leave signature of 65 bytes', (mallory) =>
    encodeFrame(
      encodeBody(mallory.header, { kind: 'leave', leaf: mallory.leaf, leafEpoch: 0 }),
      encodeLeaveTrailer({ signature: new Uint8Array(65) }),
    ),
  ),
  attack('frame/range', 'an epoch of 2^60', message({ epoch: 2 ** 60 })),
  attack('frame/range', 'a time of 2^63', message({ nowMs: 2 ** 63 })),
  attack('frame/range', 'a committer beyond the largest tree', (mallory, good) =>
    mallory.forge(good, { content: () => ({ committer: 2 ** 20 }) }),
  ),
  attack('frame/range', 'a fill beyond the largest tree', (mallory, good) =>
    mallory.forge(good, { content: () => ({ fills: [2 ** 21 - 1] }) }),
  ),
  attack('frame/range', 'a sealed node beyond the largest tree', (mallory, good) =>
    mallory.forge(good, {
      content: ({ sealed }) => ({ sealed: sealed.map((node) => ({ ...node, node: 2 ** 31 })) }),
    }),
  ),
  attack(
    'frame/range',
    'a role that does not exist',
    commitOf((good) =>
      commitFields(good, {
        middle: bytesField(2, bytesField(1, joined(numberField(1, 2), numberField(2, 9)))),
      }),
    ),
  ),
  attack(
    'frame/range',
    'a mode without a writer',
    commitOf((good) =>
      commitFields(good, { middle: bytesField(2, bytesField(4, bytesField(1, numberField(1, 1)))) }),
    ),
  ),
  attack('frame/range', 'a leave of a leaf beyond the largest tree', (mallory) =>
    encodeFrame(
      encodeBody(mallory.header, { kind: 'leave', leaf: 2 ** 20, leafEpoch: 0 }),
      encodeLeaveTrailer({ signature: new Uint8Array(64) }),
    ),
  ),
  attack('frame/count', 'a possession proof without an add', (mallory, good) =>
    mallory.forge(good, { trail: () => ({ possessions: [new Uint8Array(64)] }) }),
  ),
  attack('frame/count', 'an add without a possession proof', (mallory, good) =>
    mallory.forge(good, {
      content: () => ({ operations: [mallory.newAdd()] }),
      trail: () => ({ possessions: [] }),
    }),
  ),
  attack('frame/count', '4,097 operations', (mallory, good) =>
    mallory.forge(good, {
      content: () => ({
        operations: Array.from({ length: 4_097 }, (_, leaf) => ({
          kind: 'remove',
          leaf,
          leaveSignature: undefined,
        })),
      }),
    }),
  ),
  attack('frame/count', '1,024 adds', (mallory, good) => {
    const add = mallory.newAdd();
    const operations = Array.from({ length: 1_024 }, () => add);
    const { header, content, trail } = good.frame;
    const possessions = operations.map(() => new Uint8Array(64));
    return encodeFrame(
      encodeBody(header, { ...content, operations }),
      encodeCommitTrailer({ ...trail, possessions }),
    );
  }),
  attack('frame/count', '1,025 sealed nodes', (mallory, good) =>
    mallory.forge(good, {
      content: ({ sealed }) => ({
        sealed: Array.from({ length: 1_025 }, () => ({ ...sealed[0]!, handles: [] })),
      }),
    }),
  ),
  attack('frame/count', '1,025 fills', (mallory, good) =>
    mallory.forge(good, { content: () => ({ fills: Array.from({ length: 1_025 }, () => 1) }) }),
  ),
];

function attack(breaks: RuleId, name: string, build: Build, expects?: readonly string[]): FrameAttack {
  return { breaks, name, build, ...(expects === undefined ? {} : { expects, clientSays: 'nothing' }) };
}

function sealedField(field: 'key' | 'commitments', change: (bytes: Uint8Array) => Uint8Array): Build {
  return (mallory, good) =>
    mallory.forge(good, {
      content: ({ sealed }) => ({
        sealed: sealed.map((node) => ({ ...node, [field]: change(node[field]) })),
      }),
    });
}

function trailField(field: 'confirm'): Build {
  return (mallory, good) => mallory.forge(good, { trail: (trail) => ({ [field]: short(trail[field]) }) });
}

function signedField(field: 'oldSignature' | 'newSignature'): Build {
  return (mallory, good) => mallory.forge(good, { signed: (trail) => ({ [field]: short(trail[field]) }) });
}
