import { beforeAll, describe, expect, test } from 'vitest';
import type { BuiltCommit, RuleId } from '../../src/index.ts';
import {
  checkClock,
  checkEligibility,
  leaveContext,
  publicKeyOf,
  verifyClaims,
  verifyCommit,
  clientVerification,
} from '../../src/index.ts';
import { sign } from '../../src/signature/index.ts';
import { suite, valueOf } from '../group/people.ts';
import type { Changes } from './world.ts';
import { commitFrameOf, World } from './world.ts';

const identity = new Uint8Array(32);
const notCanonical = new Uint8Array(32).fill(0xff);
const flip = (bytes: Uint8Array, at = 0) => bytes.map((byte, i) => (i === at ? byte ^ 1 : byte));

describe('a commit', () => {
  let world: World;
  /** By the owner: removes nobody, adds two, so that fills, path and possessions are all there. */
  let adding: BuiltCommit;

  beforeAll(() => {
    world = new World('verify-commit');
    world.addJoined(0, 'member');
    adding = valueOf(
      world.build(
        0,
        [1, 2].map(() => ({
          kind: 'add',
          role: 'member',
          device: false,
          expiresAtMs: world.nowMs + 1000,
        })),
      ),
    );
  });

  test('that was built honestly is accepted, also when signed again unchanged', () => {
    expect(commitFrameOf(adding.bytes).content.fills.length).toBeGreaterThan(0);
    expect(world.ruleOf(adding.bytes)).toBe('accepted');
    expect(world.ruleOf(world.forge(adding, {}))).toBe('accepted');
  });

  const sealedAt = (index: number, change: object): NonNullable<Changes['content']> => {
    return ({ sealed }) => ({
      sealed: sealed.map((node, i) => (i === index ? { ...node, ...change } : node)),
    });
  };

  test.each<[string, RuleId, Changes]>([
    [
      'without one of its sealed nodes',
      'commit/nodes',
      { content: ({ sealed }) => ({ sealed: sealed.slice(1) }) },
    ],
    [
      'with a sealed node twice',
      'commit/nodes',
      { content: ({ sealed }) => ({ sealed: [sealed[0]!, ...sealed] }) },
    ],
    [
      'with its nodes in another order',
      'commit/nodes',
      { content: ({ sealed }) => ({ sealed: sealed.toReversed() }) },
    ],
    [
      'with a node more than expected',
      'commit/nodes',
      { content: ({ sealed }) => ({ sealed: [...sealed, { ...sealed[0]!, node: 1 }] }) },
    ],
    [
      'without one of the recipients',
      'commit/recipients',
      {
        content: ({ sealed }) => ({
          sealed: sealed.map((node) => ({ ...node, handles: node.handles.slice(1) })),
        }),
      },
    ],
    [
      'with a recipient twice',
      'commit/recipients',
      {
        content: ({ sealed }) => ({
          sealed: sealed.map((node) => ({ ...node, handles: [...node.handles, node.handles[0]!] })),
        }),
      },
    ],
    ['with the identity as leaf key', 'commit/key', { content: () => ({ leafKey: identity }) }],
    ['with a leaf key that is no point', 'commit/key', { content: () => ({ leafKey: notCanonical }) }],
    ['with the identity as node key', 'commit/key', { content: sealedAt(0, { key: identity }) }],
    [
      'with the identity as key of an added leaf',
      'commit/key',
      {
        content: ({ operations }) => ({
          operations: operations.map((operation) =>
            operation.kind === 'add' ? { ...operation, leafKey: identity } : operation,
          ),
        }),
      },
    ],
    [
      "with another leaf's key as its new one",
      'tree/unique-key',
      { content: () => ({ leafKey: publicKeyOf(suite, world.leafSecrets.get(1)!) }) },
    ],
    [
      'with the identity as a commitment',
      'sealing/statement-encoding',
      {
        content: ({ sealed }) => ({
          sealed: sealed.map((node) => ({ ...node, commitments: new Uint8Array(512) })),
        }),
      },
    ],
    [
      'with a proof that is too short',
      'sealing/proof-length',
      { trail: ({ sealingProof }) => ({ sealingProof: sealingProof.subarray(1) }) },
    ],
    ['without its proof', 'sealing/proof-length', { trail: () => ({ sealingProof: new Uint8Array(0) }) }],
    [
      'with handles of two recipients exchanged',
      'sealing/key-consistency',
      {
        content: ({ sealed }) => ({
          sealed: sealed.map((node) => ({ ...node, handles: node.handles.toReversed() })),
        }),
      },
    ],
    [
      'with the possession proofs exchanged',
      'commit/possession',
      { trail: ({ possessions }) => ({ possessions: possessions.toReversed() }) },
    ],
    [
      'signed by the old key alone',
      'commit/new-signature',
      { signed: ({ oldSignature }) => ({ newSignature: oldSignature }) },
    ],
    [
      'with a malformed new signature',
      'commit/new-signature',
      { signed: () => ({ newSignature: new Uint8Array(64).fill(0xff) }) },
    ],
    [
      'signed by the new key alone',
      'commit/eligible',
      { signed: ({ newSignature }) => ({ oldSignature: newSignature }) },
    ],
    [
      'with another confirmation than was signed',
      'commit/eligible',
      { signed: ({ confirm }) => ({ confirm: flip(confirm) }) },
    ],
    [
      'with another payload than was signed',
      'commit/eligible',
      { signed: ({ payload }) => ({ payload: flip(payload) }) },
    ],
    ['of another epoch', 'commit/epoch', { header: { epoch: 99 } }],
    ['of an earlier time than the last', 'commit/monotone', { header: { nowMs: 1 } }],
  ])('%s is refused: %s', (_name, rule, changes) => {
    expect(world.ruleOf(world.forge(adding, changes))).toBe(rule);
  });

  test('made by a reader, a member, an outsider or for another group gives the same answer before eligibility is proven', () => {
    const deps = { suite, random: world.random };
    const answer = { ok: false, rule: 'commit/eligible' };
    const forged: Changes[] = [
      { header: { groupId: new Uint8Array(16).fill(9) } },
      { header: { origin: 'https://elsewhere.example' } },
      { content: () => ({ committer: 1 }) },
      { content: () => ({ committer: 77 }) },
      { content: () => ({ committer: 2 ** 20 - 1 }) },
      { signed: () => ({ oldSignature: new Uint8Array(64).fill(0xff) }) },
      { signed: () => ({ oldSignature: new Uint8Array(64) }) },
    ];
    for (const changes of forged) {
      const frame = commitFrameOf(world.forge(adding, changes));
      expect(checkEligibility(deps, world.group, frame)).toEqual(answer);
    }
  });

  test('with any byte changed is refused, and never throws', () => {
    const { length } = adding.bytes;
    for (let sample = 0; sample < 40; sample++) {
      const changed = flip(adding.bytes, Math.floor(((sample + 0.5) / 40) * length));
      expect(world.ruleOf(changed)).not.toBe('accepted');
    }
  });

  test('is judged together with those of other groups, and a bad one does not hurt the others', () => {
    const other = new World('another group');
    const good = valueOf(other.build(0));
    const bad = world.forge(adding, {
      content: ({ sealed }) => ({
        sealed: sealed.map((node) => ({ ...node, handles: node.handles.toReversed() })),
      }),
    });
    const claims = [
      valueOf(verifyCommit(world.group, commitFrameOf(adding.bytes), clientVerification)).claims,
      valueOf(verifyCommit(world.group, commitFrameOf(bad), clientVerification)).claims,
      valueOf(verifyCommit(other.group, commitFrameOf(good.bytes), clientVerification)).claims,
    ];
    expect(verifyClaims({ suite, random: world.random }, claims)).toEqual([
      undefined,
      { ok: false, rule: 'sealing/key-consistency' },
      undefined,
    ]);
  });

  test("is refused by the server when its time is more than five minutes from the server's", () => {
    const frame = commitFrameOf(adding.bytes);
    expect(checkClock(frame, world.nowMs + 300_000).ok).toBe(true);
    expect(checkClock(frame, world.nowMs + 300_001)).toMatchObject({ rule: 'commit/clock' });
    expect(checkClock(frame, world.nowMs - 300_001)).toMatchObject({ rule: 'commit/clock' });
  });
});

