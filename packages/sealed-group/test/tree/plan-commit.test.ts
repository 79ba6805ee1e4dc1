/** What the plan of a commit says: the tree afterwards, the seals, the head, and the cases that are easy to get wrong. */
import { describe, expect, test } from 'vitest';
import type { LeafIndex, NodeIndex, TreeOperation } from '../../src/tree/index.ts';
import { leafNode, maxRequiredRemovals, requiredRemovals, TreeMisuseError } from '../../src/tree/index.ts';
import { maxAdds } from '../../src/wire/limits.ts';
import { dayMs, GroupModel, openMode, unwrap } from './group-model.ts';

const remove = (leaf: number): TreeOperation => ({ kind: 'remove', leaf, leaveSignature: undefined });
const leave = (leaf: number): TreeOperation => ({ kind: 'remove', leaf, leaveSignature: new Uint8Array(64) });
const setRole = (leaf: number, role: 'owner' | 'admin' | 'member' | 'reader'): TreeOperation => ({
  kind: 'set-role',
  leaf,
  role,
});
const at = (index: number): NodeIndex => index as NodeIndex;
const lf = (index: number): LeafIndex => index as LeafIndex;

describe('the shape after a commit', () => {
  test('of a creator alone: no seals, its own leaf is the head', () => {
    const group = new GroupModel();
    const plan = unwrap(group.plan(0));
    expect(plan.seals).toEqual([]);
    expect(plan.head).toBe(0);
    expect(plan.allowsGrace).toBe(true);
    expect(plan.locksOutEarlierTokens).toBe(false);
  });

  test('seals the path to new leaves as well', () => {
    const group = new GroupModel();
    const plan = group.commit(0, [group.add(), group.add(), group.add()]);
    expect(plan.added).toEqual([
      { leaf: 1, operation: 0 },
      { leaf: 2, operation: 1 },
      { leaf: 3, operation: 2 },
    ]);
    expect(plan.seals).toEqual([
      { node: 1, kind: 'path', recipients: [0, 2] },
      { node: 3, kind: 'path', recipients: [1, 4, 6] },
    ]);
    expect(plan.head).toBe(3);
    expect(group.tree.leafCount).toBe(4);
    expect(group.tree.isBlank(at(5))).toBe(true);
  });

  test('notes new leaves as unmerged off the committer’s path, where they count as recipients', () => {
    const group = new GroupModel();
    group.join(0, 'admin', 'member', 'member');
    group.commit(0, [remove(2)]);
    group.commit(3);
    const plan = group.commit(0, [group.add()]);
    expect(plan.added[0]!.leaf).toBe(2);
    // Node 5 was blanked and is blank still: leaf 3 alone could not key it.
    expect(plan.seals.at(-1)).toEqual({ node: 3, kind: 'path', recipients: [1, 4, 6] });

    const wide = new GroupModel();
    wide.join(0, 'admin', 'member', 'member', 'member', 'member', 'member', 'member');
    wide.commit(0, [remove(4)]);
    wide.commit(6);
    expect(wide.tree.isBlank(at(11))).toBe(false);
    const into = wide.commit(0, [wide.add()]);
    expect(wide.tree.unmergedLeaves(at(11))).toEqual([4]);
    expect(into.seals.at(-1)).toEqual({ node: 7, kind: 'path', recipients: [3, 8, 11] });
  });

  test('reuses the place of a leaf removed in the same commit, as another instance', () => {
    const group = new GroupModel();
    group.join(0, 'admin', 'member', 'member');
    const before = group.person(lf(2));
    const plan = group.commit(0, [group.add(), remove(2)]);
    expect(plan.removed).toEqual([2]);
    expect(plan.added).toEqual([{ leaf: 2, operation: 0 }]);
    expect(group.person(lf(2))).not.toBe(before);
    expect(group.tree.leaf(lf(2))!.epoch).toBe(group.epoch);
    expect(group.whoKnows(plan.head).has(before)).toBe(false);
  });

  test('truncates when the right half empties, and grows again for adds of the same commit', () => {
    const group = new GroupModel();
    group.join(0, 'admin', 'member', 'member', 'member');
    expect(group.tree.leafCount).toBe(8);
    expect(unwrap(group.plan(0, [remove(4)])).draft.leafCount).toBe(4);
    const plan = group.commit(0, [remove(4), group.add()]);
    expect(plan.added[0]!.leaf).toBe(4);
    expect(group.tree.leafCount).toBe(8);
    group.commit(0, [remove(4), remove(3), remove(2), group.add()]);
    expect(group.tree.leafCount).toBe(4);
    expect(group.tree.leaf(lf(2))).toBeDefined();
  });

  test('doubles more than once when many are added', () => {
    const group = new GroupModel();
    const plan = group.commit(
      0,
      Array.from({ length: 16 }, () => group.add()),
    );
    expect(group.tree.leafCount).toBe(32);
    expect(plan.head).toBe(31);
    expect(group.tree.occupiedLeaves(at(31))).toBe(17);
  });

  test('leaves a committer alone whose right neighbours are all removed: its leaf is the head', () => {
    const group = new GroupModel();
    group.join(0, 'owner', 'member', 'member');
    const plan = group.commit(1, [remove(0), remove(2), remove(3)]);
    expect(plan.seals).toEqual([]);
    expect(plan.head).toBe(leafNode(lf(1)));
    expect(group.tree.leafCount).toBe(2);
    expect([...group.tree.nodes()].map(([index]) => index)).toEqual([2]);
    // And goes on from there.
    const next = group.commit(1, [group.add()]);
    expect(next.added[0]!.leaf).toBe(0);
    expect(next.seals).toEqual([{ node: 1, kind: 'path', recipients: [0, 2] }]);
  });

  test('skips path nodes whose other side is empty', () => {
    const group = new GroupModel();
    group.join(0, 'member', 'member', 'member', 'member');
    group.commit(0, [remove(1), remove(3)]);
    const plan = group.commit(0);
    expect(plan.seals).toEqual([
      { node: 3, kind: 'path', recipients: [0, 4] },
      { node: 7, kind: 'path', recipients: [3, 8] },
    ]);
    expect(group.tree.isBlank(at(1))).toBe(true);
  });

  test('fills first, bottom-up, then the path, which is sealed to the fills', () => {
    const group = new GroupModel();
    const adds = Array.from({ length: 7 }, () => group.add());
    const plan = group.commit(0, adds, [5, 9, 13, 11]);
    expect(plan.seals).toEqual([
      { node: 5, kind: 'fill', recipients: [4, 6] },
      { node: 9, kind: 'fill', recipients: [8, 10] },
      { node: 13, kind: 'fill', recipients: [12, 14] },
      { node: 11, kind: 'fill', recipients: [9, 13] },
      { node: 1, kind: 'path', recipients: [0, 2] },
      { node: 3, kind: 'path', recipients: [1, 5] },
      { node: 7, kind: 'path', recipients: [3, 11] },
    ]);
  });

  test('fills may skip levels and stand beside the path', () => {
    const group = new GroupModel();
    const adds = Array.from({ length: 7 }, () => group.add());
    const plan = group.commit(0, adds, [11]);
    expect(plan.seals[0]).toEqual({ node: 11, kind: 'fill', recipients: [8, 10, 12, 14] });
    expect(plan.seals.at(-1)).toEqual({ node: 7, kind: 'path', recipients: [3, 11] });
  });
});

