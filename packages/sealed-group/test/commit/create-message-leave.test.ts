import { describe, expect, test } from 'vitest';
import type { CreateFrame, GroupMode, LeaveFrame, MessageFrame, SecretScalar } from '../../src/index.ts';
import {
  accept,
  buildCreate,
  checkEligibility,
  checkMessageEpoch,
  checkMessageProof,
  leafFrom,
  encodeBody,
  encodeCreateTrailer,
  encodeFrame,
  encodeLeaveTrailer,
  encodeMessageTrailer,
  foundGroup,
  frameBodyHash,
  graceMs,
  leafMessageContext,
  leafNode,
  leaveContext,
  maxEpochKeys,
  messageContext,
  noteLeave,
  parseFrame,
  publicKeyOf,
  trailerContext,
  trailerSignatureContext,
  verifyClaimsOfOne,
  verifyCreate,
  verifyLeave,
} from '../../src/index.ts';
import { sign } from '../../src/signature/index.ts';
import { origin } from '../group/delivery-service.ts';
import { openMode, seededRandom, startMs, suite, valueOf } from '../group/people.ts';
import { World } from './world.ts';

describe('a create', () => {
  const random = seededRandom('create');
  const built = (mode: GroupMode = openMode) =>
    valueOf(
      buildCreate({
        suite,
        random,
        origin,
        mode,
        nowMs: startMs,
        hedgeSecret: random.bytes(32),
        payload: () => accept(random.bytes(10)),
      }),
    );
  const judge = (bytes: Uint8Array, at = origin) => {
    const verified = verifyCreate(suite, valueOf(parseFrame(bytes)) as CreateFrame, at);
    if (!verified.ok) return verified.rule;
    return verifyClaimsOfOne({ suite, random }, verified.value.claims)?.rule ?? 'accepted';
  };

  test('founds a group of one owner in epoch 0', () => {
    const frame = valueOf(parseFrame(built().bytes)) as CreateFrame;
    const group = foundGroup(valueOf(verifyCreate(suite, frame, origin)).effect);
    expect(judge(frame.bytes)).toBe('accepted');
    expect(group.tree.roleCounts().joined.owner).toBe(1);
    expect(group).toMatchObject({ epoch: 0, lastRemovalEpoch: 0, epochKeys: [{ epoch: 0 }] });
  });

  test('for another server, with a bad key, mode or possession proof, is refused', () => {
    const mine = built();
    const frame = valueOf(parseFrame(mine.bytes)) as CreateFrame;
    const { confirm, payload, possession } = frame.trail;
    const changed = (content: Partial<CreateFrame['content']>, trail: Partial<CreateFrame['trail']> = {}) =>
      encodeFrame(
        encodeBody(frame.header, { ...frame.content, ...content }),
        encodeCreateTrailer({ confirm, payload, possession, ...trail }),
      );
    expect(judge(frame.bytes, 'https://elsewhere.example')).toBe('commit/eligible');
    expect(judge(changed({ leafKey: new Uint8Array(32) }))).toBe('commit/key');
    expect(judge(changed({ leafKey: publicKeyOf(suite, built().leafSecret) }))).toBe(
      'commit/create-possession',
    );
    expect(judge(changed({}, { confirm: new Uint8Array(32) }))).toBe('commit/create-possession');
    expect(judge(changed({}, { possession: new Uint8Array(64).fill(0xff) }))).toBe(
      'commit/create-possession',
    );
    // The right statement, as a proof that an adder gives for a leaf it adds.
    const { leafSecret } = mine;
    const asAdded = sign(suite, {
      purpose: 'possession',
      secret: leafSecret,
      publicKey: publicKeyOf(suite, leafSecret),
      context: trailerSignatureContext(
        frame.header,
        trailerContext(frame.bodyHash, encodeCreateTrailer({ confirm, payload })),
      ),
      hedge: { secret: leafSecret, random, context: frame.bodyHash },
    });
    expect(judge(changed({}, { possession: asAdded }))).toBe('commit/create-possession');
    const adminsOnly: GroupMode = { leafProof: false, minWriter: 'admin', ownDevices: true };
    expect(judge(built(adminsOnly).bytes)).toBe('commit/create-mode');
    expect(judge(built({ ...adminsOnly, leafProof: true }).bytes)).toBe('accepted');
  });
});

