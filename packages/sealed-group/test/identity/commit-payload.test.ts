import { gcm } from '@noble/ciphers/aes.js';
import { describe, expect, it } from 'vitest';
import { hashTuple } from '../../src/hash/index.ts';
import { maxOthers, openCommitPayload, sealCommitPayload } from '../../src/identity/commit-payload.ts';
import { examineCommitPayload } from '../../src/identity/examine-commit-payload.ts';
import type { IdentityEntry } from '../../src/identity/identity-entry.ts';
import { Roster } from '../../src/identity/roster.ts';
import { SigningKey } from '../../src/identity/signing-key.ts';
import { pad } from '../../src/message/padding.ts';
import { expandLabel } from '../../src/schedule/expand-label.ts';
import { ada, adasPhone, ben, cleo, createPeople, epoch, origin, suite } from './people-fixture.ts';

const people = createPeople();
const bodyHash = new Uint8Array(32).fill(8);
const emptyRoster = Roster.empty();

function examine(input: {
  leaf: Parameters<typeof people.sign>[0];
  payload?: Uint8Array;
  roster?: Roster;
  confirm?: Uint8Array;
}) {
  const keys = people.deriveKeys();
  return examineCommitPayload({
    suite,
    random: people.random,
    origin,
    keys,
    bodyHash,
    confirm: input.confirm ?? keys.confirmation(),
    payload: input.payload ?? sealCommitPayload(keys, bodyHash, { entry: people.sign(input.leaf) }),
    committer: input.leaf,
    tree: people.tree,
    roster: input.roster ?? emptyRoster,
  });
}

const profile = { name: 'Reading club', description: 'Books.\nTuesdays.', picture: undefined };

describe("a commit's payload", () => {
  it('brings the committer, others and the profile to those who have the new epoch', () => {
    const keys = people.deriveKeys();
    const payload = sealCommitPayload(keys, bodyHash, {
      entry: people.sign(ada),
      others: [people.sign(ben)],
      profile,
    });
    const findings = examine({ leaf: ada, payload });
    expect(findings.flags).toEqual([]);
    expect(findings.entry?.name).toBe('Ada');
    expect(findings.others.map((entry) => entry.name)).toEqual(['Ben']);
    expect(findings.profile).toEqual(profile);
  });

  it("has the same size whatever the committer's name", () => {
    const sizes = ['A', 'A'.repeat(256)].map((name) => {
      const entry = people.sign(ada, { profile: { name, deviceName: name, picture: undefined } });
      return sealCommitPayload(people.deriveKeys(), bodyHash, { entry }).length;
    });
    expect(sizes).toEqual([1040, 1040]);
  });
});

