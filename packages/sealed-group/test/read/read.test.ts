import { describe, expect, test } from 'vitest';
import {
  blobClaim,
  checkChallenge,
  readClaim,
  verifyClaimsOfOne,
  checkReadToken,
  issueChallenge,
  issueReadToken,
  leafNode,
  maxChallengeMs,
  maxServerSkewMs,
} from '../../src/index.ts';
import type { NodeIndex } from '../../src/index.ts';
import { origin } from '../group/delivery-service.ts';
import { Client, person, seededRandom, service, startMs, suite, valueOf } from '../group/people.ts';

const key = new Uint8Array(32).fill(1);
const random = seededRandom('read');
const deps = { suite, random };

describe('reading', () => {
  const groupId = new Uint8Array(16).fill(2);
  const scope = { key, origin, groupId, nowMs: startMs };
  const { challenge, expiresAtMs } = issueChallenge({ ...scope, random });

  test('starts with a challenge that counts for its server, group and minute', () => {
    const rule = (change: object, bytes = challenge) => {
      const checked = checkChallenge({ ...scope, ...change }, bytes);
      return checked.ok ? 'accepted' : checked.rule;
    };
    expect(expiresAtMs).toBe(startMs + maxChallengeMs);
    expect(rule({})).toBe('accepted');
    expect(rule({ nowMs: expiresAtMs - 1 })).toBe('accepted');
    expect(rule({ nowMs: expiresAtMs })).toBe('read/challenge');
    // Made by another process of the server, whose clock is ahead.
    expect(rule({ nowMs: startMs - maxServerSkewMs })).toBe('accepted');
    expect(rule({ nowMs: startMs - maxServerSkewMs - 1 })).toBe('read/challenge');
    expect(rule({ origin: 'https://elsewhere.example' })).toBe('read/challenge');
    expect(rule({ groupId: new Uint8Array(16) })).toBe('read/challenge');
    expect(rule({ key: new Uint8Array(32) })).toBe('read/challenge');
    for (let at = 0; at < challenge.length; at++) {
      expect(
        rule(
          {},
          challenge.map((byte, i) => (i === at ? byte ^ 1 : byte)),
        ),
      ).toBe('read/challenge');
    }
    expect(rule({}, challenge.subarray(1))).toBe('read/challenge');
    expect(rule({}, new Uint8Array(0))).toBe('read/challenge');
  });

  test('buys a token that ends by time and with the next removal', () => {
    const token = issueReadToken(scope, { epoch: 7, expiresAtMs: startMs + 10 });
    const rule = (now: { nowMs: number; lastRemovalEpoch: number }, bytes = token, at = scope) => {
      const checked = checkReadToken(at, bytes, now);
      return checked.ok ? checked.value : checked.rule;
    };
    const good = { nowMs: startMs, lastRemovalEpoch: 7 };
    expect(rule(good)).toEqual({ epoch: 7, expiresAtMs: startMs + 10 });
    expect(rule({ ...good, nowMs: startMs + 10 })).toBe('read/token');
    expect(rule({ ...good, lastRemovalEpoch: 8 })).toBe('read/token-epoch');
    expect(
      rule(
        good,
        token.map((byte, i) => (i === 7 ? byte + 1 : byte)),
      ),
    ).toBe('read/token');
    expect(rule(good, challenge)).toBe('read/token');
    expect(rule(good, token, { ...scope, groupId: new Uint8Array(16) })).toBe('read/token');
  });

  test('is proven by any node key of the current tree, and blobs by an epoch key since the last removal', () => {
    const ds = service();
    const alice = Client.create(person('alice'), ds);
    const [leaf] = alice.add({});
    const bob = Client.join(person('bob'), ds, alice.invite(leaf!));
    alice.sync();
    const group = () => ds.group;
    const highest = valueOf(bob.group.proveReading(challenge));
    const lowest = valueOf(bob.group.proveReading(challenge, 'leaf'));
    expect(highest.node).toBe(1);
    expect(lowest.node).toBe(leafNode(leaf!));
    const rule = (proof: { node: number; signature: Uint8Array }, signed = challenge) => {
      const node = group().tree.node(proof.node as NodeIndex);
      if (node === undefined) return 'gone';
      const claim = readClaim(group(), { ...proof, publicKey: node.publicKey, challenge: signed });
      return verifyClaimsOfOne(deps, [claim])?.rule ?? 'accepted';
    };
    expect(rule(highest)).toBe('accepted');
    expect(rule(lowest)).toBe('accepted');
    expect(rule({ ...lowest, node: 0 })).toBe('read/proof');
    expect(rule({ ...highest, signature: new Uint8Array(64) })).toBe('read/proof');
    expect(rule(highest, issueChallenge({ ...scope, random }).challenge)).toBe('read/proof');

    const blob = { blobId: random.bytes(16), sizeBytes: 10, sha256: random.bytes(32) };
    const proof = { ...valueOf(bob.group.proveBlob(blob)), blob };
    const blobRule = (change: Partial<typeof proof>) => {
      const claim = blobClaim(group(), { ...proof, ...change });
      return claim.ok ? (verifyClaimsOfOne(deps, [claim.value])?.rule ?? 'accepted') : claim.rule;
    };
    expect(blobRule({})).toBe('accepted');
    expect(blobRule({ blob: { ...blob, sizeBytes: 11 } })).toBe('read/blob-proof');
    expect(blobRule({ blob: { ...blob, sizeBytes: -1 } })).toBe('read/blob-proof');
    expect(blobRule({ epoch: proof.epoch + 1 })).toBe('read/blob-proof');
    expect(blobRule({ signature: new Uint8Array(3) })).toBe('read/blob-proof');

    valueOf(alice.commit([{ kind: 'remove', leaf: leaf! }]));
    for (const old of [highest, lowest]) expect(rule(old)).toBe('gone');
    expect(blobRule({})).toBe('read/blob-proof');

    // Bob's leaf lies outside of the tree, which has shrunk.
    bob.sync();
    for (const by of ['highest', 'leaf'] as const)
      expect(bob.group.proveReading(challenge, by)).toMatchObject({ ok: false, rule: 'commit/member' });
    expect(bob.group.proveBlob(blob)).toMatchObject({ ok: false, rule: 'commit/member' });
  });
});