describe('a commit out of its place', () => {
  test('does not verify again in a later epoch or in another group, nor does that of a removed leaf', () => {
    const world = new World('replay');
    const [bob, carol] = world.addJoined(0, 'admin', 'member');
    const byOwner = valueOf(world.build(0));
    const byBob = valueOf(world.build(bob!));
    const twin = new World('another group');
    twin.group = { ...world.group, groupId: twin.group.groupId };
    expect(twin.ruleOf(byOwner.bytes)).toBe('commit/eligible');
    world.commit(0);
    // The owner's key changed; bob's did not, so bob may be told which epoch it is.
    expect(world.ruleOf(byOwner.bytes)).toBe('commit/eligible');
    expect(world.ruleOf(byBob.bytes)).toBe('commit/epoch');
    world.commit(0, [{ kind: 'remove', leaf: carol! }]);
    const byCarol = world.build(carol!);
    expect(byCarol.ok).toBe(false);
    const impostor = world.forge(valueOf(world.build(0)), { content: () => ({ committer: carol! }) });
    expect(world.ruleOf(impostor)).toBe('commit/eligible');
  });

  test('of a role that may not do it is refused by rule', () => {
    const world = new World('roles');
    const [member] = world.addJoined(0, 'member');
    const refresh = valueOf(world.build(member!));
    const forged = world.forge(refresh, {
      content: () => ({ operations: [{ kind: 'remove', leaf: 0, leaveSignature: undefined }] }),
    });
    expect(world.ruleOf(forged)).toBe('tree/remove-authority');
    const mode = { leafProof: false, minWriter: 'member', ownDevices: false } as const;
    const switched = world.forge(refresh, { content: () => ({ operations: [{ kind: 'set-mode', mode }] }) });
    expect(world.ruleOf(switched)).toBe('tree/mode-authority');
  });
});

