/**
 * The known answers, and a second reading of the specification: the keys of an epoch, of a leaf and of a message, computed
 * here with `node:crypto` and nothing of `src/`. A message sealed by the package has to open with them.
 */
import { createDecipheriv, createHash, createHmac, createPublicKey, hkdfSync, verify } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { openSealedInvite } from '../../src/invite/sealed-invite.ts';
import { parseInviteLink } from '../../src/invite/invite-link.ts';
import { SigningKey } from '../../src/identity/signing-key.ts';
import { computeVectors, formatVectors, hex, vectorFiles } from './vectors.ts';

const read = (file: string) =>
  readFileSync(new URL(`../../../../vectors/${file}.json`, import.meta.url), 'utf8');
const bytes = (text: string) => Buffer.from(text, 'hex');
const u32 = (value: number) =>
  Buffer.of(value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255);
const u64 = (value: number) => Buffer.concat([u32(Math.floor(value / 2 ** 32)), u32(value % 2 ** 32)]);
const prefixed = (parts: Uint8Array[]) => Buffer.concat(parts.flatMap((part) => [u32(part.length), part]));

function hashTuple(label: string, ...parts: Uint8Array[]): Buffer {
  return createHash('sha256')
    .update(prefixed([Buffer.from(`conclave/1 ${label}`), ...parts]))
    .digest();
}

/** HKDF-Expand by RFC 5869 §2.3: node's own function always extracts first. */
function expand(secret: Uint8Array, label: string, context: Uint8Array[], length: number): Buffer {
  const info = Buffer.concat([
    Buffer.of(length >> 8, length & 255),
    prefixed([Buffer.from(`conclave/1 ${label}`), ...context]),
  ]);
  let block = Buffer.alloc(0);
  let output = Buffer.alloc(0);
  for (let i = 1; output.length < length; i++) {
    block = createHmac('sha256', secret).update(block).update(info).update(Buffer.of(i)).digest();
    output = Buffer.concat([output, block]);
  }
  return output.subarray(0, length);
}

interface EpochVector {
  chain: string;
  headSecret: string;
  origin: string;
  groupId: string;
  mode: { leafProof: boolean; minWriter: 'owner' | 'admin' | 'member'; ownDevices: boolean };
  epoch: number;
  treeHash: string;
  confirmedTranscript: string;
}

function epochOf(vector: EpochVector) {
  const { leafProof, minWriter, ownDevices } = vector.mode;
  const writer = { owner: 1, admin: 2, member: 3 }[minWriter];
  const context = hashTuple(
    'epoch-context',
    u32(1),
    Buffer.from(vector.origin),
    Buffer.of(Number(leafProof), writer, Number(ownDevices)),
    bytes(vector.groupId),
    u64(vector.epoch),
    bytes(vector.treeHash),
    bytes(vector.confirmedTranscript),
  );
  const secret = createHmac('sha256', bytes(vector.chain))
    .update(bytes(vector.headSecret))
    .update(context)
    .digest();
  return { context, secret };
}

function generationSecret(root: Buffer, leafCount: number, leaf: number, generation: number): Buffer {
  let secret = root;
  let low = 0;
  for (let half = leafCount / 2; half >= 1; half /= 2) {
    const isRight = leaf >= low + half;
    secret = expand(secret, isRight ? 'tree-right' : 'tree-left', [], 32);
    if (isRight) low += half;
  }
  secret = expand(secret, 'ratchet-start', [], 32);
  for (let i = 0; i < generation; i++) secret = expand(secret, 'ratchet-next', [u32(i)], 32);
  return expand(secret, 'generation', [u32(generation)], 32);
}

describe('the known answers', () => {
  it.each(vectorFiles)('of vectors/%s.json are what this code computes', (file) => {
    expect(formatVectors(computeVectors()[file])).toBe(read(file));
  });
});

