import { inspect } from 'node:util';
import { describe, expect, test, vi } from 'vitest';
import {
  accept,
  decodeInvite,
  digitsOf,
  encodeBody,
  encodeCommitTrailer,
  encodeFrame,
  frameBodyHash,
  leafNode,
  SealedGroup,
  searchInPlace,
  trailerContext,
  trailerSignatureContext,
  verifyClaimsOfOne,
  verifyInvite,
  violation,
} from '../../src/index.ts';
import type {
  Claim,
  CommitContent,
  CommitTrailerContent,
  DigitSearch,
  FoundDigits,
  LeafIndex,
  NodeIndex,
  ProofVerifier,
  Result,
  SealedNodeContent,
  SecretScalar,
} from '../../src/index.ts';
import { clientVerification, verifyCommit } from '../../src/index.ts';
import { openPath } from '../../src/group/open-path.ts';
import { publicKeyOf } from '../../src/index.ts';
import { SecretStateSchema } from '../../src/wire/gen/group_state_pb.js';
import { sign } from '../../src/signature/index.ts';
import { commitFrameOf } from '../commit/world.ts';
import { fromBinary } from '@bufbuild/protobuf';
import { Client, openMode, pair, person, seededRandom, service, suite, valueOf } from './people.ts';

/** A commit that a member made and then changed and signed again: the member is malicious, its keys are real. */
function forgeBy(
  client: Client,
  change: (content: CommitContent, trail: CommitTrailerContent) => { content?: object; trail?: object },
): Uint8Array {
  const before = secretsOf(client).path;
  const frame = commitFrameOf(
    valueOf(client.group.prepareCommit({ operations: [], nowMs: client.ds.nowMs })).frame,
  );
  const { pending } = secretsOf(client);
  const changes = change(frame.content, frame.trail);
  const body = encodeBody(frame.header, { ...frame.content, ...changes.content });
  const bodyHash = frameBodyHash(body);
  const rest = { ...frame.trail, ...changes.trail };
  const { possessions, sealingProof, confirm, payload } = rest;
  const unsigned = encodeCommitTrailer({ possessions, sealingProof, confirm, payload });
  const context = trailerSignatureContext(frame.header, trailerContext(bodyHash, unsigned));
  const leaf = leafNode(client.group.me.leaf);
  const signBy = (purpose: 'commit-old' | 'commit-new', secrets: ReadonlyMap<NodeIndex, SecretScalar>) => {
    const secret = secrets.get(leaf)!;
    const hedge = { secret, random: client.deps.random, context: bodyHash };
    return sign(suite, { purpose, secret, publicKey: publicKeyOf(suite, secret), context, hedge });
  };
  const oldSignature = signBy('commit-old', before);
  const newSignature = signBy('commit-new', pending.at(-1)!);
  return encodeFrame(body, encodeCommitTrailer({ ...rest, oldSignature, newSignature }));
}

/** The same secret in other digits: one is 2^16 larger, the next one smaller by one. */
function carryDigit(node: SealedNodeContent): SealedNodeContent {
  const { group, messageBase } = suite;
  const digits = group.decodePoints(node.commitments)!;
  const carried = group.multiply(messageBase, group.scalars.fromNumber(2 ** 16));
  digits[0] = group.add(digits[0]!, carried);
  digits[1] = group.subtract(digits[1]!, messageBase);
  return { ...node, commitments: group.encodePoints(digits) };
}

/** The same digits as `carryDigit` makes, with a proof that holds. */
function carried(secret: SecretScalar): number[] {
  const digits = digitsOf(secret);
  return digits.with(0, digits[0]! + 2 ** 16).with(1, digits[1]! - 1);
}

interface AskedSearch {
  readonly search: DigitSearch;
  readonly resolve: (found: FoundDigits) => void;
  readonly reject: (error: Error) => void;
}

/** From now on this client's slow searches wait for the test, which finds them here. */
function searchesOf(client: Client): AskedSearch[] {
  const asked: AskedSearch[] = [];
  const slowSearch = (search: DigitSearch) =>
    new Promise<FoundDigits>((resolve, reject) => asked.push({ search, resolve, reject }));
  client.group = client.as({ ...client.deps, slowSearch }).group;
  return asked;
}