describe('a first commit', () => {
  test('ends pending and allows grace', () => {
    const group = new GroupModel();
    group.commit(0, [group.add('admin')]);
    const plan = group.commit(1);
    expect(plan.joined).toBe(1);
    expect(plan.allowsGrace).toBe(true);
    expect(group.tree.leaf(lf(1))).toMatchObject({
      role: 'admin',
      expiresAtMs: undefined,
      addedBy: { leaf: 0, epoch: 0 },
    });
    expect(group.plan(1)).toMatchObject({ ok: true, value: { joined: undefined } });
  });

  test('takes its secrets out of the inviter’s hands', () => {
    const group = new GroupModel();
    group.join(0, 'admin');
    const plan = group.commit(1, [group.add(), group.add()], [5]);
    const inviter = group.person(lf(1));
    expect(plan.seals[0]!.node).toBe(5);
    expect(group.whoKnows(at(5)).has(inviter)).toBe(true);
    group.commit(2);
    // Leaf 3 under node 5 is the inviter's pending leaf still.
    expect(group.whoKnows(at(5)).has(inviter)).toBe(true);
    group.commit(3);
    expect(group.whoKnows(at(5)).has(inviter)).toBe(false);
  });
});

describe('cascades', () => {
  test('take the pending leaves of who is removed, not the joined ones', () => {
    const group = new GroupModel();
    group.join(0, 'admin');
    group.join(1, 'member');
    group.commit(1, [group.add(), group.add()]);
    const plan = group.commit(0, [remove(1)]);
    expect(plan.removed).toEqual([1, 3, 4]);
    expect(group.leaves()).toEqual([0, 2]);
    expect(plan.locksOutEarlierTokens).toBe(true);
    expect(plan.allowsGrace).toBe(false);
  });

  test('take the pending leaves of who is demoted, by others or by itself', () => {
    for (const actor of [0, 1]) {
      const group = new GroupModel();
      group.join(0, 'admin');
      group.commit(1, [group.add()]);
      const plan = group.commit(actor, [setRole(1, 'member')]);
      expect(plan.demoted).toEqual([1]);
      expect(plan.removed).toEqual([2]);
      expect(plan.locksOutEarlierTokens).toBe(true);
      expect(group.leaves()).toEqual([0, 1]);
    }
  });

  test('spare the pending leaves of who is promoted', () => {
    const group = new GroupModel();
    group.join(0, 'admin');
    group.commit(1, [group.add()]);
    const plan = group.commit(0, [setRole(1, 'owner')]);
    expect(plan.removed).toEqual([]);
    expect(plan.demoted).toEqual([]);
    expect(plan.allowsGrace).toBe(true);
  });

  test('follow a leave too, and take no leaf of the place’s next tenant', () => {
    const group = new GroupModel();
    group.join(0, 'admin', 'member');
    group.commit(1, [group.add()]);
    expect(group.commit(2, [leave(1)]).removed).toEqual([1, 3]);
    group.join(0, 'admin');
    expect(group.leaves()).toEqual([0, 1, 2]);
    group.commit(1, [group.add()]);
    expect(group.commit(0, [remove(2)]).removed).toEqual([2]);
  });

  test('may name a leaf that is also removed by itself', () => {
    const group = new GroupModel();
    group.join(0, 'admin');
    group.commit(1, [group.add()]);
    expect(group.commit(0, [remove(1), remove(2)]).removed).toEqual([1, 2]);
  });

  test('reach through pending inviters', () => {
    // No legal history has one: a tree from elsewhere might.
    const group = new GroupModel();
    group.join(0, 'admin');
    group.commit(1, [group.add('member'), group.add('member')]);
    const second = group.tree.leaf(lf(3))!;
    group.tree.apply({
      leafCount: 4,
      subtrees: new Map(),
      nodes: new Map([
        [at(6), { ...second, addedBy: { leaf: lf(2), epoch: group.tree.leaf(lf(2))!.epoch } }],
      ]),
    });
    expect(unwrap(group.plan(0, [remove(1)])).removed).toEqual([1, 2, 3]);
  });
});