describe('removals', () => {
  test('that are due are demanded by the server of the next commit, not by clients', () => {
    const world = new World('due');
    world.commit(0, [{ kind: 'add', role: 'member', device: false, expiresAtMs: world.nowMs + 10 }]);
    world.nowMs += 10;
    const without = valueOf(world.build(0)).bytes;
    expect(world.ruleOf(without, { requireRemovals: true })).toBe('commit/required-removals');
    expect(world.ruleOf(without)).toBe('accepted');
    const removing = valueOf(world.build(0, [{ kind: 'remove', leaf: 1 }])).bytes;
    expect(world.ruleOf(removing, { requireRemovals: true })).toBe('accepted');
  });

  test('by a member need the signature of the leaving leaf, which holds for its instance and group only', () => {
    const world = new World('leaving');
    const [bob, carol] = world.addJoined(0, 'member', 'member');
    const secret = world.leafSecrets.get(carol!)!;
    const { epoch } = world.group.tree.leaf(carol!)!;
    const signLeave = (leaf: number, leafEpoch: number) =>
      sign(suite, {
        purpose: 'leave',
        secret,
        publicKey: publicKeyOf(suite, secret),
        context: leaveContext(world.group, leaf, leafEpoch),
        hedge: { secret, random: world.random, context: new Uint8Array(0) },
      });
    const remove = (leaveSignature: Uint8Array) =>
      world.ruleOf(valueOf(world.build(bob!, [{ kind: 'remove', leaf: carol!, leaveSignature }])).bytes);
    expect(remove(signLeave(carol!, epoch))).toBe('accepted');
    expect(remove(signLeave(carol!, epoch + 1))).toBe('commit/leave-signature');
    expect(remove(new Uint8Array(64).fill(0xff))).toBe('commit/leave-signature');
    expect(world.build(bob!, [{ kind: 'remove', leaf: carol! }])).toMatchObject({
      rule: 'tree/remove-authority',
    });
    world.commit(carol!);
    expect(remove(signLeave(carol!, epoch))).toBe('commit/leave-signature');
  });
});