/** A message frame with arbitrary ciphertext: the server judges only its proof. */
function message(
  world: World,
  by: { secret: SecretScalar; leaf?: number; epoch?: number; purpose?: 'message' | 'blob' },
): MessageFrame {
  const { group, random } = world;
  const { secret, leaf, epoch = group.epoch, purpose = 'message' } = by;
  const header = { origin, groupId: group.groupId, epoch, nonce: random.bytes(16), nowMs: world.nowMs };
  const content = { kind: 'message', header: random.bytes(8), ciphertext: random.bytes(64) } as const;
  const body = encodeBody(header, content);
  const bodyHash = frameBodyHash(body);
  const signed = {
    secret,
    publicKey: publicKeyOf(suite, secret),
    hedge: { secret, random, context: bodyHash },
  };
  const trailer =
    leaf === undefined
      ? encodeMessageTrailer({
          proof: 'epoch',
          signature: sign(suite, { ...signed, purpose, context: messageContext(header, bodyHash) }),
        })
      : encodeMessageTrailer({
          proof: 'leaf',
          leaf,
          signature: sign(suite, {
            ...signed,
            purpose: 'leaf-message',
            context: leafMessageContext(header, bodyHash, leaf),
          }),
        });
  return valueOf(parseFrame(encodeFrame(body, trailer))) as MessageFrame;
}

describe('a message', () => {
  const eligible = (world: World, frame: MessageFrame) =>
    checkEligibility({ suite, random: world.random }, world.group, frame);

  test('is proven by an epoch key; what has none since the last removal is nobody', () => {
    const world = new World('epoch keys');
    const [bob] = world.addJoined(0, 'member');
    const first = world.commit(0);
    const secretOf = (built: typeof first) => built.secrets.pathSecrets.get(built.plan.head)!;
    const good = message(world, { secret: secretOf(first) });
    expect(eligible(world, good).ok).toBe(true);
    expect(checkMessageEpoch(world.group, good)).toMatchObject({ value: 'current' });
    expect(eligible(world, message(world, { secret: world.leafSecrets.get(bob!)! })).ok).toBe(false);
    expect(eligible(world, message(world, { secret: secretOf(first), purpose: 'blob' })).ok).toBe(false);

    // Grace: after a commit that removed, demoted and switched nothing, for a minute at the server.
    const second = world.commit(0);
    expect(eligible(world, good).ok).toBe(true);
    expect(checkMessageEpoch(world.group, good, graceMs)).toMatchObject({ value: 'previous' });
    expect(checkMessageEpoch(world.group, good, graceMs + 1)).toMatchObject({ rule: 'commit/epoch' });
    world.commit(0);
    expect(eligible(world, good).ok).toBe(true);
    expect(checkMessageEpoch(world.group, good, 0)).toMatchObject({ rule: 'commit/epoch' });

    const late = message(world, { secret: secretOf(second), epoch: world.group.epoch - 1 });
    world.commit(0, [{ kind: 'remove', leaf: bob! }]);
    expect(eligible(world, late)).toEqual({ ok: false, rule: 'commit/eligible' });
    expect(world.group).toMatchObject({ lastRemovalEpoch: world.group.epoch, previousEpochGrace: false });
    expect(world.group.epochKeys).toHaveLength(1);
  });

  test('of one of at most 16 epochs is recognised', () => {
    const world = new World('many epochs');
    for (let i = 0; i < maxEpochKeys + 2; i++) world.adopt(valueOf(world.build(0)));
    expect(world.group.epochKeys.map(({ epoch }) => epoch)).toEqual(
      Array.from({ length: maxEpochKeys }, (_, i) => world.group.epoch - maxEpochKeys + 1 + i),
    );
  });

  test('with leaf proofs is signed by a joined leaf whose role may write', () => {
    const world = new World('leaf proofs', { leafProof: true, minWriter: 'admin', ownDevices: false });
    const [admin, member] = world.addJoined(0, 'admin', 'member');
    const pending = world.commit(0, [
      { kind: 'add', role: 'admin', device: false, expiresAtMs: world.nowMs + 10 },
    ]).plan.added[0]!.leaf;
    const rule = (leaf: number) => {
      const frame = message(world, { secret: world.leafSecrets.get(leaf)!, leaf });
      expect(eligible(world, frame).ok).toBe(true);
      const checked = checkMessageProof(world.group, leafFrom(world.group, frame), frame);
      return checked.ok ? 'accepted' : checked.rule;
    };
    expect(rule(admin!)).toBe('accepted');
    expect(rule(member!)).toBe('commit/message-writer');
    expect(rule(pending)).toBe('commit/message-writer');
    const foreign = message(world, { secret: world.leafSecrets.get(member!)!, leaf: admin! });
    expect(eligible(world, foreign)).toEqual({ ok: false, rule: 'commit/eligible' });
    const nobody = message(world, { secret: world.leafSecrets.get(member!)!, leaf: 500 });
    expect(eligible(world, nobody)).toEqual({ ok: false, rule: 'commit/eligible' });
    const head = message(world, { secret: world.leafSecrets.get(0)! });
    expect(checkMessageProof(world.group, undefined, head)).toMatchObject({ rule: 'commit/message-proof' });
  });
});

