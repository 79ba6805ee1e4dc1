/** vectors/invites.json by hand (docs/sealed-groups.md §8.1): from the link to what the invite says. */
import { describe, expect, it } from 'vitest';
import type { InviteVectors } from '../schedule/vectors.ts';
import { flipBit } from '../vectors/flip-bit.ts';
import { readVectors } from '../vectors/write-vectors.ts';
import { readFields } from './fields.ts';
import {
  bytes,
  ed25519Holds,
  ed25519PublicKey,
  expand,
  hashTuple,
  hex,
  hmac,
  openXChaCha,
  unpad,
  utf8,
} from './primitives.ts';

const vectors = readVectors('invites.json') as InviteVectors;

/** Crockford: the alphabet without I, L, O, U; bits from the most significant, zeros at the end. */
function base32(text: string): Buffer {
  const alphabet = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
  const bits = Array.from(text.toUpperCase())
    .map((letter) => alphabet.indexOf(letter).toString(2).padStart(5, '0'))
    .join('');
  const octets = bits.slice(0, bits.length - (bits.length % 8)).match(/.{8}/g) ?? [];
  if (bits.slice(octets.length * 8).includes('1')) throw new Error('stray bits');
  return Buffer.from(octets.map((octet) => Number.parseInt(octet, 2)));
}

function readLink(link: string): { transferId: Buffer; secret: Buffer; intact: boolean } {
  const { origin, hash } = new URL(link);
  const [id, key] = hash.slice(1).split('.').map(base32);
  const secret = key!.subarray(0, 16);
  const checksum = hashTuple('invite-link', utf8(origin), id!, secret).subarray(0, 4);
  return { transferId: id!, secret, intact: key!.subarray(16).equals(checksum) };
}

function open(sealed: Uint8Array, secret: Uint8Array): Buffer {
  const prk = hmac(Buffer.alloc(32), secret);
  const cipher = {
    key: expand(prk, 'invite-key', [], 32),
    nonce: sealed.subarray(0, 24),
    aad: hashTuple('sealed-invite'),
  };
  return unpad(openXChaCha(cipher, sealed.subarray(24)), 1024);
}

describe('a second reading', () => {
  it('goes from the link over the sealed octets to the invite', () => {
    const link = readLink(vectors.link);
    expect(link.intact).toBe(true);
    expect(link.transferId.toString('base64url')).toBe(vectors.transferId);
    expect(hex(link.secret)).toBe(vectors.linkSecret);
    const encoded = open(bytes(vectors.sealed), link.secret);
    expect(hex(encoded)).toBe(vectors.encoded);

    const invite = readFields(encoded);
    const body = readFields(invite.octets(1));
    const mode = readFields(body.octets(5));
    const roster = readFields(body.octets(16));
    expect([body.value(1), body.value(2)]).toEqual([1, 1]);
    expect({
      origin: body.octets(3).toString(),
      groupId: hex(body.octets(4)),
      mode: {
        leafProof: mode.value(1) === 1,
        minWriter: ['', 'owner', 'admin', 'member'][mode.value(2)],
        ownDevices: mode.value(3) === 1,
      },
      epoch: body.value(6),
      chain: hex(body.octets(7)),
      treeHash: hex(body.octets(8)),
      transcript: hex(body.octets(9)),
      leaf: body.value(10),
      leafSecret: hex(body.octets(11)),
      expiresAtMs: body.value(12),
      inviter: { leaf: body.value(13), epoch: body.value(14) },
      roster: { blobId: hex(roster.octets(1)), sha256: hex(roster.octets(2)), key: hex(roster.octets(3)) },
    }).toEqual({
      origin: vectors.origin,
      groupId: vectors.groupId,
      mode: vectors.mode,
      epoch: vectors.epoch,
      chain: vectors.chain,
      treeHash: vectors.treeHash,
      transcript: vectors.transcript,
      leaf: vectors.leaf,
      leafSecret: vectors.leafSecret,
      expiresAtMs: vectors.expiresAtMs,
      inviter: vectors.inviter,
      roster: vectors.roster,
    });
    const identity = body.octets(15);
    expect(hex(identity)).toBe(hex(ed25519PublicKey(bytes(vectors.identitySeed))));
    const digest = hashTuple('invite', invite.octets(1));
    expect(ed25519Holds(identity, digest, invite.octets(2))).toBe(true);
    expect(ed25519Holds(identity, digest, flipBit(invite.octets(2), 0))).toBe(false);
  });

  it('refuses a changed bit and a mistyped link', () => {
    const sealed = bytes(vectors.sealed);
    const secret = bytes(vectors.linkSecret);
    for (const { part, bit, rule } of vectors.refused) {
      if (rule !== 'invite/opens') continue;
      const lie = part === 'sealed' ? [flipBit(sealed, bit), secret] : [sealed, flipBit(secret, bit)];
      expect(() => open(lie[0]!, lie[1]!)).toThrow(/authenticate/);
    }
    const [first] = vectors.refusedLinks;
    expect(readLink(first!.link).intact).toBe(false);
  });
});