describe('the rules of payloads flag the committer and reject nothing', () => {
  it('identity/confirm: another MAC', () => {
    const findings = examine({ leaf: ada, confirm: new Uint8Array(32) });
    expect(findings).toMatchObject({ flags: ['identity/confirm'], entry: { name: 'Ada' } });
    expect(examine({ leaf: ada, confirm: new Uint8Array(0) }).flags).toEqual(['identity/confirm']);
  });

  it('identity/payload-decrypts: any byte flipped, another body, nothing at all', () => {
    const keys = people.deriveKeys();
    const sealed = sealCommitPayload(keys, bodyHash, { entry: people.sign(ada) });
    for (let at = 0; at < sealed.length; at++) {
      const flipped = Uint8Array.from(sealed);
      flipped[at]! ^= 0x80;
      expect(openCommitPayload(keys, bodyHash, flipped)).toMatchObject({ rule: 'identity/payload-decrypts' });
    }
    expect(openCommitPayload(keys, new Uint8Array(32), sealed)).toMatchObject({
      rule: 'identity/payload-decrypts',
    });
    expect(examine({ leaf: ada, payload: new Uint8Array(0) })).toEqual({
      entry: undefined,
      others: [],
      profile: undefined,
      flags: ['identity/payload-decrypts'],
    });
  });

  it('identity/payload-form: no padding, no payload, more repeated entries than anyone should verify', () => {
    const keys = people.deriveKeys();
    const sealed = (plaintext: Uint8Array) => {
      const key = expandLabel(keys.payload.reveal(), 'payload-seal-key', [bodyHash], 32);
      const nonce = expandLabel(keys.payload.reveal(), 'payload-seal-nonce', [bodyHash], 12);
      const data = hashTuple('payload-additional-data', keys.contextHash, bodyHash);
      return gcm(key, nonce, data).encrypt(plaintext);
    };
    const rule = { ok: false, rule: 'identity/payload-form' };
    for (const plaintext of [new Uint8Array(0), new Uint8Array(1024).fill(1), pad(Uint8Array.of(9), 1024)]) {
      expect(openCommitPayload(keys, bodyHash, sealed(plaintext))).toMatchObject(rule);
    }
    expect(openCommitPayload(keys, bodyHash, sealed(pad(new Uint8Array(0), 1024))).ok).toBe(true);
    const entry = people.sign(ada);
    const repeated = (count: number) =>
      sealCommitPayload(keys, bodyHash, { entry, others: Array.from({ length: count }, () => entry) });
    expect(openCommitPayload(keys, bodyHash, repeated(maxOthers + 1))).toMatchObject(rule);
    expect(openCommitPayload(keys, bodyHash, repeated(maxOthers)).ok).toBe(true);
  });

  it("identity/entry-present: no entry for the committer's leaf", () => {
    const payload = sealCommitPayload(people.deriveKeys(), bodyHash, { entry: people.sign(ben) });
    expect(examine({ leaf: ada, payload })).toMatchObject({
      flags: ['identity/entry-present'],
      entry: undefined,
    });
  });

  it('an entry that does not verify is dropped, and its rule is the flag', () => {
    const payload = sealCommitPayload(people.deriveKeys(), bodyHash, {
      entry: { ...people.sign(ada), name: 'Eve' },
      others: [people.sign(ben), { ...people.sign(cleo), leafSignature: people.sign(ben).leafSignature }],
    });
    const findings = examine({ leaf: ada, payload });
    expect(findings.flags).toEqual(['identity/entry-leaf-signature', 'identity/entry-identity-signature']);
    expect(findings.entry).toBeUndefined();
    expect(findings.others.map((entry) => entry.name)).toEqual(['Ben']);
  });

  it('identity/same-identity: a leaf that is suddenly someone else', () => {
    const roster = Roster.of([people.verified(ben)], epoch - 1, emptyRoster.profile);
    const entry = people.sign(ben, { identity: SigningKey.generate(people.random) });
    const payload = sealCommitPayload(people.deriveKeys(), bodyHash, { entry });
    expect(examine({ leaf: ben, payload, roster })).toMatchObject({
      flags: ['identity/same-identity'],
      entry: undefined,
    });
  });

  it("identity/device-of-adder: a device leaf of another person than its adder's is shown, and flagged", () => {
    const roster = Roster.of([people.verified(ada)], epoch - 1, emptyRoster.profile);
    expect(examine({ leaf: adasPhone, roster }).flags).toEqual([]);
    const entry = people.sign(adasPhone, { identity: SigningKey.generate(people.random) });
    const payload = sealCommitPayload(people.deriveKeys(), bodyHash, { entry });
    expect(examine({ leaf: adasPhone, payload, roster })).toMatchObject({
      flags: ['identity/device-of-adder'],
      entry: { leaf: adasPhone },
    });
  });

  it('identity/profile-authority and identity/profile-form: only owners and admins, only what may be shown', () => {
    const keys = people.deriveKeys();
    const by = (leaf: typeof ada, name: string) =>
      examine({
        leaf,
        payload: sealCommitPayload(keys, bodyHash, {
          entry: people.sign(leaf),
          profile: { ...profile, name },
        }),
      });
    expect(by(cleo, 'Mine')).toMatchObject({ flags: ['identity/profile-authority'], profile: undefined });
    expect(by(ben, '\u202e')).toMatchObject({ flags: ['identity/profile-form'], profile: undefined });
    expect(by(ben, 'Ours')).toMatchObject({ flags: [], profile: { name: 'Ours' } });
  });
});