describe('the joined devices of who is demoted', () => {
  /** Owners 0 and 1; 2 and 3 are devices of 1: an owner and a member. */
  function withDevices(): GroupModel {
    const group = new GroupModel();
    group.join(0, 'owner');
    const devices = [group.add('owner', { device: true }), group.add('member', { device: true })];
    for (const { leaf } of group.commit(1, devices).added) group.commit(leaf);
    return group;
  }
  const rolesIn = (group: GroupModel) => group.leaves().map((leaf) => group.tree.leaf(leaf)!.role);

  test('go down to the same role, those that stand there already stay', () => {
    for (const [actor, role, after] of [
      [0, 'admin', ['owner', 'admin', 'admin', 'member']],
      [1, 'admin', ['owner', 'admin', 'admin', 'member']],
      [0, 'reader', ['owner', 'reader', 'reader', 'reader']],
    ] as const) {
      const group = withDevices();
      const plan = group.commit(actor, [setRole(1, role)]);
      expect(rolesIn(group)).toEqual(after);
      expect(plan.demoted).toEqual(role === 'admin' ? [1, 2] : [1, 2, 3]);
      expect(plan.allowsGrace).toBe(false);
      for (const leaf of group.leaves()) expect(group.whoKnows(plan.head)).toContain(group.person(leaf));
    }
  });

  test('take the committing device along, whose later operations are judged by its new role', () => {
    const group = withDevices();
    expect(group.verdict(2, [setRole(1, 'member')])).toBe('ok');
    expect(group.verdict(2, [setRole(1, 'member'), remove(0)])).toBe('tree/remove-authority');
    const plan = group.commit(2, [setRole(1, 'member')]);
    expect(plan.demoted).toEqual([1, 2]);
    expect(rolesIn(group)).toEqual(['owner', 'member', 'member', 'member']);
  });

  test('may be removed or given a lower role in the same commit, and never stand above their adder', () => {
    const group = withDevices();
    expect(unwrap(group.plan(0, [setRole(1, 'member'), remove(2)])).removed).toEqual([2]);
    const lower = unwrap(group.plan(0, [setRole(1, 'admin'), setRole(2, 'reader')]));
    expect(lower.draft.leaf(lf(2))!.role).toBe('reader');
    expect(group.verdict(0, [setRole(1, 'member'), setRole(2, 'admin')])).toBe('tree/role-given');
    group.commit(0, [setRole(1, 'member')]);
    expect(group.verdict(0, [setRole(2, 'admin')])).toBe('tree/role-given');
    expect(group.verdict(0, [setRole(1, 'admin'), setRole(2, 'admin')])).toBe('ok');
    // Whose adder is gone is a device of nobody's.
    group.commit(0, [remove(1)]);
    expect(group.verdict(0, [setRole(2, 'admin')])).toBe('ok');
  });

  test('count as owners no more', () => {
    const group = withDevices();
    group.commit(1, [setRole(0, 'member')]);
    expect(group.verdict(1, [setRole(1, 'admin')])).toBe('tree/last-owner');
    expect(group.verdict(1, [setRole(1, 'admin'), setRole(0, 'owner')])).toBe('ok');
  });
});