describe('a second reading of the specification', () => {
  it('uses an expand that agrees with the platform for the platform’s own form', () => {
    const secret = Buffer.alloc(32, 1);
    const extracted = createHmac('sha256', Buffer.alloc(32)).update(secret).digest();
    const info = Buffer.concat([Buffer.of(0, 32), prefixed([Buffer.from('conclave/1 chain')])]);
    expect(hex(expand(extracted, 'chain', [], 32))).toBe(
      hex(new Uint8Array(hkdfSync('sha256', secret, Buffer.alloc(32), info, 32))),
    );
  });

  it('derives the same epochs', () => {
    const vectors = JSON.parse(read('schedule')) as (EpochVector & { [name: string]: string })[];
    for (const vector of vectors) {
      const { context, secret } = epochOf(vector);
      const derive = (label: string) => expand(secret, label, [], 32);
      const perLabel = expand(derive('exporter'), 'exporter-label', [Buffer.from('vector')], 32);
      expect({
        context: hex(context),
        nextChain: hex(derive('chain')),
        header: hex(derive('header')),
        payload: hex(derive('payload')),
        authenticator: hex(derive('authenticator')),
        confirm: createHmac('sha256', derive('confirmation')).update(context).digest('hex'),
        exported: hex(expand(perLabel, 'exported', [Buffer.of(1, 2, 3)], 48)),
      }).toMatchObject({
        context: vector.context,
        nextChain: vector.nextChain,
        header: vector.header,
        payload: vector.payload,
        authenticator: vector.authenticator,
        confirm: vector.confirm,
        exported: vector.exported,
      });
    }
  });

  it('derives the same generations', () => {
    const trees = JSON.parse(read('secret-tree')) as {
      root: string;
      leafCount: number;
      generations: { leaf: number; generation: number; secret: string }[];
    }[];
    for (const { root, leafCount, generations } of trees) {
      for (const { leaf, generation, secret } of generations) {
        expect(hex(generationSecret(bytes(root), leafCount, leaf, generation))).toBe(secret);
      }
    }
  });

  it('opens the messages and verifies their signatures', () => {
    const vector = JSON.parse(read('messages')) as EpochVector & {
      leafCount: number;
      leaf: number;
      signingSeed: string;
      messages: {
        nonce: string;
        nowMs: number;
        lastSeen: string;
        header: string;
        ciphertext: string;
        content: { kind: string; text?: string; type?: string; content?: string };
      }[];
    };
    const { context, secret } = epochOf(vector);
    vector.messages.forEach((message, generation) => {
      const ciphertext = bytes(message.ciphertext);
      const nonce = bytes(message.nonce);
      const header = Buffer.concat([u32(vector.leaf), u32(generation)]);
      const mask = expand(
        expand(secret, 'header', [], 32),
        'header-mask',
        [nonce, ciphertext.subarray(0, 16)],
        8,
      );
      expect(hex(mask.map((byte, i) => byte ^ header[i]!))).toBe(message.header);

      const root = expand(secret, 'secret-tree', [], 32);
      const generationKey = generationSecret(root, vector.leafCount, vector.leaf, generation);
      const decipher = createDecipheriv(
        'aes-256-gcm',
        expand(generationKey, 'message-key', [nonce], 32),
        expand(generationKey, 'message-nonce', [nonce], 12),
      );
      const frame = [u32(1), bytes(vector.groupId), u64(vector.epoch)];
      decipher.setAAD(hashTuple('message-additional-data', ...frame, nonce, u64(message.nowMs), header));
      decipher.setAuthTag(ciphertext.subarray(-16));
      const padded = Buffer.concat([decipher.update(ciphertext.subarray(0, -16)), decipher.final()]);
      const inner = padded.subarray(4, 4 + padded.readUInt32BE(0));

      const { type, content } =
        message.content.kind === 'text'
          ? { type: 'text', content: Buffer.from(message.content.text!) }
          : { type: message.content.type!, content: bytes(message.content.content!) };
      const signature = inner.subarray(-64);
      const field = (number: number, value: Uint8Array) =>
        Buffer.concat([Buffer.of(number * 8 + 2), varint(value.length), value]);
      expect(hex(inner)).toBe(
        hex(
          Buffer.concat([
            field(1, bytes(message.lastSeen)),
            field(2, Buffer.from(type)),
            field(3, content),
            field(4, signature),
          ]),
        ),
      );
      const digest = hashTuple(
        'message-signature',
        ...frame,
        context,
        header,
        nonce,
        u64(message.nowMs),
        bytes(message.lastSeen),
        Buffer.from(type),
        content,
      );
      const publicKey = SigningKey.fromSeed(bytes(vector.signingSeed)).publicKey;
      const spki = Buffer.concat([bytes('302a300506032b6570032100'), publicKey]);
      expect(
        verify(null, digest, createPublicKey({ key: spki, format: 'der', type: 'spki' }), signature),
      ).toBe(true);
    });
  });

  it('goes from the link to the invite', () => {
    const vector = JSON.parse(read('invites')) as {
      link: string;
      transferId: string;
      sealed: string;
      origin: string;
    };
    const link = parseInviteLink(vector.link);
    if (!link.ok) throw new Error(link.rule);
    expect(link.value).toMatchObject({ serverOrigin: vector.origin, transferId: vector.transferId });
    expect(openSealedInvite(bytes(vector.sealed), link.value.secret)).toMatchObject({
      ok: true,
      value: { origin: vector.origin, epoch: 7, leaf: 5 },
    });
  });
});

function varint(value: number): Buffer {
  return value < 128 ? Buffer.of(value) : Buffer.of((value & 127) | 128, value >> 7);
}
