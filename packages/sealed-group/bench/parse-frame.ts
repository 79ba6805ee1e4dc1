/**
 * Microseconds of processor time that `parseFrame` takes, hash of the body included, when the code is warm.
 *
 *   node packages/sealed-group/bench/parse-frame.ts
 *
 * A message, a commit of one path in a tree of 1,024 leaves (23 KB), and one with 1,700 recipients (1.8 MB). The octets in
 * them are zeros: nothing here looks at them. packages/server/bench/event-loop.ts parses commits as members make them.
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

const frames = {
  message: [message(), 100_000],
  'commit of a path': [commit(0, 10, 1, 11_000), 10_000],
  'commit with 1,000 adds': [commit(1_000, 850, 2, 300_000), 200],
} as const;

for (const [name, [bytes, runs]] of Object.entries(frames)) {
  const parse = (times: number): void => {
    for (let run = 0; run < times; run++) if (!parseFrame(bytes).ok) throw new Error(name);
  };
  parse(runs);
  const start = process.threadCpuUsage();
  parse(runs);
  const { user, system } = process.threadCpuUsage(start);
  const us = Math.round((10 * (user + system)) / runs) / 10;
  process.stdout.write(`${JSON.stringify({ name, octets: bytes.length, us })}\n`);
}
