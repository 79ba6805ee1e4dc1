import { inspect } from 'node:util';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Roster } from '../../src/identity/roster.ts';
import type { InviteFields } from '../../src/invite/invite.ts';
import { decodeInvite, maxInviteBytes, verifyInvite, wipeInvite } from '../../src/invite/invite.ts';
import { openSealedInvite, sealInvite } from '../../src/invite/sealed-invite.ts';
import { verifyInviteLeaf, verifyInviter } from '../../src/invite/verify-against-group.ts';
import { Secret } from '../../src/schedule/secret.ts';
import type { LeafNode } from '../../src/tree/tree-node.ts';
import type { InviteBody } from '../../src/wire/gen/member_pb.js';
import { InviteBodySchema, InviteSchema } from '../../src/wire/gen/member_pb.js';
import { ada, ben, cleo, suite } from '../identity/people-fixture.ts';
import { createInviteFixture, expiresAtMs, nowMs } from './invite-fixture.ts';

const fixture = createInviteFixture();
const broken = (rule: string) => ({ ok: false, rule });
const bytesOf = (fields: InviteFields) => ({
  ...fields,
  chain: fields.chain.reveal(),
  leafSecret: fields.leafSecret.reveal(),
  roster: { ...fields.roster, key: fields.roster.key.reveal() },
});

/** The fixture's invite, changed after signing. */
function tampered(change: (body: InviteBody) => void): Uint8Array {
  const invite = fromBinary(InviteSchema, fixture.encode());
  const body = fromBinary(InviteBodySchema, invite.body);
  change(body);
  return toBinary(InviteSchema, create(InviteSchema, { ...invite, body: toBinary(InviteBodySchema, body) }));
}

describe('an invite', () => {
  it('arrives as it was made, fits the group, and names its inviter', () => {
    const invite = fixture.verified();
    expect(bytesOf(invite)).toMatchObject(bytesOf(fixture.fields));
    expect(verifyInviteLeaf(suite, invite, fixture.tree)).toEqual({ ok: true, value: fixture.leaf });
    expect(verifyInviter(invite, fixture.roster)).toMatchObject({ ok: true, value: { name: 'Cleo' } });
  });

  it('prints no secret, and is gone after wiping', () => {
    const invite = fixture.verified();
    const printed = [inspect(invite, { depth: 9, showHidden: true }), JSON.stringify(invite)].join();
    for (const secret of [invite.chain, invite.leafSecret, invite.roster.key, invite.body]) {
      expect(printed).not.toContain([...secret.reveal().subarray(-8)].join(','));
      expect(printed).not.toContain([...secret.reveal().subarray(-8)].join(', '));
    }
    const chain = invite.chain.reveal();
    wipeInvite(invite);
    expect(chain).toEqual(new Uint8Array(32));
    expect(() => invite.leafSecret.reveal()).toThrow('deleted');
  });

  it('is refused, without an exception, with any byte changed or anything random', () => {
    const encoded = fixture.encode();
    for (let at = 0; at < encoded.length; at += 3) {
      const flipped = Uint8Array.from(encoded);
      flipped[at]! ^= 4;
      const invite = decodeInvite(flipped);
      expect(invite.ok && verifyInvite(suite, invite.value, { nowMs }).ok).toBe(false);
    }
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 600 }), (bytes) => {
        expect(decodeInvite(bytes).ok).toBe(false);
      }),
      { numRuns: 200 },
    );
  });
});