describe('roles and removals', () => {
  test('hand over ownership in one commit', () => {
    const group = new GroupModel();
    group.join(0, 'member');
    const plan = group.commit(0, [setRole(1, 'owner'), setRole(0, 'member')]);
    expect(plan.demoted).toEqual([0]);
    expect(plan.allowsGrace).toBe(false);
    expect(group.tree.roleCounts().joined).toEqual({ owner: 1, admin: 0, member: 1, reader: 0 });
  });

  test('remove one’s own inviter', () => {
    const group = new GroupModel();
    const [admin] = group.join(0, 'admin');
    const [other] = group.join(admin!, 'member');
    group.commit(0, [setRole(other!, 'owner')]);
    const plan = group.commit(other!, [remove(admin!), remove(0)]);
    expect(plan.removed).toEqual([0, 1]);
    expect(group.tree.leaf(other!)!.addedBy).toMatchObject({ leaf: admin });
    expect(group.whoKnows(plan.head)).toEqual(new Set([group.person(other!)]));
  });

  test('list the leave signatures to verify, by instance and key before the commit', () => {
    const group = new GroupModel();
    group.join(0, 'member', 'member');
    const signature = new Uint8Array(64).fill(7);
    const { publicKey, epoch } = group.tree.leaf(lf(1))!;
    const plan = unwrap(group.plan(2, [{ kind: 'remove', leaf: 1, leaveSignature: signature }]));
    expect(plan.leavesToVerify).toEqual([{ leaf: 1, instance: { leaf: 1, epoch }, publicKey, signature }]);
  });

  test('a mode change takes effect and ends grace', () => {
    const group = new GroupModel();
    const mode = { ...openMode, minWriter: 'admin' } as const;
    const plan = group.commit(0, [{ kind: 'set-mode', mode }]);
    expect(plan.newMode).toEqual(mode);
    expect(plan.allowsGrace).toBe(false);
  });
});

