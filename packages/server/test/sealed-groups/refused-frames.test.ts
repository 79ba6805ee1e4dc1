/** Bad frames get a clear error, and nothing is lost: every refusal is compared with the whole database before it. */
import {
  ask,
  base64url,
  defaultMode,
  personOf,
  postCreate,
  postFrame,
  TestMember,
  valueOf,
} from '@conclave/testkit';
import { encodeBody, encodeFrame, parseFrame, SealedGroup } from '@conclave/sealed-group';
import type { BuiltCommit } from '@conclave/sealed-group';
import type { ServerAnswer } from '@conclave/testkit';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { commitFrameOf, type Changes, type Forger } from './forger.ts';
import { startSealedWorld, type SealedWorld } from './sealed-world.ts';

const notEligible = [403, 'CONCLAVE_NOT_ELIGIBLE'] as const;
const broken = [422, 'CONCLAVE_RULE_BROKEN'] as const;
const malformed = [400, 'CONCLAVE_FRAME_MALFORMED'] as const;
const identity = new Uint8Array(32);
const notCanonical = new Uint8Array(32).fill(0xff);

/** A copy with one byte changed. */
function flipped(bytes: Uint8Array, at: number): Uint8Array {
  const copy = Uint8Array.from(bytes);
  copy[at]! ^= 1;
  return copy;
}

let world: SealedWorld;
beforeAll(async () => {
  world = await startSealedWorld({ sealedGroups: { maxPerAccount: 100 } });
});
afterAll(() => world[Symbol.asyncDispose]());

describe('octets that are not a frame', () => {
  let alice: TestMember;
  beforeAll(async () => {
    alice = await world.createGroup();
  });

  it('are refused by the rule they break', async () => {
    const good = alice.prepareText('x').frame;
    const cases: [Uint8Array, string][] = [
      [new Uint8Array(0), 'frame/canonical'],
      [Uint8Array.of(0xff, 0xff, 0xff), 'frame/decodes'],
      [good.subarray(0, good.length - 1), 'frame/decodes'],
      [Uint8Array.from([...good, 0x78, 0x01]), 'frame/canonical'],
    ];
    for (const [octets, rule] of cases) {
      const answer = await alice.post(octets);
      expect([answer.status, answer.body.errcode]).toEqual([...malformed]);
      expect([rule, 'frame/version', 'frame/length', 'frame/content']).toContain(answer.body.rule);
    }
    await world.refused(() => alice.post(Uint8Array.of(0xff, 0xff, 0xff)), ...malformed, 'frame/decodes');
  });

  it('are refused when they are too large, by the frame limit and by the transport', async () => {
    expect.hasAssertions();
    const limit = 2 * 1024 * 1024;
    await world.refused(() => alice.post(new Uint8Array(limit + 1)), 413, 'CONCLAVE_FRAME_TOO_LARGE');
    await world.refused(() => alice.post(new Uint8Array(limit + 2)), 413, 'M_TOO_LARGE');
  });

  it('are refused under another content type', async () => {
    expect.hasAssertions();
    const act = async (): Promise<ServerAnswer> => {
      const response = await fetch(`${world.url}${alice.path}/frames`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: '{}',
      });
      const body = (await response.json()) as ServerAnswer['body'];
      return { status: response.status, headers: response.headers, body, octets: new Uint8Array() };
    };
    await world.refused(act, 415, 'CONCLAVE_UNSUPPORTED_MEDIA_TYPE');
  });
});

