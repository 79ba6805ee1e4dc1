/**
 * Microseconds of processor time that `parseFrame` takes, hash of the body included, when the code is warm.
 *
 *   node packages/sealed-group/bench/parse-frame.ts
 *
 * A message, a commit of one path in a tree of 1,024 leaves (22 KB), one with 1,700 recipients (1.8 MB), and what holds up a
 * parser that looks at counts and lengths late: two million octets of empty operations, numbers, nodes and handles. The
 * octets in the good ones are zeros: nothing here looks at them. packages/server/bench/event-loop.ts parses commits as members make them.
 */
import type { FrameContent, FrameHeader } from '../src/wire/index.ts';
import {
  encodeBody,
  encodeCommitTrailer,
  encodeFrame,
  encodeMessageTrailer,
  frameLimits,
  parseFrame,
} from '../src/wire/index.ts';

const { keyBytes, digitVectorBytes, signatureBytes, confirmBytes, maskedHeaderBytes } = frameLimits;
const header: FrameHeader = {
  origin: 'bench.example',
  groupId: new Uint8Array(frameLimits.groupIdBytes),
  epoch: 1_000,
  nonce: new Uint8Array(frameLimits.nonceBytes),
  nowMs: 1_800_000_000_000,
};
const key = new Uint8Array(keyBytes);
const row = new Uint8Array(digitVectorBytes);
const signature = new Uint8Array(signatureBytes);

function message(): Uint8Array {
  const content: FrameContent = {
    kind: 'message',
    header: new Uint8Array(maskedHeaderBytes),
    ciphertext: new Uint8Array(400),
  };
  return encodeFrame(encodeBody(header, content), encodeMessageTrailer({ proof: 'epoch', signature }));
}

function commit(adds: number, nodes: number, recipientsOfNode: number, proofBytes: number): Uint8Array {
  const content: FrameContent = {
    kind: 'commit',
    committer: 5,
    operations: Array.from({ length: adds }, () => ({
      kind: 'add' as const,
      leafKey: key,
      role: 'member' as const,
      expiresAtMs: header.nowMs,
      device: false,
    })),
    fills: [],
    leafKey: key,
    sealed: Array.from({ length: nodes }, (_, index) => ({
      node: 2 * index + 1,
      key,
      commitments: row,
      handles: Array.from({ length: recipientsOfNode }, () => row),
    })),
  };
  const trailer = encodeCommitTrailer({
    possessions: Array.from({ length: adds }, () => signature),
    sealingProof: new Uint8Array(proofBytes),
    confirm: new Uint8Array(confirmBytes),
    payload: new Uint8Array(300),
    oldSignature: signature,
    newSignature: signature,
  });
  return encodeFrame(encodeBody(header, content), trailer);
}

/** A body whose commit is the same octets again and again, inside of a field if there is a tag for it. */
function repeated(octets: readonly number[], tag?: number): Uint8Array {
  const start = encodeBody(header, { kind: 'leave', leaf: 0, leafEpoch: 0 }).slice(0, -2);
  const run = Buffer.alloc(2_000_000, Uint8Array.from(octets));
  const content = tag === undefined ? run : sized(tag, run);
  return new Uint8Array(sized(0x0a, Buffer.concat([start, sized(0x4a, content)])));
}

function sized(tag: number, content: Uint8Array): Buffer {
  const octets = [tag];
  let rest = content.length;
  for (; rest > 127; rest >>= 7) octets.push((rest & 127) | 128);
  return Buffer.concat([Uint8Array.of(...octets, rest), content]);
}

const frames = {
  message: [message(), 100_000],
  'commit of a path': [commit(0, 10, 1, 11_000), 10_000],
  'commit with 1,000 adds': [commit(1_000, 850, 2, 300_000), 200],
  'empty operations': [repeated([0x12, 0]), 20],
  fills: [repeated([1], 0x1a), 20],
  'empty nodes': [repeated([0x2a, 0]), 20],
  'empty handles': [repeated([0x22, 0], 0x2a), 20],
} as const;

for (const [name, [bytes, runs]] of Object.entries(frames)) {
  let result = parseFrame(bytes);
  const parse = (times: number): void => {
    for (let run = 0; run < times; run++) result = parseFrame(bytes);
  };
  parse(runs);
  const start = process.threadCpuUsage();
  parse(runs);
  const { user, system } = process.threadCpuUsage(start);
  const us = Math.round((10 * (user + system)) / runs) / 10;
  process.stdout.write(
    `${JSON.stringify({ name, octets: bytes.length, answer: result.ok ? 'good' : result.rule, us })}\n`,
  );
}