describe('required removals', () => {
  test('are outstanding leaves and expired pending leaves, the first 64 by index', () => {
    const group = new GroupModel();
    group.join(0, 'member');
    group.commit(
      0,
      Array.from({ length: 100 }, (_, i) => group.add('member', { expiresInMs: i < 80 ? 1000 : dayMs })),
    );
    const instance = (leaf: number) => ({ leaf: lf(leaf), epoch: group.tree.leaf(lf(leaf))!.epoch });
    const leaves = [instance(1), instance(99), { leaf: lf(50), epoch: 0 }];
    const by0 = { leaves, committer: 0, operations: [] };
    expect(requiredRemovals(group.tree, { ...by0, nowMs: group.nowMs })).toEqual([1, 99]);
    const later = requiredRemovals(group.tree, { ...by0, nowMs: group.nowMs + 1000 });
    expect(later).toEqual(Array.from({ length: maxRequiredRemovals }, (_, i) => i + 1));
    group.nowMs += 1000;
    expect(group.verdict(1, later.filter((leaf) => leaf !== 1).map(leave))).toBe('ok');
  });

  test('never ask for the last joined owner', () => {
    const group = new GroupModel();
    group.join(0, 'owner', 'member');
    const leaves = [0, 1, 2].map((leaf) => ({ leaf: lf(leaf), epoch: group.tree.leaf(lf(leaf))!.epoch }));
    const required = (committer: number, operations: TreeOperation[] = []) =>
      requiredRemovals(group.tree, { leaves, nowMs: group.nowMs, committer, operations });
    expect(required(3)).toEqual([0, 2]);
    // The committer cannot remove itself, so the other owner may go.
    expect(required(0)).toEqual([1, 2]);
  });

  test('are judged by the owners that the commit itself leaves', () => {
    const group = new GroupModel();
    group.join(0, 'owner', 'owner', 'member');
    group.commit(0, [group.add('owner', { device: true })]);
    group.commit(4);
    const leaves = [{ leaf: lf(1), epoch: group.tree.leaf(lf(1))!.epoch }];
    const required = (operations: TreeOperation[]) =>
      requiredRemovals(group.tree, { leaves, nowMs: group.nowMs, committer: 0, operations });
    expect(required([remove(2)])).toEqual([1]);
    // Without 2, and 0 no owner any more together with its device 4, nobody but the leaver is left.
    const stepDown = [leave(2), setRole(0, 'member')];
    expect(required(stepDown)).toEqual([]);
    expect(group.verdict(0, stepDown)).toBe('ok');
    expect(group.verdict(0, [...stepDown, leave(1)])).toBe('tree/last-owner');
    expect(required([...stepDown, setRole(3, 'owner')])).toEqual([1]);
    expect(group.verdict(0, [...stepDown, setRole(3, 'owner'), leave(1)])).toBe('ok');
    // No owner any more, the leaver is one leaf of many; and who is removed anyway is no owner to count.
    expect(required([...stepDown, setRole(1, 'member')])).toEqual([1]);
    expect(required([...stepDown, remove(1)])).toEqual([1]);
  });
});