describe('the rules of invites', () => {
  it('invite/form: size, encoding, lengths and ranges', () => {
    const rule = broken('invite/form');
    expect(decodeInvite(new Uint8Array(maxInviteBytes + 1))).toMatchObject(rule);
    expect(decodeInvite(Uint8Array.of(...fixture.encode(), 0))).toMatchObject(rule);
    const changes: ((body: InviteBody) => void)[] = [
      (body) => (body.chain = new Uint8Array(31)),
      (body) => (body.leafSecret = new Uint8Array(33)),
      (body) => (body.groupId = new Uint8Array(15)),
      (body) => (body.origin = ''),
      (body) => (body.origin = 'https://chat.example/ x'),
      (body) => (body.leaf = 2 ** 20),
      (body) => (body.epoch = 2n ** 60n),
      (body) => delete body.mode,
      (body) => delete body.roster,
      (body) => (body.roster!.blobId = new Uint8Array(0)),
      (body) => (body.roster!.key = new Uint8Array(16)),
    ];
    for (const change of changes) expect(decodeInvite(tampered(change))).toMatchObject(rule);
  });

  it('invite/version: another version or suite', () => {
    expect(decodeInvite(tampered((body) => (body.version = 2)))).toMatchObject(broken('invite/version'));
    expect(decodeInvite(tampered((body) => (body.suite = 9)))).toMatchObject(broken('invite/version'));
  });

  it('invite/signature: a field changed after signing, another inviter put in', () => {
    const other = fixture.people.persons[ben]!.identity.publicKey;
    for (const change of [
      (body: InviteBody) => (body.expiresAtMs += 1n),
      (body: InviteBody) => (body.inviterKey = other),
    ]) {
      const invite = decodeInvite(tampered(change));
      if (!invite.ok) throw new Error(invite.rule);
      expect(verifyInvite(suite, invite.value, { nowMs })).toMatchObject(broken('invite/signature'));
    }
  });

  it('invite/expected-inviter: not the contact who seems to have sent it', () => {
    const keyOf = (leaf: number) => fixture.people.persons[leaf]!.identity.publicKey;
    const verify = (expectedInviter: Uint8Array) =>
      verifyInvite(suite, fixture.decoded(), { nowMs, expectedInviter });
    expect(verify(keyOf(ben))).toMatchObject(broken('invite/expected-inviter'));
    expect(verify(keyOf(cleo)).ok).toBe(true);
  });

  it('invite/leaf-secret: zero, and beyond the group order', () => {
    for (const secret of [new Uint8Array(32), new Uint8Array(32).fill(255)]) {
      const invite = fixture.decoded({ leafSecret: Secret.copyOf(secret) });
      expect(verifyInvite(suite, invite, { nowMs })).toMatchObject(broken('invite/leaf-secret'));
    }
  });

  it('invite/expired: at its last millisecond it is over', () => {
    const invite = fixture.decoded();
    expect(verifyInvite(suite, invite, { nowMs: expiresAtMs })).toMatchObject(broken('invite/expired'));
    expect(verifyInvite(suite, invite, { nowMs: expiresAtMs - 1 }).ok).toBe(true);
  });

  it('invite/tree-hash: the server shows another tree', () => {
    const tree = { ...fixture.tree, treeHash: () => new Uint8Array(32) };
    expect(verifyInviteLeaf(suite, fixture.verified(), tree)).toMatchObject(broken('invite/tree-hash'));
  });

  it('invite/leaf: not there, joined, of another epoch, adder, expiry or key', () => {
    const { leaf } = fixture;
    const others: (LeafNode | undefined)[] = [
      undefined,
      { ...leaf, expiresAtMs: undefined },
      { ...leaf, expiresAtMs: expiresAtMs + 1 },
      { ...leaf, epoch: 4 },
      { ...leaf, addedBy: undefined },
      { ...leaf, addedBy: { leaf: ada, epoch: 0 } },
      { ...leaf, publicKey: fixture.people.persons[ben]!.node.publicKey },
    ];
    for (const other of others) {
      const tree = { ...fixture.tree, leaf: () => other };
      expect(verifyInviteLeaf(suite, fixture.verified(), tree)).toMatchObject(broken('invite/leaf'));
    }
  });

  it('invite/inviter-listed: the roster does not know the inviter, or knows someone else there', () => {
    const invite = fixture.verified();
    expect(verifyInviter(invite, Roster.empty())).toMatchObject(broken('invite/inviter-listed'));
    const elsewhere = fixture.verified({ inviter: { leaf: cleo, epoch: 4 } });
    expect(verifyInviter(elsewhere, fixture.roster)).toMatchObject(broken('invite/inviter-listed'));
  });
});

describe('a sealed invite', () => {
  it('opens with its secret only', () => {
    const { bytes, secret } = sealInvite(fixture.encode(), fixture.people.random);
    expect(openSealedInvite(bytes, secret).ok).toBe(true);
    const other = Secret.copyOf(new Uint8Array(16));
    expect(openSealedInvite(bytes, other)).toMatchObject(broken('invite/opens'));
  });

  it('invite/opens: any byte flipped, cut, empty, huge', () => {
    const { bytes, secret } = sealInvite(fixture.encode(), fixture.people.random);
    for (let at = 0; at < bytes.length; at += 7) {
      const flipped = Uint8Array.from(bytes);
      flipped[at]! ^= 1;
      expect(openSealedInvite(flipped, secret)).toMatchObject(broken('invite/opens'));
    }
    for (const damaged of [bytes.subarray(1), new Uint8Array(0), new Uint8Array(100_000)]) {
      expect(openSealedInvite(damaged, secret)).toMatchObject(broken('invite/opens'));
    }
  });

  it('has one size, and holds nothing of the invite in the clear', () => {
    const { random } = fixture.people;
    const one = sealInvite(fixture.encode(), random).bytes;
    const other = sealInvite(
      fixture.encode({ origin: `https://${'long.'.repeat(30)}example` }),
      random,
    ).bytes;
    expect(one.length).toBe(other.length);
    expect(Buffer.from(one).includes('chat.example')).toBe(false);
  });

  it('that holds something else is refused by form', () => {
    const { bytes, secret } = sealInvite(Uint8Array.of(1, 2, 3), fixture.people.random);
    expect(openSealedInvite(bytes, secret)).toMatchObject(broken('invite/form'));
  });
});
