import { gcm } from '@noble/ciphers/aes.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { describe, expect, it } from 'vitest';
import { Roster } from '../../src/identity/roster.ts';
import {
  openRosterSnapshot,
  sealRosterSnapshot,
  verifyRosterSnapshot,
} from '../../src/identity/roster-snapshot.ts';
import { hashTuple } from '../../src/hash/index.ts';
import { pad } from '../../src/message/padding.ts';
import { expandLabel } from '../../src/schedule/expand-label.ts';
import { uint64 } from '../../src/schedule/uint64.ts';
import { ada, ben, cleo, createPeople, epoch, groupId, suite } from './people-fixture.ts';

const people = createPeople();
const scope = { groupId, epoch };
const profile = { name: 'Reading club', description: '', picture: undefined };
const roster = Roster.of([people.verified(ada), people.verified(ben), people.verified(cleo)], epoch, profile);
const verifyScope = { ...people.scope, epoch };

describe('a roster snapshot', () => {
  it('gives a newcomer the roster and the profile', () => {
    const opened = openRosterSnapshot(scope, sealRosterSnapshot(scope, roster, people.random));
    if (!opened.ok) throw new Error(opened.rule);
    const verified = verifyRosterSnapshot(suite, opened.value, verifyScope);
    expect(verified.dropped).toEqual([]);
    expect(verified.roster.encode()).toEqual(roster.encode());
  });

  it('loses what does not verify, and only that: wrong fields, forged leaf signatures, doubles', () => {
    const good = people.sign(ada);
    const entries = [
      good,
      { ...people.sign(ben), name: 'Eve' },
      { ...people.sign(cleo), leafSignature: good.leafSignature },
      good,
      { ...good, leaf: 77 },
    ];
    const { roster: found, dropped } = verifyRosterSnapshot(suite, { entries, profile }, verifyScope);
    expect(found.entries().map((entry) => entry.name)).toEqual(['Ada']);
    expect(dropped).toEqual([
      { leaf: ben, rule: 'identity/entry-identity-signature' },
      { leaf: ada, rule: 'identity/snapshot-duplicate' },
      { leaf: 77, rule: 'identity/entry-leaf' },
      { leaf: cleo, rule: 'identity/entry-leaf-signature' },
    ]);
  });

  it('identity/snapshot-hash, identity/snapshot-decrypts: other bytes, another key, another group or epoch', () => {
    const sealed = sealRosterSnapshot(scope, roster, people.random);
    const flipped = Uint8Array.from(sealed.bytes);
    flipped[5]! ^= 1;
    expect(openRosterSnapshot(scope, { ...sealed, bytes: flipped })).toMatchObject({
      rule: 'identity/snapshot-hash',
    });
    const rule = { ok: false, rule: 'identity/snapshot-decrypts' };
    expect(openRosterSnapshot(scope, { ...sealed, bytes: flipped, sha256: sha256(flipped) })).toMatchObject(
      rule,
    );
    expect(openRosterSnapshot(scope, { ...sealed, key: new Uint8Array(32) })).toMatchObject(rule);
    expect(openRosterSnapshot({ ...scope, epoch: 6 }, sealed)).toMatchObject(rule);
    expect(openRosterSnapshot({ ...scope, groupId: new Uint8Array(16) }, sealed)).toMatchObject(rule);
  });

  it('identity/snapshot-form: what an inviter may seal instead of a roster', () => {
    const key = new Uint8Array(32).fill(4);
    const cipher = () =>
      gcm(
        expandLabel(key, 'snapshot-key', [], 32),
        expandLabel(key, 'snapshot-nonce', [], 12),
        hashTuple('roster-snapshot', groupId, uint64(epoch)),
      );
    for (const plaintext of [new Uint8Array(0), new Uint8Array(256).fill(1), pad(Uint8Array.of(9, 9, 9))]) {
      const bytes = cipher().encrypt(plaintext);
      const opened = openRosterSnapshot(scope, { bytes, sha256: sha256(bytes), key });
      expect(opened).toMatchObject({ ok: false, rule: 'identity/snapshot-form' });
    }
    const empty = cipher().encrypt(pad(new Uint8Array(0)));
    expect(openRosterSnapshot(scope, { bytes: empty, sha256: sha256(empty), key }).ok).toBe(true);
  });

  it('hides how many people there are within a step of padding', () => {
    const few = sealRosterSnapshot(scope, Roster.empty(), people.random);
    const one = sealRosterSnapshot(
      scope,
      Roster.of([], epoch, { ...profile, name: 'x'.repeat(100) }),
      people.random,
    );
    expect(few.bytes.length).toBe(one.bytes.length);
  });
});