describe('a create', () => {
  const built = (origin = world.origin, nowMs = world.clock.nowMs()) =>
    valueOf(SealedGroup.create({ ...alice.deps }, { origin, mode: defaultMode, nowMs }));
  const post =
    (frame: Uint8Array, token = world.accessToken) =>
    () =>
      postCreate(world.url, frame, token);
  let alice: TestMember;
  beforeAll(async () => {
    alice = await world.createGroup();
  });

  it('needs an account', async () => {
    expect.hasAssertions();
    await world.refused(post(built().frame, 'nobody'), 401, 'M_UNKNOWN_TOKEN');
  });

  it('is for this server, by a proper key, in time', async () => {
    await world.refused(post(built('elsewhere.example').frame), ...notEligible);
    const { frame } = built();
    await world.refused(post(flipped(frame, frame.length - 1)), ...broken, 'commit/create-possession');
    for (const key of [identity, notCanonical]) {
      const parsed = valueOf(parseFrame(frame));
      if (parsed.content.kind !== 'create') throw new Error('not a create');
      const body = encodeBody(parsed.header, { ...parsed.content, leafKey: key });
      await world.refused(post(encodeFrame(body, parsed.trailer)), ...broken, 'commit/key');
    }
    const late = built(world.origin, world.clock.nowMs() - 5 * 60_000 - 1);
    const { body } = await world.refused(post(late.frame), 400, 'CONCLAVE_CLOCK_SKEW');
    expect(body).toMatchObject({ now_ms: world.clock.nowMs() });
    await world.refused(post(alice.prepareText('x').frame), ...notEligible);
  });

  it('is answered alike when it comes again, also at the same time; its id is taken for others', async () => {
    const { frame, groupId } = built();
    const answers = await Promise.all(Array.from({ length: 8 }, post(frame)));
    for (const { status, body } of answers) {
      expect([status, body]).toEqual([201, { group_id: base64url(groupId), seq: 1, epoch: 0 }]);
    }
    const other = valueOf(
      SealedGroup.create(
        {
          ...alice.deps,
          random: { bytes: (length) => (length === 16 ? groupId : alice.deps.random.bytes(length)) },
        },
        { origin: world.origin, mode: defaultMode, nowMs: world.clock.nowMs() },
      ),
    );
    expect(base64url(other.groupId)).toBe(base64url(groupId));
    await world.refused(post(other.frame), 409, 'CONCLAVE_GROUP_EXISTS');
  });
});

describe('who does not belong', () => {
  it('gets one answer, byte for byte, whatever is the reason [F14]', async () => {
    const alice = await world.createGroup();
    const mallory = await world.createGroup('mallory');
    const unknown = base64url(new Uint8Array(16).fill(7));
    const text = mallory.prepareText('x').frame;
    const commit = alice.prepareCommit().frame;
    const parsed = valueOf(parseFrame(text));
    const forAlice = encodeFrame(
      encodeBody({ ...parsed.header, groupId: alice.group.groupId }, parsed.content),
      parsed.trailer,
    );
    const commitFrame = commitFrameOf(commit);
    const noSuchLeaf = encodeFrame(
      encodeBody(commitFrame.header, { ...commitFrame.content, committer: 5 }),
      commitFrame.trailer,
    );
    const frames: [string, Uint8Array][] = [
      [unknown, text],
      [mallory.groupId, commit],
      [alice.groupId, text],
      [alice.groupId, forAlice],
      [unknown, forAlice],
      ['not-an-id', text],
      // In the committer's old signature; the last 66 bytes are the new one.
      [alice.groupId, flipped(commit, commit.length - 80)],
      [alice.groupId, noSuchLeaf],
      [
        alice.groupId,
        valueOf(SealedGroup.create(alice.deps, { origin: world.origin, mode: defaultMode, nowMs: 0 })).frame,
      ],
    ];
    const answers = new Set<string>();
    for (const [groupId, frame] of frames) {
      const { octets } = await world.refused(() => postFrame(world.url, groupId, frame), ...notEligible);
      answers.add(Buffer.from(octets).toString('utf8'));
    }
    expect(answers.size).toBe(1);
  });

  it('hears nothing of epochs once removed, while members are told the current one', async () => {
    const alice = await world.createGroup();
    const bob = await alice.welcome('bob');
    const late = [bob.prepareText('late').frame, bob.prepareCommit().frame];
    const mode = { ...defaultMode, ownDevices: false };
    expect((await alice.commit([{ kind: 'set-mode', mode }])).status).toBe(200);
    for (const frame of late) {
      const { body } = await world.refused(() => bob.post(frame), 409, 'CONCLAVE_WRONG_EPOCH');
      expect(body.epoch).toBe(alice.group.epoch);
    }
    expect((await alice.commit([{ kind: 'remove', leaf: bob.group.me.leaf }])).status).toBe(200);
    for (const frame of late) await world.refused(() => bob.post(frame), ...notEligible);
    const octets = new Uint8Array(10);
    const { path, headers } = bob.proveBlob(octets);
    await world.refused(() => ask(world.url, 'PUT', path, { octets, headers }), ...notEligible);
  });
});

