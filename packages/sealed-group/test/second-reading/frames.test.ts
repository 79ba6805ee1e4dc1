/**
 * vectors/frames.json by hand (docs/sealed-groups.md §3 to §6, §8.1): a group is created, a leaf is added, a message is proven.
 * The tree after each step is made here from what the frames say.
 */
import { describe, expect, it } from 'vitest';
import type { FrameVectors } from '../group/frame-vectors.ts';
import { flipBit } from '../vectors/flip-bit.ts';
import { readVectors } from '../vectors/write-vectors.ts';
import { readFields } from './fields.ts';
import { openRow } from './open-row.ts';
import { bytes, contextOf, hashTuple, hex, publicKeyOf, schnorrHolds, u32 } from './primitives.ts';
import { brokenIn } from './sealing.ts';

const vectors = readVectors('frames.json') as FrameVectors;
const signatureField = 66;

/** §5.1, §5.2. `signatures`: how many stand last in the trailer. */
function readFrame(encoded: Buffer, signatures: number) {
  const frame = readFields(encoded);
  const [octets, trailer] = [frame.octets(1), frame.octets(2)];
  const body = readFields(octets);
  expect([body.value(1), body.value(2)]).toEqual([1, 1]);
  const bodyHash = hashTuple('body', octets);
  const rest = trailer.subarray(0, trailer.length - signatures * signatureField);
  const trailerHash = hashTuple('trailer', bodyHash, hashTuple('trailer-rest', rest));
  const context = contextOf(body.octets(3).toString(), body.octets(4), body.value(5));
  return {
    body,
    trailer,
    trail: readFields(trailer),
    bodyHash,
    context,
    signed: Buffer.concat([context, trailerHash]),
    transcriptAfter(before: Uint8Array) {
      const confirmed = hashTuple('transcript-confirmed', before, bodyHash);
      return { confirmed, whole: hashTuple('transcript', confirmed, hashTuple('trailer-whole', trailer)) };
    },
  };
}

/** §3.2: unsigned, seven bits at a time. */
function leb128(value: number): Buffer {
  const octets: number[] = [];
  let rest = value;
  for (; rest >= 128; rest = Math.floor(rest / 128)) octets.push((rest % 128) | 128);
  return Buffer.of(...octets, rest);
}

const create = readFrame(bytes(vectors.create.frame), 1);
const founder = readFields(create.body.octets(8));
const oldKey = founder.octets(1);
/** An owner of epoch 0, added by nobody. */
const ownerContent = (key: Buffer): Buffer => Buffer.concat([Buffer.of(0x40), key, leb128(0)]);

const commit = readFrame(bytes(vectors.commit.frame), 2);
const content = readFields(commit.body.octets(9));
const add = readFields(readFields(content.all(2)[0]!).octets(3));
const sealed = readFields(content.all(5)[0]!);
/** A pending member of epoch 1, added by leaf 0 of epoch 0. */
const addedContent = Buffer.concat([
  Buffer.of(0x40 | 2 | 8 | 16),
  add.octets(1),
  leb128(1),
  leb128(0),
  leb128(0),
  leb128(add.value(3)),
]);
const parentContent = Buffer.concat([Buffer.of(1), sealed.octets(2)]);

