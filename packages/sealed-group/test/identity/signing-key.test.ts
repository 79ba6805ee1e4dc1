/** Ed25519 on both sides of `#ed25519`: RFC 8032's vectors, and the same octets from either. */
import { verify } from 'node:crypto';
import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js';
import { describe, expect, it } from 'vitest';
import * as onNode from '../../node/ed25519.ts';
import * as elsewhere from '../../src/identity/ed25519.ts';
import { SigningKey, verifySignature } from '../../src/identity/signing-key.ts';
import { seededRandom } from '../sealing/fixture.ts';

/** RFC 8032, section 7.1: tests 1, 2 and 3. */
const vectors = [
  {
    seed: '9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60',
    publicKey: 'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a',
    message: '',
    signature:
      'e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b',
  },
  {
    seed: '4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb',
    publicKey: '3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c',
    message: '72',
    signature:
      '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00',
  },
  {
    seed: 'c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7',
    publicKey: 'fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025',
    message: 'af82',
    signature:
      '6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a',
  },
];

describe.each([
  ['node:crypto', onNode],
  ['noble', elsewhere],
])('secret keys on %s', (_, { publicKeyOfSeed, signWithSeed }) => {
  it.each(vectors)("gives RFC 8032's signature of '$message'", ({ seed, publicKey, message, signature }) => {
    expect(bytesToHex(publicKeyOfSeed(hexToBytes(seed)))).toBe(publicKey);
    expect(bytesToHex(signWithSeed(hexToBytes(message), hexToBytes(seed)))).toBe(signature);
  });

  it('leaves the seed as it was', () => {
    const seed = seededRandom('kept').bytes(32);
    const copy = Uint8Array.from(seed);
    publicKeyOfSeed(seed);
    signWithSeed(seed, seed);
    expect(seed).toEqual(copy);
  });
});

describe('both', () => {
  it('sign alike', () => {
    const random = seededRandom('both');
    for (let length = 0; length < 200; length += 19) {
      const [seed, message] = [random.bytes(32), random.bytes(length)];
      expect(onNode.publicKeyOfSeed(seed)).toEqual(elsewhere.publicKeyOfSeed(seed));
      expect(onNode.signWithSeed(message, seed)).toEqual(elsewhere.signWithSeed(message, seed));
    }
  });
});

describe('a signing key', () => {
  const key = SigningKey.generate(seededRandom('key'));
  const message = new TextEncoder().encode('message');
  const signature = key.sign(message);

  it('signs what it verifies, and nothing else', () => {
    expect(verifySignature(key.publicKey, message, signature)).toBe(true);
    expect(verifySignature(key.publicKey, message.subarray(1), signature)).toBe(false);
    expect(verifySignature(key.publicKey, message, signature.with(3, signature[3]! ^ 1))).toBe(false);
  });

  it('comes back from its seed', () => {
    expect(SigningKey.fromSeed(key.exportSeed()).sign(message)).toEqual(signature);
    expect(() => SigningKey.fromSeed(new Uint8Array(31))).toThrow('32 bytes');
  });

  it('signs nothing once it is wiped', () => {
    const wiped = SigningKey.generate(seededRandom('wiped'));
    wiped.wipe();
    expect(() => wiped.sign(message)).toThrow('deleted');
  });

  it('refuses public keys of small order', () => {
    const identity = new Uint8Array(32).fill(1, 0, 1);
    const forged = new Uint8Array(64).fill(1, 0, 1);
    expect(verifySignature(identity, message, forged)).toBe(false);
  });

  it('is verified with the cofactor, which OpenSSL leaves out', () => {
    // R has a part of order 8: whoever has the key can make such a signature, and both ways of verifying are RFC 8032's.
    const publicKey = hexToBytes('4e28b754ab3f64ab6761c188d84cdf06aaea7e0e81ba84b50809e95bdbb23476');
    const mixed = hexToBytes(
      'd63c01223147541df4e170763e9e2788a8bf5971f52a93c5829dbe6f5ff6bba9c850847d46ad023c8f9025c35e4f492de9960bb3ee29908059fe8bc1f9d7c005',
    );
    const said = new TextEncoder().encode('hi');
    expect(verifySignature(publicKey, said, mixed)).toBe(true);
    expect(verify(null, said, { key: spkiOf(publicKey), format: 'der', type: 'spki' }, mixed)).toBe(false);
  });
});

function spkiOf(publicKey: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from('302a300506032b6570032100', 'hex'), publicKey]);
}