describe('sizes', () => {
  test('stay logarithmic when 1,023 are invited at once and join in any order', () => {
    const group = new GroupModel();
    const invited = group.commitFilled(
      0,
      Array.from({ length: maxAdds }, () => group.add('member')),
    );
    expect(invited.seals).toHaveLength(1023);
    expect(invited.seals.every(({ recipients }) => recipients.length === 2)).toBe(true);
    for (let i = 0; i < 300; i++) {
      const leaf = ((i * 577) % 1023) + 1;
      const plan = group.commit(leaf);
      expect(plan.seals).toHaveLength(10);
      expect(plan.seals.flatMap(({ recipients }) => recipients)).toHaveLength(20);
    }
    // Without fills the same invitation would leave every newcomer to seal to a thousand.
    const bare = new GroupModel();
    bare.commit(
      0,
      Array.from({ length: maxAdds }, () => bare.add('member')),
    );
    expect(unwrap(bare.plan(777)).seals.flatMap(({ recipients }) => recipients).length).toBeGreaterThan(500);
  });

  test('stay logarithmic while some leave and others are invited', () => {
    const group = new GroupModel();
    group.commitFilled(
      0,
      Array.from({ length: 255 }, () => group.add('owner')),
    );
    for (let leaf = 1; leaf < 256; leaf++) group.commit(leaf);
    let worst = 0;
    for (let i = 0; i < 200; i++) {
      const leaves = group.leaves();
      const committer = leaves[(i * 37) % leaves.length]!;
      const gone = leaves[(i * 101 + 13) % leaves.length]!;
      const operations = committer === gone || gone === 0 ? [] : [leave(gone)];
      const plan = group.commitFilled(
        committer,
        i % 2 === 0 ? [...operations, group.add('owner')] : operations,
      );
      for (const { leaf } of plan.added) group.commit(leaf);
      worst = Math.max(worst, plan.seals.flatMap(({ recipients }) => recipients).length);
    }
    expect(worst).toBeLessThan(6 * 8);
  });

  test('come back to a scattered tree with the commits of few others', () => {
    const group = new GroupModel();
    group.commitFilled(
      0,
      Array.from({ length: 511 }, () => group.add('member')),
    );
    for (let i = 1; i < 512; i++) group.commit(i);
    const recipients = () =>
      unwrap(group.plan(0)).seals.reduce((sum, seal) => sum + seal.recipients.length, 0);
    const gone = new Set(Array.from({ length: 60 }, (_, i) => 3 + ((i * 211) % 509)));
    for (const leaf of gone) group.commit(0, [remove(leaf)]);
    const scattered = recipients();
    expect(scattered).toBeGreaterThan(150);
    const someoneFrom = (place: number) => group.leaves().find((leaf) => leaf >= place)!;
    group.commit(someoneFrom(256));
    expect(recipients()).toBeLessThan(0.6 * scattered);
    for (const place of [128, 384, 64, 192, 320, 448]) group.commit(someoneFrom(place));
    expect(recipients()).toBeLessThan(0.2 * scattered);
  });

  test('do not depend on unmerged leaves that the inviter filled in', () => {
    const group = new GroupModel();
    for (let round = 0; round < 8; round++) {
      const plan = group.commitFilled(
        0,
        Array.from({ length: 61 }, () => group.add('member')),
      );
      expect(plan.seals.slice(0, -9).every(({ recipients }) => recipients.length <= 3)).toBe(true);
    }
    expect(unwrap(group.plan(0)).seals.flatMap(({ recipients }) => recipients).length).toBeLessThan(30);
  });
});

describe('a draft', () => {
  test('gives no hash and no changes before every new key is set', () => {
    const group = new GroupModel();
    const { draft } = unwrap(group.plan(0, [group.add()]));
    expect(() => draft.treeHash()).toThrow(TreeMisuseError);
    expect(() => draft.changes()).toThrow(TreeMisuseError);
    unwrap(draft.setKey(at(0), group.newKey()));
    unwrap(draft.setKey(at(1), group.newKey()));
    expect(draft.treeHash()).toHaveLength(32);
    expect(() => draft.setKey(at(1), group.newKey())).toThrow(TreeMisuseError);
  });
});