describe('a second reading of whole frames', () => {
  it('founds the group: possession, tree, transcripts', () => {
    expect(hex(create.bodyHash)).toBe(vectors.create.bodyHash);
    expect(create.body.value(7)).toBe(vectors.nowMs);
    const said = { purpose: 'create-possession', publicKey: oldKey, context: create.signed };
    expect(schnorrHolds({ ...said, signature: create.trail.octets(3) })).toBe(true);
    expect(schnorrHolds({ ...said, signature: flipBit(create.trail.octets(3), 256) })).toBe(false);
    expect(hex(hashTuple('tree leaf', u32(0), ownerContent(oldKey)))).toBe(vectors.create.treeHash);
    const { confirmed, whole } = create.transcriptAfter(Buffer.alloc(32));
    expect(hex(confirmed)).toBe(vectors.create.confirmedTranscript);
    expect(hex(whole)).toBe(vectors.create.transcript);
  });

  it('adds the leaf: operation, tree, transcripts', () => {
    expect(commit.body.value(5)).toBe(0);
    // A member, not a device; the committer is leaf 0; no fills; node 1 is sealed.
    expect([add.value(2), add.value(4), content.value(1), content.has(3), sealed.value(1)]).toEqual([
      3,
      0,
      0,
      false,
      1,
    ]);
    const tree = [Buffer.of(1, 1), ownerContent(content.octets(4)), parentContent, addedContent];
    expect(hex(Buffer.concat(tree))).toBe(vectors.commit.tree);
    const hash = hashTuple(
      'tree parent',
      u32(1),
      parentContent,
      hashTuple('tree leaf', u32(0), ownerContent(content.octets(4))),
      hashTuple('tree leaf', u32(2), addedContent),
    );
    expect(hex(hash)).toBe(vectors.commit.treeHash);
    const { confirmed, whole } = commit.transcriptAfter(bytes(vectors.create.transcript));
    expect(hex(confirmed)).toBe(vectors.commit.confirmedTranscript);
    expect(hex(whole)).toBe(vectors.commit.transcript);
  });

  it('verifies the commit: signatures by the old and the new key, possession of the added leaf', () => {
    const by = (purpose: string, publicKey: Buffer, context: Buffer, signature: Buffer) =>
      schnorrHolds({ purpose, publicKey, context, signature });
    const possession = Buffer.concat([commit.context, commit.bodyHash, u32(0)]);
    expect(by('commit-old', oldKey, commit.signed, commit.trail.octets(5))).toBe(true);
    expect(by('commit-new', content.octets(4), commit.signed, commit.trail.octets(6))).toBe(true);
    expect(by('possession', add.octets(1), possession, commit.trail.octets(1))).toBe(true);
    expect(by('commit-old', oldKey, commit.signed, commit.trail.octets(6))).toBe(false);
  });

  it('verifies that the node is well sealed to both leaves, and finds what is not', () => {
    const node = {
      key: sealed.octets(2),
      recipients: [content.octets(4), add.octets(1)],
      commitments: sealed.octets(3),
      handles: sealed.all(4),
    };
    const proof = commit.trail.octets(2);
    const claim = { context: commit.context, bodyHash: commit.bodyHash, nodes: [node], proof };
    expect(brokenIn(claim)).toBeUndefined();
    const broken = (bit: number) => brokenIn({ ...claim, proof: Buffer.from(flipBit(proof, bit)) });
    const block = 4_096 + 640 + 32;
    // w; za; zm: the challenges do not depend on them.
    expect(broken(8 * (block - 32))).toBe('shortness');
    expect(broken(8 * (block + 64))).toBe('key-opening');
    expect(broken(8 * (proof.length - 64))).toBe('handle-opening');
    expect(broken(8 * (4_096 + 4) + 7)).toBe('sealing/response-bounds');
    expect(brokenIn({ ...claim, proof: proof.subarray(1) })).toBe('sealing/proof-length');
  });

  it('opens the node with the leaf secret of the invite', () => {
    const body = readFields(readFields(bytes(vectors.commit.invite)).octets(1));
    expect([body.value(6), body.value(10)]).toEqual([1, vectors.commit.addedLeaf]);
    expect(hex(body.octets(8))).toBe(vectors.commit.treeHash);
    expect(hex(body.octets(9))).toBe(vectors.commit.transcript);
    const leafSecret = body.octets(11);
    expect(hex(publicKeyOf(leafSecret))).toBe(hex(add.octets(1)));
    const secret = openRow(sealed.octets(3), sealed.all(4)[1]!, leafSecret);
    expect(hex(publicKeyOf(secret))).toBe(hex(sealed.octets(2)));
  });

  it('verifies the proof of the message by the epoch key, which is the key of the head', () => {
    const message = readFrame(bytes(vectors.message.frame), 1);
    expect(hex(message.bodyHash)).toBe(vectors.message.bodyHash);
    const said = { purpose: 'message', publicKey: sealed.octets(2), signature: message.trail.octets(1) };
    const context = Buffer.concat([message.context, message.bodyHash]);
    expect(schnorrHolds({ ...said, context })).toBe(true);
    expect(schnorrHolds({ ...said, context: flipBit(context, 0) })).toBe(false);
  });
});
