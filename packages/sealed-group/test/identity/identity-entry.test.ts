import { inspect } from 'node:util';
import { utf8ToBytes } from '@noble/hashes/utils.js';
import { describe, expect, it } from 'vitest';
import { hashTuple, uint32 } from '../../src/hash/index.ts';
import type { UnverifiedEntry } from '../../src/identity/identity-entry.ts';
import {
  decodeEntry,
  encodeEntry,
  signIdentityEntry,
  verifyIdentityEntry,
} from '../../src/identity/identity-entry.ts';
import { SigningKey, verifySignature } from '../../src/identity/signing-key.ts';
import { uint64 } from '../../src/schedule/uint64.ts';
import type { SignaturePurpose } from '../../src/signature/index.ts';
import { sign } from '../../src/signature/index.ts';
import { ada, ben, cleo, createPeople, groupId, invited, origin, suite } from './people-fixture.ts';

const broken = (rule: string) => ({ ok: false, rule });
const people = createPeople();
const verify = (entry: UnverifiedEntry, scope: Partial<typeof people.scope> = {}) =>
  verifyIdentityEntry(suite, entry, { ...people.scope, ...scope });

describe('an identity entry', () => {
  it('verifies against the tree, also after encoding', () => {
    const picture = { blobId: Uint8Array.of(1), key: new Uint8Array(32), sha256: new Uint8Array(32) };
    const entry = people.sign(ben, { profile: { name: 'Ben 🐢', deviceName: '', picture } });
    expect(verify(entry)).toEqual({ ok: true, value: entry });
    expect(decodeEntry(encodeEntry(entry))).toEqual(entry);
  });

  it('does not verify with any of its fields changed', () => {
    const entry = people.sign(ben);
    const other = people.sign(cleo);
    const changes: Partial<UnverifiedEntry>[] = [
      { signingKey: other.signingKey },
      { identityKey: other.identityKey },
      { name: 'Benn' },
      { deviceName: 'phone' },
      { picture: { blobId: Uint8Array.of(1), key: new Uint8Array(32), sha256: new Uint8Array(32) } },
      { identitySignature: other.identitySignature },
      { leafSignature: other.leafSignature },
      { leaf: cleo },
      { leafEpoch: 9 },
      { leafKey: other.leafKey },
    ];
    for (const change of changes) expect(verify({ ...entry, ...change }).ok).toBe(false);
  });
});