describe('the roster', () => {
  const change = (committer: typeof ada, entry: IdentityEntry | undefined, at = epoch) => ({
    epoch: at,
    committer,
    entry,
    others: [],
    removed: [],
    profile: undefined,
  });

  it('follows commits, keeps the signing key of the epoch before, and knows who is unlisted', () => {
    const before = Roster.of(
      [people.verified(ada), people.verified(adasPhone), people.verified(ben)],
      3,
      profile,
    );
    expect(before.unlisted(people.tree)).toEqual([]);
    const rotated = { ...people.verified(ben), signingKey: new Uint8Array(32).fill(1) };
    const after = before.afterCommit(change(ben, rotated));
    expect(after.entryAt(ben, epoch)?.signingKey).toEqual(rotated.signingKey);
    expect(after.entryAt(ben, epoch - 1)?.signingKey).toEqual(people.verified(ben).signingKey);
    expect(after.entryAt(ben, 2)?.signingKey).toBeUndefined();
    expect(after.entryAt(cleo, epoch)?.signingKey).toBeUndefined();
    expect(before.entryAt(ben, epoch)?.signingKey).toEqual(people.verified(ben).signingKey);
    const silent = after.afterCommit(change(ben, undefined, epoch + 1));
    expect(silent.entry(ben)).toBeUndefined();
    expect(silent.entryAt(ben, epoch + 1)?.signingKey).toBeUndefined();
    expect(silent.entryAt(ben, epoch)?.signingKey).toEqual(rotated.signingKey);
    expect(silent.unlisted(people.tree)).toEqual([ben]);
    expect(silent.profile).toEqual(profile);
  });

  it('tells who said nothing from whom it knows nothing of', () => {
    const standings = (roster: Roster) =>
      people.persons.map(({ leaf, node }) => roster.standingOf(leaf, node));
    const known = Roster.of([people.verified(ada), people.verified(ben)], 3, profile);
    expect(standings(known)).toEqual(['listed', 'unknown', 'listed', 'unknown', 'pending']);
    const silent = known.afterCommit(change(ben, undefined)).afterCommit(change(cleo, undefined));
    expect(standings(silent)).toEqual(['listed', 'unknown', 'unlisted', 'unlisted', 'pending']);
    expect(standings(Roster.decode(silent.encode())!)).toEqual(standings(silent));
  });

  it('remembers an identity through any number of commits without an entry, and forgets it with the leaf', () => {
    const other = people.sign(ben, { identity: SigningKey.generate(people.random) }) as IdentityEntry;
    let roster = Roster.of([people.verified(ben), people.verified(ada)], 1, profile);
    for (const at of [2, 3, 4]) roster = roster.afterCommit(change(ben, undefined, at));
    roster = roster.afterCommit(change(ada, undefined)).afterCommit(change(ada, undefined, epoch + 1));
    for (const same of [roster, Roster.decode(roster.encode())!]) {
      expect(same.changesIdentity(other)).toBe(true);
      expect(same.changesIdentity(people.verified(ben))).toBe(false);
      const payload = sealCommitPayload(people.deriveKeys(), bodyHash, { entry: other });
      expect(examine({ leaf: ben, payload, roster: same }).flags).toEqual(['identity/same-identity']);
      const device = { ...other, leaf: adasPhone };
      expect(same.isForeignDevice(device, people.tree.leaf(adasPhone)!)).toBe(true);
    }
    const gone = roster.afterCommit({ ...change(ada, undefined, epoch + 2), removed: [ben] });
    expect(gone.changesIdentity(other)).toBe(false);
  });

  it('removes leaves, finds all of a person, and takes what others repeat only where it knows nothing', () => {
    const roster = Roster.of([people.verified(ada), people.verified(adasPhone)], 3, profile);
    expect(roster.leavesOf(people.persons[ada]!.identity.publicKey)).toEqual([ada, adasPhone]);
    const renamed = { ...people.verified(adasPhone), name: 'Not Ada' };
    const after = roster.afterCommit({
      ...change(ben, people.verified(ben)),
      others: [renamed, people.verified(cleo)],
      removed: [ada],
    });
    expect(after.entries().map((entry) => entry.name)).toEqual(['Ada', 'Ben', 'Cleo']);
    expect(after.entry(ada)).toBeUndefined();
  });

  it('is restored from what it stored', () => {
    const roster = Roster.of([people.verified(ada), people.verified(ben)], 3, profile)
      .afterCommit(change(ben, undefined))
      .afterCommit(change(cleo, people.verified(cleo)));
    const restored = Roster.decode(roster.encode());
    expect(restored?.encode()).toEqual(roster.encode());
    expect(restored?.entryAt(ben, 4)?.signingKey).toEqual(roster.entryAt(ben, 4)?.signingKey);
    expect(Roster.decode(roster.encode().subarray(1))).toBeUndefined();
  });
});