describe('a frame with the body of another', () => {
  it('with another good trailer is a conflict; with a false one it is nobody’s', async () => {
    const forger = await world.forger();
    const [first, second] = forger.messageTwice();
    expect((await forger.post(first)).status).toBe(200);
    await world.refused(() => forger.post(second), 409, 'CONCLAVE_FRAME_CONFLICT');
    await world.refused(() => forger.post(flipped(second, second.length - 1)), ...notEligible);
  });
});

describe('a commit', () => {
  let forger: Forger;
  let plain: BuiltCommit;
  let adding: BuiltCommit;
  const expiresAtMs = (): number => world.clock.nowMs() + 60_000;
  const add = () => ({ kind: 'add', role: 'member', expiresAtMs: expiresAtMs(), device: false }) as const;
  // A group for each test: waits for false proofs add up until the frames are too old.
  beforeEach(async () => {
    forger = await world.forger();
    await forger.commit([add(), add(), add()]);
    plain = forger.build();
    adding = forger.build([add()]);
  });

  /** False proofs make their leaf wait: the clock is moved past that, which has a test of its own below. */
  const postPatiently = async (frame: Uint8Array): Promise<ServerAnswer> => {
    const answer = await forger.post(frame);
    if (answer.body.errcode !== 'CONCLAVE_LEAF_WAIT') return answer;
    await world.clock.advance(answer.body.retry_after_ms);
    return postPatiently(frame);
  };
  const refusedAs = async (rule: string, changes: Changes, built = plain) => {
    const forged = forger.forge(built, changes);
    await world.refused(() => postPatiently(forged), ...broken, rule);
  };

  it('that is signed again without a change is a good one: the forger does not err', async () => {
    const other = await world.forger();
    expect((await other.post(other.forge(other.build(), {}))).status).toBe(200);
  });

  it('seals exactly the expected nodes to exactly the expected recipients', async () => {
    expect.hasAssertions();
    await refusedAs('commit/nodes', { content: ({ sealed }) => ({ sealed: sealed.slice(1) }) });
    await refusedAs('commit/nodes', { content: ({ sealed }) => ({ sealed: [...sealed, sealed[0]!] }) });
    await refusedAs('commit/nodes', { content: ({ sealed }) => ({ sealed: [...sealed].reverse() }) });
    await refusedAs('commit/recipients', {
      content: ({ sealed }) => ({
        sealed: sealed.map((node) => ({ ...node, handles: node.handles.slice(1) })),
      }),
    });
    await refusedAs('commit/recipients', {
      content: ({ sealed }) => ({
        sealed: sealed.map((node) => ({ ...node, handles: [...node.handles, node.handles[0]!] })),
      }),
    });
  });

  it('has points for keys, never the identity [F7]', async () => {
    for (const key of [identity, notCanonical]) {
      await refusedAs('commit/key', { content: () => ({ leafKey: key }) });
      await refusedAs('commit/key', {
        content: ({ sealed }) => ({ sealed: sealed.map((node, i) => (i === 0 ? { ...node, key } : node)) }),
      });
    }
    for (const wrong of [identity, notCanonical]) {
      const forged = forger.forge(plain, {
        content: ({ sealed }) => ({
          sealed: sealed.map((node) => ({ ...node, commitments: spliced(node.commitments, wrong) })),
        }),
      });
      const { status, body } = await postPatiently(forged);
      expect([status, body.errcode]).toEqual([...broken]);
      expect(body.rule).toMatch(/^sealing\//);
    }
  });

  it('has canonical scalars in its signatures', async () => {
    expect.hasAssertions();
    const signature = (good: Uint8Array) => Uint8Array.from([...good.subarray(0, 32), ...notCanonical]);
    const byOld = forger.forge(plain, {
      signed: (trail) => ({ oldSignature: signature(trail.oldSignature) }),
    });
    await world.refused(() => forger.post(byOld), ...notEligible);
    await refusedAs('commit/new-signature', {
      signed: (trail) => ({ newSignature: signature(trail.newSignature) }),
    });
    await refusedAs('commit/new-signature', {
      signed: (trail) => ({ newSignature: flipped(trail.newSignature, 33) }),
    });
    await refusedAs(
      'commit/possession',
      { trail: ({ possessions }) => ({ possessions: possessions.map((one) => flipped(one, 33)) }) },
      adding,
    );
  });

  it('is refused when any byte of its sealing proof is changed', async () => {
    const built = plain;
    const { length } = commitFrameOf(built.bytes).trail.sealingProof;
    const step = Math.floor(length / 4);
    for (let at = 5; at < length; at += step) {
      const forged = forger.forge(built, {
        trail: (trail) => ({ sealingProof: flipped(trail.sealingProof, at) }),
      });
      const { status, body } = await postPatiently(forged);
      expect([at, status, body.errcode, body.rule.split('/')[0]]).toEqual([at, ...broken, 'sealing']);
    }
    const shorter = forger.forge(built, {
      trail: (trail) => ({ sealingProof: trail.sealingProof.slice(1) }),
    });
    await world.refused(() => postPatiently(shorter), ...broken, 'sealing/proof-length');
  });

  it('with false proofs makes its leaf wait, owners too', async () => {
    const owner = await world.forger();
    await owner.commit([add()]);
    const good = owner.build();
    // The last response, so that the proof stays well-formed and only its equations fail.
    const forged = owner.forge(good, {
      trail: ({ sealingProof }) => ({ sealingProof: flipped(sealingProof, sealingProof.length - 32) }),
    });
    await world.refused(() => owner.post(forged), ...broken, 'sealing/handle-consistency');
    const { body } = await world.refused(() => owner.post(good.bytes), 429, 'CONCLAVE_LEAF_WAIT');
    expect(body.retry_after_ms).toBe(1_000);
    await world.clock.advance(1_000);
    expect((await owner.post(good.bytes)).status).toBe(200);
  });

  it('whose every byte is signed: a change without the key is nobody’s frame', async () => {
    const { bytes } = plain;
    for (let at = 90; at < bytes.length; at += Math.floor(bytes.length / 24)) {
      const { status, body } = await forger.post(flipped(bytes, at));
      expect([
        at,
        [400, 403].includes(status),
        ['CONCLAVE_NOT_ELIGIBLE', 'CONCLAVE_FRAME_MALFORMED'].includes(body.errcode),
      ]).toEqual([at, true, true]);
    }
    expect((await postPatiently(plain.bytes)).status).toBe(200);
  });
});

describe('roles and times', () => {
  it('hold: a member and a pending leaf may not do what owners do', async () => {
    expect.hasAssertions();
    const forger = await world.forger();
    const expiresAtMs = world.clock.nowMs() + 60_000;
    const add = { kind: 'add', role: 'member', expiresAtMs, device: false } as const;
    await forger.commit([add, add]);
    const remove = { kind: 'remove', leaf: 2, leaveSignature: undefined } as const;
    const promote = { kind: 'set-role', leaf: 1, role: 'owner' } as const;
    const pending = forger.build([], 1);
    for (const operation of [remove, promote]) {
      const forged = forger.forge(pending, { content: () => ({ operations: [operation] }) });
      await world.refused(() => forger.post(forged), ...broken, 'tree/first-commit-only');
    }
    await forger.commit([], 1);
    await world.clock.advance(1_000);
    const member = forger.build([], 1);
    for (const [operation, rule] of [
      [remove, 'tree/remove-authority'],
      [promote, 'tree/set-role-authority'],
    ] as const) {
      const forged = forger.forge(member, { content: () => ({ operations: [operation] }) });
      await world.refused(() => forger.post(forged), ...broken, rule);
    }
  });

  it('a frame from five minutes ahead is refused with the server’s time', async () => {
    const alice = await world.createGroup();
    const nowMs = world.clock.nowMs() + 5 * 60_000 + 1;
    const content = { kind: 'text', text: 'x' } as const;
    const skewed = valueOf(alice.group.encryptMessage({ content, nowMs })).frame;
    const { body } = await world.refused(() => alice.post(skewed), 400, 'CONCLAVE_CLOCK_SKEW');
    expect(body).toMatchObject({ now_ms: world.clock.nowMs() });
  });

  it('a reader writes nothing where writers sign, and messages there need the leaf’s proof [F13]', async () => {
    const alice = await world.createGroup('alice', {
      leafProof: true,
      minWriter: 'member',
      ownDevices: false,
    });
    const reader = await alice.welcome('rita', 'reader');
    await world.refused(
      () => reader.post(reader.prepareText('me too').frame),
      ...broken,
      'commit/message-writer',
    );
    expect((await alice.say('read this')).status).toBe(200);
    const open = await world.createGroup();
    const text = open.prepareText('by the epoch key').frame;
    expect(
      (
        await open.commit([
          { kind: 'set-mode', mode: { leafProof: true, minWriter: 'member', ownDevices: true } },
        ])
      ).status,
    ).toBe(200);
    await world.refused(() => open.post(text), 409, 'CONCLAVE_WRONG_EPOCH');
  });

  it('leaves and expired invitations are due with the next commit', async () => {
    const forger = await world.forger();
    await forger.commit([
      { kind: 'add', role: 'member', expiresAtMs: world.clock.nowMs() + 60_000, device: false },
    ]);
    await world.clock.advance(60_001);
    const { bytes } = forger.build();
    const { body } = await world.refused(() => forger.post(bytes), 409, 'CONCLAVE_REMOVALS_REQUIRED');
    expect(body.leaves).toEqual([1]);
    expect((await forger.commit([{ kind: 'remove', leaf: 1 }])).status).toBe(200);
  });

  it('an administrator’s removal that lost its race has the next epoch to itself', async () => {
    const alice = await world.createGroup();
    const [annsLeaf, unused] = await alice.add('admin', 'member');
    const { url, nowMs } = alice;
    const ann = await TestMember.join({ url, name: 'ann', nowMs }, alice.invite(annsLeaf!));
    await alice.sync();
    const remove = { kind: 'remove', leaf: unused! } as const;
    const removal = ann.prepareCommit([remove]).frame;
    expect((await alice.commit()).status).toBe(200);
    // The one refusal that leaves something: the reservation. Everybody else waits for it, owners too.
    expect((await ann.post(removal)).body).toMatchObject({ errcode: 'CONCLAVE_WRONG_EPOCH', epoch: 3 });
    await world.clock.advance(2_000);
    const frame = alice.prepareCommit().frame;
    const { body } = await world.refused(() => alice.post(frame), 429, 'CONCLAVE_LEAF_WAIT');
    expect(body.retry_after_ms).toBe(8_000);
    await ann.sync();
    expect((await ann.commit([remove])).status).toBe(200);
  });

  it('the last owner does not leave', async () => {
    expect.hasAssertions();
    const alice = await world.createGroup();
    const leave = valueOf(alice.group.leave({ nowMs: alice.nowMs() })).frame;
    await world.refused(() => alice.post(leave), ...broken, 'commit/leave-last-owner');
  });
});

describe('two members', () => {
  let alice: TestMember;
  let bob: TestMember;
  beforeAll(async () => {
    alice = await world.createGroup();
    bob = await alice.welcome('bob');
  });

  it('messages of the epoch before count for a minute, unless somebody was removed', async () => {
    const [first, second] = [bob.prepareText('late').frame, bob.prepareText('later').frame];
    expect((await alice.commit()).body.epoch).toBe(3);
    expect((await bob.post(first)).body).toEqual({ seq: 5, epoch: 3 });
    expect((await alice.post(first)).body).toEqual({ seq: 5, epoch: 3 });
    await world.clock.advance(60_001);
    await world.refused(() => bob.post(second), 409, 'CONCLAVE_WRONG_EPOCH');
  });

  it('a leaf waits after a commit, and is told how long', async () => {
    await bob.sync();
    await world.clock.advance(1_000);
    expect((await bob.commit()).status).toBe(200);
    const { frame } = bob.prepareCommit();
    const { body, headers } = await world.refused(() => bob.post(frame), 429, 'CONCLAVE_LEAF_WAIT');
    expect([body.retry_after_ms, headers.get('retry-after')]).toEqual([1_000, '1']);
    await world.clock.advance(1_000);
    expect((await bob.post(frame)).status).toBe(200);
  });

  it('a repeated frame is answered as the first time: message, leave and commit', async () => {
    await Promise.all([alice.sync(), bob.sync()]);
    const { lastSeq, epoch } = alice.group;
    const text = bob.prepareText('once').frame;
    const first = await bob.post(text);
    const leave = valueOf(bob.group.leave({ nowMs: bob.nowMs() })).frame;
    const left = await bob.post(leave);
    await alice.sync();
    const commit = alice.prepareCommit().frame;
    const committed = await alice.post(commit);
    expect([first, left, committed].map(({ body }) => body)).toEqual([
      { seq: lastSeq + 1, epoch },
      { seq: lastSeq + 2, epoch },
      { seq: lastSeq + 3, epoch: epoch + 1 },
    ]);
    const { running } = world;
    const before = await running.server.store.db.selectFrom('sealed_frames').selectAll().execute();
    for (const [frame, answer] of [
      [text, first],
      [leave, left],
      [commit, committed],
    ] as const) {
      const again = await alice.post(frame);
      expect([again.status, again.octets]).toEqual([answer.status, answer.octets]);
    }
    expect(await running.server.store.db.selectFrom('sealed_frames').selectAll().execute()).toEqual(before);
  });
});

describe('an account', () => {
  it('creates no more groups than it may, however many come at once', async () => {
    await using narrow = await startSealedWorld({ sealedGroups: { maxPerAccount: 2 } });
    const frames = Array.from(
      { length: 6 },
      () =>
        valueOf(
          SealedGroup.create(personOf('ada'), {
            origin: narrow.origin,
            mode: defaultMode,
            nowMs: narrow.clock.nowMs(),
          }),
        ).frame,
    );
    const answers = await Promise.all(
      frames.map((frame) => postCreate(narrow.url, frame, narrow.accessToken)),
    );
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(2);
    const refused = frames.find((_frame, index) => answers[index]!.status === 403)!;
    await narrow.refused(
      () => postCreate(narrow.url, refused, narrow.accessToken),
      403,
      'CONCLAVE_GROUP_QUOTA',
    );
  });
});

/** A digit vector whose first entry is `first`. */
function spliced(vector: Uint8Array, first: Uint8Array): Uint8Array {
  const copy = Uint8Array.from(vector);
  copy.set(first);
  return copy;
}