describe('a leave', () => {
  function leave(
    world: World,
    leaf: number,
    leafEpoch = world.group.tree.leaf(leaf as never)!.epoch,
  ): LeaveFrame {
    const { group, random } = world;
    const secret = world.leafSecrets.get(leaf)!;
    const header = {
      origin,
      groupId: group.groupId,
      epoch: group.epoch,
      nonce: random.bytes(16),
      nowMs: world.nowMs,
    };
    const signature = sign(suite, {
      purpose: 'leave',
      secret,
      publicKey: publicKeyOf(suite, secret),
      context: leaveContext(group, leaf, leafEpoch),
      hedge: { secret, random, context: new Uint8Array(0) },
    });
    const bytes = encodeFrame(
      encodeBody(header, { kind: 'leave', leaf, leafEpoch }),
      encodeLeaveTrailer({ signature }),
    );
    return valueOf(parseFrame(bytes)) as LeaveFrame;
  }

  test('is noted once, ends when its leaf commits, and needs the right instance', () => {
    const world = new World('leave');
    const [bob] = world.addJoined(0, 'member');
    const deps = { suite, random: world.random };
    const frame = leave(world, bob!);
    expect(checkEligibility(deps, world.group, frame).ok).toBe(true);
    expect(checkEligibility(deps, world.group, leave(world, bob!, 99)).ok).toBe(false);
    const effect = valueOf(verifyLeave(world.group, frame));
    expect(effect.repeated).toBe(false);
    world.group = noteLeave(world.group, effect.leave);
    expect(valueOf(verifyLeave(world.group, frame)).repeated).toBe(true);
    expect(world.group.outstandingLeaves).toHaveLength(1);
    world.commit(bob!);
    expect(world.group.outstandingLeaves).toHaveLength(0);
    expect(checkEligibility(deps, world.group, frame).ok).toBe(false);
  });

  test('of a pending leaf, or of the last owner that is not leaving, is refused', () => {
    const world = new World('last owner');
    const [owner] = world.addJoined(0, 'owner');
    const pending = world.commit(0, [
      { kind: 'add', role: 'member', device: false, expiresAtMs: world.nowMs + 10 },
    ]).plan.added[0]!.leaf;
    expect(verifyLeave(world.group, leave(world, pending))).toMatchObject({ rule: 'commit/leave-joined' });
    world.group = noteLeave(world.group, valueOf(verifyLeave(world.group, leave(world, 0))).leave);
    expect(verifyLeave(world.group, leave(world, owner!))).toMatchObject({ rule: 'commit/leave-last-owner' });
    expect(world.group.tree.node(leafNode(owner!))).toBeDefined();
  });
});
