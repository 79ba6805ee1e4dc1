/**
 * The known answers, and a second reading of the specification: the keys of an epoch, of a leaf and of a message, computed
 * with `node:crypto` and nothing of `src/`. A message sealed by the package has to open with them.
 */
import { createHmac, hkdfSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { confirmOf, epochOf, generationSecret, openText } from '../second-reading/epoch.ts';
import {
  bytes,
  ed25519Holds,
  ed25519PublicKey,
  expand,
  hex,
  prefixed,
} from '../second-reading/primitives.ts';
import { checkInviteVectors, computeVectors, formatVectors, vectorFiles } from './vectors.ts';
import type { InviteVectors } from './vectors.ts';

const read = (file: string) =>
  readFileSync(new URL(`../../../../vectors/${file}.json`, import.meta.url), 'utf8');

interface EpochVector {
  chain: string;
  headSecret: string;
  origin: string;
  groupId: string;
  mode: { leafProof: boolean; minWriter: string; ownDevices: boolean };
  epoch: number;
  treeHash: string;
  confirmedTranscript: string;
}

function epochIn(vector: EpochVector) {
  return epochOf({
    ...vector,
    chain: bytes(vector.chain),
    headSecret: bytes(vector.headSecret),
    groupId: bytes(vector.groupId),
    treeHash: bytes(vector.treeHash),
    confirmedTranscript: bytes(vector.confirmedTranscript),
  });
}

describe('the known answers', () => {
  it.each(vectorFiles)('of vectors/%s.json are what this code computes', (file) => {
    expect(formatVectors(computeVectors()[file])).toBe(read(file));
  });

  it('of invites are taken, and what they say is refused is refused by its rule', () => {
    const vectors = JSON.parse(read('invites')) as InviteVectors;
    expect(() => checkInviteVectors(vectors)).not.toThrow();
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
      const epoch = epochIn(vector);
      const perLabel = expand(epoch.derive('exporter'), 'exporter-label', [Buffer.from('vector')], 32);
      expect(vector).toMatchObject({
        context: hex(epoch.context),
        nextChain: hex(epoch.derive('chain')),
        header: hex(epoch.derive('header')),
        payload: hex(epoch.derive('payload')),
        authenticator: hex(epoch.derive('authenticator')),
        confirm: hex(confirmOf(epoch)),
        exported: hex(expand(perLabel, 'exported', [Buffer.of(1, 2, 3)], 48)),
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
    const epoch = epochIn(vector);
    vector.messages.forEach((message, generation) => {
      const opened = openText(epoch, vector.leafCount, {
        nonce: bytes(message.nonce),
        nowMs: message.nowMs,
        header: bytes(message.header),
        ciphertext: bytes(message.ciphertext),
      });
      const { kind, text = '', type = 'text', content = '' } = message.content;
      expect({ ...opened, lastSeen: hex(opened.lastSeen), content: hex(opened.content) }).toMatchObject({
        leaf: vector.leaf,
        generation,
        lastSeen: message.lastSeen,
        type,
        content: kind === 'text' ? hex(Buffer.from(text)) : content,
      });
      const publicKey = ed25519PublicKey(bytes(vector.signingSeed));
      expect(ed25519Holds(publicKey, opened.digest, opened.signature)).toBe(true);
    });
  });
});