describe('the rules of identity entries', () => {
  it('identity/entry-form: wrong lengths, control characters, text that reorders its surroundings, long names', () => {
    const entry = people.sign(ben);
    expect(verify({ ...entry, signingKey: new Uint8Array(31) })).toMatchObject(broken('identity/entry-form'));
    expect(verify({ ...entry, leafSignature: new Uint8Array(63) })).toMatchObject(
      broken('identity/entry-form'),
    );
    const farFuture = { ...encodeEntry(entry), leafEpoch: 2n ** 63n };
    expect(verify(decodeEntry(farFuture))).toMatchObject(broken('identity/entry-form'));
    for (const name of ['Ben\n', '\u202eneB', 'x'.repeat(257), '\ud800']) {
      expect(verify({ ...entry, name })).toMatchObject(broken('identity/entry-form'));
    }
    const person = people.persons[ben]!;
    const signed = signIdentityEntry({
      suite,
      origin,
      groupId,
      leaf: ben,
      leafEpoch: 2,
      leafSecret: person.leafSecret,
      signingKey: person.signingKey,
      identity: person.identity,
      profile: { name: '\0', deviceName: '', picture: undefined },
      hedge: { secret: person.leafSecret, random: people.random, context: new Uint8Array(0) },
    });
    expect(signed).toMatchObject(broken('identity/entry-form'));
  });

  it('identity/entry-leaf: an old leaf key, another instance, a pending leaf, no leaf', () => {
    const entry = people.sign(ben);
    const node = people.persons[ben]!.node;
    const otherKey = people.persons[cleo]!.node.publicKey;
    for (const leaf of [{ ...node, publicKey: otherKey }, { ...node, epoch: 3 }, undefined]) {
      expect(verify(entry, { tree: { leafCount: 8, leaf: () => leaf } })).toMatchObject(
        broken('identity/entry-leaf'),
      );
    }
    expect(verify(people.sign(invited))).toMatchObject(broken('identity/entry-leaf'));
    expect(verify({ ...entry, leaf: 99 })).toMatchObject(broken('identity/entry-leaf'));
  });

  it('identity/entry-identity-signature: another group, another server, a stranger who claims the identity', () => {
    const rule = broken('identity/entry-identity-signature');
    expect(verify(people.sign(ben, { groupId: new Uint8Array(16) }))).toMatchObject(rule);
    expect(verify(people.sign(ben, { origin: 'https://other.example' }))).toMatchObject(rule);
    const stranger = SigningKey.generate(people.random);
    const claimed = {
      ...people.sign(ben, { identity: stranger }),
      identityKey: people.persons[ada]!.identity.publicKey,
    };
    expect(verify(claimed)).toMatchObject(rule);
  });

  it("identity/entry-leaf-signature: an inviter puts its own identity beside someone else's leaf key", () => {
    const forger = people.persons[cleo]!;
    const forged = {
      ...people.sign(ben, { leafSecret: forger.leafSecret, identity: SigningKey.generate(people.random) }),
    };
    const victimKey = people.persons[ben]!.node.publicKey;
    const identity = SigningKey.generate(people.random);
    expect(verify(forged)).toMatchObject(broken('identity/entry-leaf'));
    // The forger may sign the victim's leaf key with any identity; what it lacks is the leaf's own signature.
    const resigned = people.sign(ben, { identity, signingKey: forger.signingKey });
    const withoutLeaf = { ...resigned, leafKey: victimKey, leafSignature: forged.leafSignature };
    expect(verify(withoutLeaf)).toMatchObject(broken('identity/entry-leaf-signature'));
    expect(verify({ ...resigned, leafSignature: new Uint8Array(64).fill(255) })).toMatchObject(
      broken('identity/entry-leaf-signature'),
    );
  });

  it('identity/entry-leaf-signature: the leaf signed the same bytes for another purpose', () => {
    const { leafSecret, node } = people.persons[ben]!;
    const entry = people.sign(ben);
    const digest = hashTuple(
      'identity-entry',
      uint32(1),
      utf8ToBytes(origin),
      groupId,
      uint32(entry.leaf),
      uint64(entry.leafEpoch),
      entry.leafKey,
      entry.signingKey,
      entry.identityKey,
      utf8ToBytes(entry.name),
      utf8ToBytes(entry.deviceName),
    );
    const signedFor = (purpose: SignaturePurpose) => {
      const hedge = { secret: leafSecret, random: people.random, context: digest };
      const { publicKey } = node;
      const leafSignature = sign(suite, {
        purpose,
        secret: leafSecret,
        publicKey,
        context: digest,
        hedge,
      });
      return verify({ ...entry, leafSignature });
    };
    expect(signedFor('identity').ok).toBe(true);
    expect(signedFor('possession')).toMatchObject(broken('identity/entry-leaf-signature'));
    expect(signedFor('create-possession')).toMatchObject(broken('identity/entry-leaf-signature'));
  });
});

describe('a signing key', () => {
  it('signs, is restored from its seed, and prints no secret', () => {
    const key = SigningKey.generate(people.random);
    const message = Uint8Array.of(1, 2, 3);
    expect(verifySignature(key.publicKey, message, SigningKey.fromSeed(key.exportSeed()).sign(message))).toBe(
      true,
    );
    const seed = Buffer.from(key.exportSeed()).toString('hex');
    const printed = [inspect(key, { showHidden: true }), JSON.stringify(key), String(key)].join();
    expect(printed).toBe('SigningKey([secret]),"SigningKey([secret])",SigningKey([secret])');
    expect(printed).not.toContain(seed);
    key.wipe();
    expect(() => key.sign(message)).toThrow('deleted');
  });

  it('answers false, not an exception, to malformed keys and signatures', () => {
    const key = SigningKey.generate(people.random);
    const message = new Uint8Array(1);
    const signature = key.sign(message);
    expect(verifySignature(key.publicKey.subarray(1), message, signature)).toBe(false);
    expect(verifySignature(new Uint8Array(32).fill(255), message, signature)).toBe(false);
    expect(verifySignature(key.publicKey, message, signature.subarray(1))).toBe(false);
    // The identity as public key, and a signature that the cofactored, lenient check would accept for every message.
    const smallOrder = Uint8Array.of(1, ...new Uint8Array(31));
    expect(verifySignature(smallOrder, message, Uint8Array.of(...smallOrder, ...new Uint8Array(32)))).toBe(
      false,
    );
  });
});