/** What a thief of the device would read. */
function secretsOf(client: Client) {
  const state = fromBinary(SecretStateSchema, client.group.encodeSecret());
  const mapOf = (records: readonly { node: number; secret: Uint8Array }[]) =>
    new Map(records.map(({ node, secret }) => [node as NodeIndex, secret as SecretScalar]));
  return { path: mapOf(state.path), pending: state.pending.map(({ path }) => mapOf(path)) };
}

describe('a member', () => {
  test('takes frames in their order only, each once', () => {
    const { ds, alice, bob } = pair();
    valueOf(alice.say('one'));
    valueOf(alice.say('two'));
    const [one, two] = ds.log.slice(-2);
    expect(bob.group.processFrame(two!.bytes, two!.seq)).toMatchObject({ rule: 'commit/gap' });
    expect(valueOf(bob.group.processFrame(one!.bytes, one!.seq))).toMatchObject([{ kind: 'message' }]);
    expect(valueOf(bob.group.processFrame(one!.bytes, one!.seq))).toEqual([]);
    expect(valueOf(bob.group.processFrame(two!.bytes, two!.seq))).toMatchObject([{ kind: 'message' }]);
  });

  test('shows a replayed message to nobody as new, and says why', () => {
    const { ds, alice, bob } = pair();
    valueOf(alice.say('once'));
    bob.sync();
    const { bytes, seq } = ds.log.at(-1)!;
    expect(valueOf(bob.group.processFrame(bytes, seq + 1))).toMatchObject([
      { kind: 'unauthentic-message', rule: 'message/generation-unused' },
    ]);
  });

  test('refuses what the server had to refuse, and is as it was', () => {
    const { ds, alice, bob } = pair();
    const say = (client: Client, text: string) =>
      valueOf(client.group.encryptMessage({ content: { kind: 'text', text }, nowMs: ds.nowMs })).frame;
    const late = say(alice, 'two epochs ago');
    const noise = say(alice, 'changed on its way');
    noise[noise.length - 80]! ^= 1;
    const seq = bob.group.lastSeq + 1;
    const before = bob.group.encodeSecret();
    // Nobody signed these octets: the proof for the server is false.
    expect(bob.group.processFrame(noise, seq)).toMatchObject({ ok: false, rule: 'commit/eligible' });
    valueOf(alice.commit());
    const ahead = say(alice, 'of an epoch that Bob was not shown');
    expect(bob.group.processFrame(ahead, seq)).toMatchObject({ ok: false, rule: 'commit/epoch' });
    expect(bob.group.encodeSecret()).toEqual(before);
    bob.sync();
    expect(valueOf(bob.group.processFrame(ahead, seq + 1))).toMatchObject([{ kind: 'message' }]);
    valueOf(ds.post(ahead));
    valueOf(alice.commit());
    bob.sync();
    expect(bob.group.processFrame(late, bob.group.lastSeq + 1)).toMatchObject({ rule: 'commit/epoch' });
  });

  test('refuses a message of another future of the group, whose epoch has the same number', () => {
    const { ds, alice, bob } = pair();
    const fork = alice.as({ ...alice.deps, random: seededRandom('another future') });
    const other = valueOf(fork.group.prepareCommit({ operations: [], nowMs: ds.nowMs }));
    valueOf(fork.group.processFrame(other.frame, fork.group.lastSeq + 1));
    const content = { kind: 'text', text: 'from over there' } as const;
    const crossing = valueOf(fork.group.encryptMessage({ content, nowMs: ds.nowMs })).frame;
    valueOf(bob.commit());
    expect(fork.group.epoch).toBe(bob.group.epoch);
    expect(bob.group.processFrame(crossing, bob.group.lastSeq + 1)).toMatchObject({
      rule: 'commit/eligible',
    });
    const next = valueOf(fork.group.prepareCommit({ operations: [], nowMs: ds.nowMs })).frame;
    expect(bob.group.processFrame(next, bob.group.lastSeq + 1)).toMatchObject({ rule: 'commit/eligible' });
  });

  test('reads late messages of the epoch before, and none after it forgot that epoch', () => {
    const { ds, alice, bob } = pair();
    const late = [1, 2].map((n) =>
      valueOf(alice.group.encryptMessage({ content: { kind: 'text', text: `late ${n}` }, nowMs: ds.nowMs })),
    );
    valueOf(bob.commit());
    valueOf(ds.post(late[0]!.frame));
    expect(bob.sync()).toMatchObject([{ kind: 'message', content: { text: 'late 1' } }]);
    valueOf(ds.post(late[1]!.frame));
    bob.group.forgetPreviousEpoch();
    expect(bob.sync()).toMatchObject([{ kind: 'unreadable-message' }]);
    expect(alice.sync().map(({ kind }) => kind)).toEqual(['epoch-changed', 'own-message', 'own-message']);
  });

  test('shows late messages under the name of their epoch', () => {
    const { ds, alice, bob } = pair();
    const content = { kind: 'text', text: 'still Bob' } as const;
    const late = valueOf(bob.group.encryptMessage({ content, nowMs: ds.nowMs }));
    const renamed = new Client(
      { ...bob.deps, profile: { ...bob.deps.profile, name: 'Robert' } },
      ds,
      bob.group,
    );
    renamed.restart();
    valueOf(renamed.commit());
    valueOf(ds.post(late.frame));
    valueOf(renamed.say('Robert now'));
    const messages = alice.sync().filter((event) => event.kind === 'message');
    expect(messages).toMatchObject([
      { content, entry: { name: 'bob' } },
      { content: { text: 'Robert now' }, entry: { name: 'Robert' } },
    ]);
  });

  test('refuses a commit whose sealed secret is not that of the published key, whoever let it through', () => {
    const { ds, alice, bob } = pair();
    const forged = forgeBy(alice, ({ sealed }) => ({
      content: {
        sealed: sealed.map((node) => ({ ...node, key: bob.group.tree.node(1 as never)!.publicKey.slice() })),
      },
    }));
    expect(bob.group.processFrame(forged, ds.log.length + 1)).toMatchObject({ rule: 'tree/unique-key' });
    const other = publicKeyOf(
      suite,
      secretsOf(alice)
        .pending.at(-1)!
        .get(1 as NodeIndex)!,
    );
    const wrongKey = forgeBy(alice, ({ sealed }) => ({
      content: { sealed: sealed.map((node) => ({ ...node, key: other })) },
    }));
    const epoch = bob.group.epoch;
    const lenient = bob.group.processFrame(wrongKey, ds.log.length + 1, { sealingProof: false });
    expect(lenient).toMatchObject({ ok: false, rule: 'commit/opens' });
    const strict = bob.group.processFrame(wrongKey, ds.log.length + 1);
    expect(strict).toMatchObject({ ok: false, rule: 'sealing/key-consistency' });
    expect(bob.group.epoch).toBe(epoch);
    valueOf(bob.commit());
  });

  test('never searches for digits outside the table unless a valid proof bounds the search', async () => {
    const { ds, alice, bob } = pair();
    const forged = forgeBy(alice, ({ sealed }) => ({ content: { sealed: sealed.map(carryDigit) } }));
    const searches = searchesOf(bob);
    const options = { sealingProof: false };
    const processed = await bob.group.processFrameAsync(forged, ds.log.length + 1, options);
    expect(processed).toMatchObject({ ok: false, rule: 'sealing/key-consistency' });
    expect(searches).toEqual([]);
  });

  test('leaves a slow search to others, keeps the group closed meanwhile, and may stop it', async () => {
    const { ds, alice, bob } = pair();
    const mallory = alice.as({ ...alice.deps, cutDigits: carried });
    valueOf(mallory.commit());
    const { bytes, seq } = ds.log.at(-1)!;
    const searches = searchesOf(bob);
    const before = bob.group.encodeSecret();

    const stopped = bob.group.processFrameAsync(bytes, seq);
    expect(() => bob.group.processFrame(bytes, seq)).toThrow('being processed');
    await vi.waitFor(() => expect(searches).toHaveLength(1));
    searches.at(-1)!.reject(new Error('stopped'));
    await expect(stopped).rejects.toThrow('stopped');
    expect(bob.group.encodeSecret()).toEqual(before);

    const opened = bob.group.processFrameAsync(bytes, seq);
    await vi.waitFor(() => expect(searches).toHaveLength(2));
    const { search, resolve } = searches.at(-1)!;
    expect(search.points).toHaveLength(512);
    resolve(searchInPlace(suite, search));
    expect(valueOf(await opened)).toContainEqual({
      kind: 'slow-opening',
      committer: mallory.group.me.leaf,
    });
    // What was searched for is the secret itself.
    expect(search.points).toEqual(new Uint8Array(512));
    expect(bob.group.authenticator).toEqual(mallory.group.authenticator);
  });

  test('leaves claims to a verifier, takes the commit after its verdict only, and believes no failure', async () => {
    const { ds, alice, bob } = pair();
    valueOf(alice.commit());
    const { bytes, seq } = ds.log.at(-1)!;
    const verdicts: PromiseWithResolvers<Result<void>>[] = [];
    const asked: (readonly Claim[])[] = [];
    const proofVerifier: ProofVerifier = (claims) => {
      asked.push(claims);
      const verdict = Promise.withResolvers<Result<void>>();
      verdicts.push(verdict);
      return verdict.promise;
    };
    bob.group = bob.as({ ...bob.deps, proofVerifier }).group;
    const before = bob.group.encodeSecret();

    const failed = bob.group.processFrameAsync(bytes, seq);
    expect(() => bob.group.prepareCommit({ operations: [], nowMs: ds.nowMs })).toThrow('being processed');
    verdicts[0]!.reject(new Error('no verdict'));
    await expect(failed).rejects.toThrow('no verdict');
    expect(bob.group.encodeSecret()).toEqual(before);

    const refused = bob.group.processFrameAsync(bytes, seq);
    verdicts[1]!.resolve(violation('sealing/shortness'));
    expect(await refused).toEqual(violation('sealing/shortness'));
    expect(bob.group.encodeSecret()).toEqual(before);

    const taken = bob.group.processFrameAsync(bytes, seq);
    expect(bob.group.encodeSecret()).toEqual(before);
    verdicts[2]!.resolve(accept(undefined));
    expect(valueOf(await taken)).toMatchObject([{ kind: 'epoch-changed', epoch: alice.group.epoch }]);
    expect(bob.group.authenticator).toEqual(alice.group.authenticator);
    // All that a member verifies, the sealing proof among it.
    expect(asked[2]!.map(({ kind }) => kind)).toEqual(['signature', 'keys', 'signature', 'sealing']);
    expect(verifyClaimsOfOne(bob.deps, asked[2]!)).toBeUndefined();
    // Its own commits need no verdict.
    const own = valueOf(bob.group.prepareCommit({ operations: [], nowMs: ds.nowMs }));
    const ownSeq = valueOf(ds.post(own.frame));
    expect(valueOf(await bob.group.processFrameAsync(own.frame, ownSeq))[0]?.kind).toBe('commit-accepted');
    expect(asked).toHaveLength(3);
  });

  test('a commit with two faults is refused by the same rule, wherever it is verified', async () => {
    const { ds, alice, bob } = pair();
    const proofVerifier: ProofVerifier = (claims) =>
      Promise.resolve(verifyClaimsOfOne(bob.deps, claims) ?? accept(undefined));
    bob.group = bob.as({ ...bob.deps, proofVerifier }).group;
    const seq = ds.log.length + 1;
    const falseProof = (_content: CommitContent, { sealingProof }: CommitTrailerContent): Uint8Array => {
      const proof = sealingProof.slice();
      proof[40]! ^= 1;
      return proof;
    };
    const forged = [
      forgeBy(alice, (content, trail) => ({ trail: { sealingProof: falseProof(content, trail) } })),
      forgeBy(alice, ({ sealed }) => ({ content: { sealed: sealed.map(carryDigit) } })),
    ];
    // Its last octets are those of its signatures.
    const both = forged.map((frame) => frame.with(frame.length - 1, frame.at(-1)! ^ 1));
    for (const frame of [...forged, ...both]) {
      const inPlace = bob.group.processFrame(frame, seq);
      expect(inPlace.ok).toBe(false);
      expect(await bob.group.processFrameAsync(frame, seq)).toEqual(inPlace);
    }
  });

  test('refuses a commit of its own leaf that it does not know at once: nothing that it keeps opens it', async () => {
    const { ds, bob } = pair();
    // The store was put back to a time before the commit, or somebody copied it.
    const old = bob.copyTo(ds);
    valueOf(bob.commit());
    const searches = searchesOf(old);
    const processed = await old.group.processFrameAsync(ds.log.at(-1)!.bytes, ds.log.length);
    expect(processed).toMatchObject({ ok: false, rule: 'commit/opens' });
    expect(searches).toEqual([]);
  });

  test('finds digits outside the table by a slow search', () => {
    const { ds, alice, bob, leaf } = pair();
    const frame = commitFrameOf(
      valueOf(alice.group.prepareCommit({ operations: [], nowMs: ds.nowMs })).frame,
    );
    const { effect } = valueOf(verifyCommit(ds.group, frame, clientVerification));
    const search = openPath({
      suite,
      tree: effect.plan.draft,
      seals: effect.plan.seals,
      sealed: frame.content.sealed.map(carryDigit),
      leaf,
      known: secretsOf(bob).path,
    });
    let searches = 0;
    let step = search.next();
    for (; step.done !== true; step = search.next(searchInPlace(suite, step.value))) searches += 1;
    expect(searches).toBe(1);
    const opened = valueOf(step.value);
    expect(opened.slow).toBe(true);
    expect(opened.secrets.get(1 as NodeIndex)).toEqual(secretsOf(alice).pending[0]!.get(1 as NodeIndex));
  });

  test('accepts a commit with a wrong confirmation and payload, and flags its maker', () => {
    const { ds, alice, bob } = pair();
    const forged = forgeBy(alice, () => ({
      trail: { confirm: new Uint8Array(32), payload: new Uint8Array(99) },
    }));
    valueOf(ds.post(forged));
    const events = bob.sync();
    expect(events[0]).toEqual({
      kind: 'commit-flagged',
      committer: 0,
      flags: ['identity/confirm', 'identity/payload-decrypts'],
    });
    expect(events.at(-1)).toMatchObject({ kind: 'epoch-changed' });
  });

  test('who joins without saying who it is becomes a duty of administrators, and so do descendants of the removed', () => {
    const ds = service();
    const alice = Client.create(person('alice', 'duties'), ds);
    const [bobLeaf] = alice.add({ role: 'admin' });
    const bob = Client.join(person('bob', 'duties'), ds, alice.invite(bobLeaf!));
    const [carolLeaf] = bob.add({});
    const carol = Client.accept(person('carol', 'duties'), ds, bob.invite(carolLeaf!));
    valueOf(ds.post(forgeBy(carol, () => ({ trail: { payload: new Uint8Array(50) } }))));
    expect(alice.sync()).toContainEqual({ kind: 'unlisted-leaf', leaf: carolLeaf });
    const standings = alice.group.members().map(({ standing }) => standing);
    expect(standings).toEqual(['listed', 'listed', 'unlisted']);
    valueOf(alice.commit([{ kind: 'remove', leaf: bobLeaf! }]));
    expect(alice.events).toContainEqual({
      kind: 'descendants-remain',
      removed: bobLeaf,
      leaves: [carolLeaf],
    });
  });

  test('may step down beside an owner who asked to leave and is the last one then', () => {
    const { ds, alice, bob, leaf } = pair();
    valueOf(alice.commit([{ kind: 'set-role', leaf, role: 'owner' }]));
    bob.sync();
    valueOf(ds.post(valueOf(bob.group.leave({ nowMs: ds.nowMs })).frame));
    alice.sync();
    valueOf(alice.commit([{ kind: 'set-role', leaf: 0, role: 'admin' }]));
    expect(alice.group.members().map(({ role, isLeaving }) => [role, isLeaving])).toEqual([
      ['admin', false],
      ['owner', true],
    ]);
  });

  test('that got no roster holds nobody for unlisted, and knows whoever commits from then on', () => {
    const { ds, alice } = pair();
    const [carolLeaf] = alice.add({ role: 'owner' });
    const given = alice.invite(carolLeaf!);
    const carol = Client.join(person('carol', 'no roster'), ds, { ...given, snapshot: new Uint8Array(0) });
    const standings = () => carol.group.members().map(({ standing }) => standing);
    expect(standings()).toEqual(['unknown', 'unknown', 'listed']);
    alice.sync();
    valueOf(alice.commit());
    carol.sync();
    expect(standings()).toEqual(['listed', 'unknown', 'listed']);
  });

  test('gives invites only for leaves that it added and that are still pending', () => {
    const { ds, alice, bob, leaf } = pair();
    const roster = { blobId: Uint8Array.of(1), sha256: new Uint8Array(32), key: new Uint8Array(32) };
    expect(alice.group.createInvite(leaf, roster)).toMatchObject({ rule: 'commit/invitable' });
    expect(alice.group.sealRosterFor(7 as LeafIndex)).toMatchObject({ rule: 'commit/invitable' });
    const [next] = alice.add({});
    expect(alice.group.invitableLeaves()).toEqual([next]);
    alice.restart();
    bob.sync();
    valueOf(bob.commit());
    alice.sync();
    // Two epochs later the invite still opens what came after its own epoch.
    const carol = Client.join(person('carol', 'invitable'), ds, alice.invite(next!));
    expect(carol.group.members().map(({ entry }) => entry?.name)).toEqual(['alice', 'bob', 'carol']);
    alice.group.forgetInvite(next!);
    expect(alice.group.invitableLeaves()).toEqual([]);
  });

  test('joins by the commit that its invite names, and by no other', () => {
    const ds = service();
    const alice = Client.create(person('alice', 'join'), ds);
    const [leaf] = alice.add({});
    const given = alice.invite(leaf!);
    const invite = valueOf(verifyInvite(suite, valueOf(decodeInvite(given.invite)), { nowMs: ds.nowMs }));
    const input = {
      invite,
      tree: ds.treeByEpoch.get(1)!,
      commit: ds.log[1]!.bytes,
      commitSeq: 2,
      snapshot: undefined,
    };
    const rule = (change: object) => {
      const joined = SealedGroup.join(person('eve', 'join'), { ...input, ...change });
      return joined.ok ? 'joined' : joined.rule;
    };
    expect(rule({})).toBe('joined');
    expect(rule({ commit: ds.log[0]!.bytes })).toBe('commit/adding-commit');
    expect(rule({ tree: ds.treeByEpoch.get(0)! })).toBe('invite/tree-hash');
    expect(rule({ tree: new Uint8Array(3) })).toMatch(/^tree\//);
    const frame = commitFrameOf(ds.log[1]!.bytes);
    const resigned = (trail: object, content: object = {}) =>
      encodeFrame(
        encodeBody(frame.header, { ...frame.content, ...content }),
        encodeCommitTrailer({ ...frame.trail, ...trail }),
      );
    expect(rule({ commit: resigned({ confirm: new Uint8Array(32) }) })).toBe('commit/new-signature');
    expect(rule({ commit: resigned({}, { leafKey: new Uint8Array(32) }) })).toBe('commit/adding-commit');
    const [sealed] = frame.content.sealed;
    expect(rule({ commit: resigned({}, { sealed: [{ ...sealed!, handles: [] }] }) })).toBe(
      'commit/recipients',
    );
    expect(rule({ commit: resigned({}, { sealed: [{ ...sealed!, node: 3 }] }) })).toBe('commit/nodes');
  });

  test('that was removed, or has not the keys yet, makes nothing', () => {
    const { ds, alice, bob, leaf } = pair();
    const [next] = alice.add({});
    const carol = Client.accept(person('carol', 'nothing'), ds, alice.invite(next!));
    const say = { content: { kind: 'text', text: 'x' }, nowMs: ds.nowMs } as const;
    expect(carol.group.status).toBe('joining');
    expect(carol.group.encryptMessage(say)).toMatchObject({ rule: 'commit/member' });
    expect(carol.group.leave({ nowMs: ds.nowMs })).toMatchObject({ rule: 'commit/leave-joined' });
    valueOf(alice.say('before you came'));
    expect(carol.sync()).toMatchObject([{ kind: 'unreadable-message' }]);
    valueOf(alice.commit([{ kind: 'remove', leaf }]));
    bob.sync();
    expect(bob.group.status).toBe('removed');
    expect(bob.group.encryptMessage(say)).toMatchObject({ rule: 'commit/member' });
    expect(bob.group.prepareCommit({ operations: [], nowMs: ds.nowMs })).toMatchObject({
      rule: 'commit/member',
    });
    expect(bob.group.processFrame(ds.log[0]!.bytes, 99)).toMatchObject({ rule: 'commit/member' });
  });

  test('reads the e-1 leaves as they were: a broadcast group switches writers with its mode', () => {
    const { alice, bob } = pair();
    valueOf(
      alice.commit([{ kind: 'set-mode', mode: { leafProof: true, minWriter: 'admin', ownDevices: true } }]),
    );
    expect(bob.sync()).toContainEqual(expect.objectContaining({ kind: 'mode-changed' }));
    valueOf(alice.say('to all'));
    expect(bob.sync()).toMatchObject([{ kind: 'message', content: { text: 'to all' } }]);
    expect(bob.say('me too')).toMatchObject({ rule: 'commit/message-writer' });
    valueOf(alice.commit([{ kind: 'set-mode', mode: openMode }]));
    bob.sync();
    valueOf(bob.say('me too'));
  });
});

describe('stored state', () => {
  test('comes back whole, with pending commits, added leaves and sent messages', () => {
    const { ds, alice, bob } = pair();
    alice.add({}, {});
    bob.sync();
    valueOf(alice.group.prepareCommit({ operations: [], nowMs: ds.nowMs }));
    valueOf(alice.say('x'));
    const stored = { public: alice.group.encodePublic(), secret: alice.group.encodeSecret() };
    const group = valueOf(SealedGroup.decode(alice.deps, stored));
    expect(group.encodePublic()).toEqual(stored.public);
    expect(group.encodeSecret()).toEqual(stored.secret);
    expect(group.members()).toEqual(alice.group.members());
  });

  test('that is damaged, cut or of two times is refused', () => {
    const { alice } = pair();
    const old = { public: alice.group.encodePublic(), secret: alice.group.encodeSecret() };
    valueOf(alice.commit());
    const stored = { public: alice.group.encodePublic(), secret: alice.group.encodeSecret() };
    const rule = (change: Partial<typeof stored>) => {
      const decoded = SealedGroup.decode(alice.deps, { ...stored, ...change });
      return decoded.ok ? 'accepted' : decoded.rule;
    };
    expect(rule({})).toBe('accepted');
    expect(rule({ public: old.public })).toBe('commit/state');
    expect(rule({ secret: old.secret })).toBe('commit/state');
    expect(rule({ secret: new Uint8Array(0) })).toBe('commit/state');
    for (let at = 0; at < stored.secret.length; at += 97) {
      expect(() => rule({ secret: stored.secret.subarray(0, at) })).not.toThrow();
      expect(rule({ secret: stored.secret.subarray(0, at) })).not.toBe('accepted');
    }
    const random = seededRandom('damage');
    for (let i = 0; i < 60; i++) {
      const part = i % 2 === 0 ? 'public' : 'secret';
      const bytes = stored[part].slice();
      const [low, high, by] = random.bytes(3);
      bytes[((high! << 8) | low!) % bytes.length]! ^= by! | 1;
      expect(() => SealedGroup.decode(alice.deps, { ...stored, [part]: bytes })).not.toThrow();
    }
  });

  test('never shows a secret when printed', () => {
    const { alice } = pair();
    const secret = Buffer.from(secretsOf(alice).path.get(0 as NodeIndex)!).toString('hex');
    const printed = [
      inspect(alice.group, { depth: 9, showHidden: true }),
      JSON.stringify(alice.group),
      String(alice.group),
    ];
    for (const text of printed) expect(text).toMatch(/^"?SealedGroup\([0-9a-f]{32}, epoch \d+\)"?$/);
    expect(printed.join('')).not.toContain(secret);
  });
});
