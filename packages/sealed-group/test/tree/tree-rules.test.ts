/* oxlint-disable vitest/expect-expect -- `breaks` asserts. */
/** Every rule of the tree, broken once or more; the last test sees to it that none is left out. */
import { describe, expect, test } from 'vitest';
import type { Result } from '../../src/result.ts';
import { treeRules } from '../../src/rules/tree-rules.ts';
import type {
  LeafIndex,
  LeafNode,
  NodeIndex,
  ParentNode,
  RoleCounts,
  TreeNode,
  TreeOperation,
  TreeReader,
} from '../../src/tree/index.ts';
import {
  decodeNode,
  decodeTree,
  encodeMerklePath,
  encodeNode,
  encodeTree,
  isLeaf,
  leafAt,
  leafNode,
  level,
  maxPendingMs,
  maxRecipients,
  PublicTree,
  verifyMerklePath,
} from '../../src/tree/index.ts';
import { maxAdds, maxLeafCount } from '../../src/wire/limits.ts';
import { dayMs, fakeKey, GroupModel, openMode, trustKey, unwrap } from './group-model.ts';

const broken = new Set<string>();

function breaks(rule: keyof typeof treeRules, verdict: string | Result<unknown>): void {
  expect(typeof verdict === 'string' ? verdict : verdict.ok ? 'ok' : verdict.rule).toBe(rule);
  broken.add(rule);
}

const remove = (leaf: number): TreeOperation => ({ kind: 'remove', leaf, leaveSignature: undefined });
const leave = (leaf: number): TreeOperation => ({ kind: 'remove', leaf, leaveSignature: new Uint8Array(64) });
const setRole = (leaf: number, role: LeafNode['role']): TreeOperation => ({ kind: 'set-role', leaf, role });

/** Owner 0, admin 1, member 2, reader 3, all joined, and a pending member 4 added by the owner. */
function company(): GroupModel {
  const group = new GroupModel();
  group.join(0, 'admin', 'member', 'reader');
  group.commit(0, [group.add('member')]);
  return group;
}

describe('who may commit', () => {
  test('nobody from outside the tree', () => {
    const group = company();
    for (const outsider of [5, 8, -1, 0.5]) breaks('tree/known-committer', group.verdict(outsider));
  });

  test('a pending leaf once, with nothing else, in time', () => {
    const group = company();
    breaks('tree/first-commit-only', group.verdict(4, [group.add()]));
    breaks('tree/first-commit-only', group.verdict(4, [], [9]));
    group.nowMs += dayMs - 1;
    expect(group.verdict(4)).toBe('ok');
    group.nowMs += 1;
    breaks('tree/first-commit-in-time', group.verdict(4));
  });

  test('anyone joined may refresh, readers too', () => {
    const group = company();
    for (const leaf of [0, 1, 2, 3]) expect(group.verdict(leaf)).toBe('ok');
  });
});

describe('targets', () => {
  test('are leaves of the tree', () => {
    const group = company();
    for (const leaf of [5, 99, -1]) {
      breaks('tree/known-leaf', group.verdict(0, [remove(leaf)]));
      breaks('tree/known-leaf', group.verdict(0, [setRole(leaf, 'admin')]));
    }
  });

  test('get one operation each', () => {
    const group = company();
    breaks('tree/one-operation-per-leaf', group.verdict(0, [remove(2), remove(2)]));
    breaks('tree/one-operation-per-leaf', group.verdict(0, [setRole(2, 'admin'), setRole(2, 'reader')]));
    breaks('tree/one-operation-per-leaf', group.verdict(0, [remove(2), setRole(2, 'admin')]));
  });

  test('are not oneself, but for lowering one’s own role', () => {
    const group = company();
    breaks('tree/own-leaf', group.verdict(1, [remove(1)]));
    breaks('tree/own-leaf', group.verdict(1, [leave(1)]));
    breaks('tree/own-leaf', group.verdict(1, [setRole(1, 'owner')]));
    expect(group.verdict(1, [setRole(1, 'member')])).toBe('ok');
  });

  test('that are owners answer to owners only', () => {
    const group = company();
    group.join(0, 'owner');
    const owner = 5;
    breaks('tree/owner-target', group.verdict(1, [remove(owner)]));
    breaks('tree/owner-target', group.verdict(1, [setRole(owner, 'member')]));
    expect(group.verdict(0, [remove(owner)])).toBe('ok');
    expect(group.verdict(2, [leave(owner)])).toBe('ok');
  });

  test('never include the last joined owner', () => {
    const group = company();
    breaks('tree/last-owner', group.verdict(2, [leave(0)]));
    breaks('tree/last-owner', group.verdict(0, [setRole(0, 'member')]));
    group.commit(0, [group.add('owner')]);
    // A pending owner may never arrive.
    breaks('tree/last-owner', group.verdict(0, [setRole(0, 'member')]));
  });
});

describe('set-role', () => {
  test('is for owners and admins', () => {
    const group = company();
    breaks('tree/set-role-authority', group.verdict(2, [setRole(3, 'member')]));
    breaks('tree/set-role-authority', group.verdict(2, [setRole(2, 'reader')]));
    expect(group.verdict(1, [setRole(3, 'member')])).toBe('ok');
  });

  test('leaves pending ones alone', () => {
    const group = company();
    breaks('tree/set-role-pending', group.verdict(0, [setRole(4, 'admin')]));
  });

  test('changes something', () => {
    const group = company();
    breaks('tree/role-unchanged', group.verdict(0, [setRole(2, 'member')]));
    breaks('tree/role-unchanged', group.verdict(0, [setRole(0, 'owner')]));
  });

  test('gives roles below one’s own, owners any', () => {
    const group = company();
    breaks('tree/role-given', group.verdict(1, [setRole(2, 'admin')]));
    breaks('tree/role-given', group.verdict(1, [setRole(2, 'owner')]));
    for (const role of ['admin', 'owner', 'reader'] as const)
      expect(group.verdict(0, [setRole(2, role)])).toBe('ok');
  });
});

describe('removals', () => {
  test('are for owners and admins, but for leaves signed and time run out', () => {
    const group = company();
    for (const leaf of [2, 3]) {
      breaks('tree/remove-authority', group.verdict(leaf, [remove(1)]));
      breaks('tree/remove-authority', group.verdict(leaf, [remove(4)]));
      expect(group.verdict(leaf, [leave(1)])).toBe('ok');
    }
    group.nowMs += dayMs - 1;
    breaks('tree/remove-authority', group.verdict(3, [remove(4)]));
    group.nowMs += 1;
    expect(group.verdict(3, [remove(4)])).toBe('ok');
  });

  test('by an admin reach admins', () => {
    const group = company();
    const [other] = group.join(0, 'admin');
    expect(group.verdict(1, [remove(other!)])).toBe('ok');
  });

  test('are judged by the role that a self-demotion left', () => {
    const group = company();
    breaks('tree/remove-authority', group.verdict(1, [setRole(1, 'member'), remove(2)]));
  });
});

describe('adds', () => {
  test('are for owners and admins, devices for non-readers', () => {
    const group = company();
    breaks('tree/add-authority', group.verdict(2, [group.add('reader')]));
    breaks('tree/add-authority', group.verdict(3, [group.add('reader')]));
    breaks('tree/add-authority', group.verdict(3, [group.add('reader', { device: true })]));
    breaks('tree/add-authority', group.verdict(1, [setRole(1, 'member'), group.add('reader')]));
    expect(group.verdict(2, [group.add('member', { device: true })])).toBe('ok');
  });

  test('give roles below one’s own, owners any, devices at most one’s own', () => {
    const group = company();
    breaks('tree/role-given', group.verdict(1, [group.add('admin')]));
    breaks('tree/role-given', group.verdict(2, [group.add('admin', { device: true })]));
    expect(group.verdict(1, [group.add('member')])).toBe('ok');
    expect(group.verdict(1, [group.add('admin', { device: true })])).toBe('ok');
    expect(group.verdict(0, [group.add('owner')])).toBe('ok');
  });

  test('are not made by device leaves', () => {
    const group = company();
    const plan = group.commit(0, [group.add('owner', { device: true })]);
    const device = plan.added[0]!.leaf;
    group.commit(device);
    breaks('tree/device-adds', group.verdict(device, [group.add('member')]));
    breaks('tree/device-adds', group.verdict(device, [group.add('member', { device: true })]));
  });

  test('of devices need a mode that allows them', () => {
    const group = company();
    const off: TreeOperation = { kind: 'set-mode', mode: { ...openMode, ownDevices: false } };
    breaks('tree/devices-off', group.verdict(0, [off, group.add('member', { device: true })]));
    group.commit(0, [off]);
    breaks('tree/devices-off', group.verdict(2, [group.add('member', { device: true })]));
  });

  test('leave an adder at most eight live devices', () => {
    const group = company();
    const devices = (count: number): TreeOperation[] =>
      Array.from({ length: count }, () => group.add('reader', { device: true }));
    breaks('tree/device-limit', group.verdict(2, devices(9)));
    const plan = group.commit(2, devices(8));
    breaks('tree/device-limit', group.verdict(2, devices(1)));
    expect(group.verdict(2, [leave(plan.added[0]!.leaf), ...devices(1)])).toBe('ok');
    expect(group.verdict(1, devices(8))).toBe('ok');
  });

  test('expire after now and within thirty days', () => {
    const group = company();
    for (const expiresInMs of [0, -1, maxPendingMs + 1, Number.NaN, 0.5])
      breaks('tree/expiry-range', group.verdict(0, [group.add('member', { expiresInMs })]));
    for (const expiresInMs of [1, maxPendingMs])
      expect(group.verdict(0, [group.add('member', { expiresInMs })])).toBe('ok');
  });

  test('bring new keys only', () => {
    const group = company();
    const add = group.add();
    const leafKey = group.tree.leaf(2 as LeafIndex)!.publicKey;
    breaks('tree/unique-key', group.verdict(0, [add, add]));
    breaks('tree/unique-key', group.verdict(0, [{ ...group.add(), leafKey } as TreeOperation]));
    // Not even a key that the same commit takes away.
    breaks('tree/unique-key', group.verdict(0, [remove(2), { ...group.add(), leafKey } as TreeOperation]));
  });

  test('are at most 1,023', () => {
    const group = company();
    const adds = (count: number): TreeOperation[] => Array.from({ length: count }, () => group.add());
    breaks('tree/add-limit', group.verdict(0, adds(maxAdds + 1)));
    expect(group.verdict(0, adds(maxAdds))).toBe('ok');
  });

  test('never grow the tree beyond 2^20 places', () => {
    const group = new GroupModel();
    Object.defineProperty(group, 'tree', { value: new FullTree() });
    breaks('tree/leaf-limit', group.verdict(0, [group.add()]));
    breaks('tree/recipient-limit', group.verdict(0));
  });
});

describe('modes', () => {
  const mode = (change: Partial<typeof openMode>): TreeOperation => ({
    kind: 'set-mode',
    mode: { ...openMode, ...change },
  });

  test('are set by owners and admins, once', () => {
    const group = company();
    breaks('tree/mode-authority', group.verdict(2, [mode({})]));
    breaks('tree/one-mode', group.verdict(0, [mode({}), mode({})]));
    expect(group.verdict(1, [mode({ minWriter: 'admin' })])).toBe('ok');
  });

  test('keep leaf proofs on while a reader exists or members may not write', () => {
    const group = company();
    breaks('tree/leaf-proof-required', group.verdict(0, [mode({ leafProof: false })]));
    expect(group.verdict(0, [mode({ leafProof: false }), remove(3)])).toBe('ok');
    breaks(
      'tree/leaf-proof-required',
      group.verdict(0, [mode({ leafProof: false, minWriter: 'admin' }), remove(3)]),
    );
    group.commit(0, [mode({ leafProof: false }), remove(3)]);
    breaks('tree/leaf-proof-required', group.verdict(0, [group.add('reader')]));
    breaks('tree/leaf-proof-required', group.verdict(0, [setRole(2, 'reader')]));
    expect(group.verdict(0, [mode({}), group.add('reader')])).toBe('ok');
  });
});

describe('fills', () => {
  /** Owner 0 with joined admin 1; pending 2..7 added by the owner, without fills: nodes 5, 9, 13, 11 are blank. */
  function invitees(): GroupModel {
    const group = new GroupModel();
    group.join(0, 'admin');
    group.commit(
      0,
      Array.from({ length: 6 }, () => group.add()),
    );
    return group;
  }

  test('come bottom-up, each once', () => {
    const group = invitees();
    expect(group.verdict(0, [], [5, 9, 13, 11])).toBe('ok');
    for (const fills of [
      [11, 9],
      [9, 5],
      [5, 5],
    ])
      breaks('tree/fill-order', group.verdict(0, [], fills));
  });

  test('are parents in the tree, off the committer’s path', () => {
    const group = invitees();
    for (const fill of [4, 15, 17, -1, 0.5, 1, 3, 7]) breaks('tree/fill-place', group.verdict(0, [], [fill]));
  });

  test('have someone on both sides', () => {
    const group = invitees();
    group.commit(0, [remove(4)]);
    breaks('tree/fill-sides', group.verdict(0, [], [9]));
    expect(group.verdict(0, [], [13, 11])).toBe('ok');
  });

  test('stand over the committer’s own pending leaves only', () => {
    const group = invitees();
    breaks('tree/fill-leaves', group.verdict(1, [], [9]));
    group.commit(4);
    breaks('tree/fill-leaves', group.verdict(0, [], [9]));
    breaks('tree/fill-leaves', group.verdict(0, [], [13, 11]));
    breaks('tree/fill-ancestors', group.verdict(0, [], [13]));
  });

  test('of another life of the adder’s place do not count', () => {
    const group = new GroupModel();
    group.join(0, 'owner');
    const [third] = group.join(0, 'admin');
    expect(third).toBe(2);
    group.commit(
      0,
      Array.from({ length: 5 }, () => group.add()),
    );
    group.commit(1, [remove(2)]);
    group.commit(1, [group.add('admin')]);
    group.commit(2);
    breaks('tree/fill-leaves', group.verdict(2, [], [9]));
    expect(group.verdict(0, [], [9])).toBe('ok');
  });

  test('have no ancestor with a key but filled ones and the committer’s path', () => {
    const group = invitees();
    group.commit(0, [], [9, 13, 11]);
    // An older key of the committer's own.
    breaks('tree/fill-ancestors', group.verdict(0, [], [9]));
    expect(group.verdict(0, [], [9, 11])).toBe('ok');
    // A key that joined members made.
    group.commit(7);
    breaks('tree/fill-ancestors', group.verdict(0, [], [9]));
    // Node 11 went with its leaf: only blank and path nodes are above.
    group.commit(0, [remove(7)]);
    expect(group.verdict(0, [], [9])).toBe('ok');
  });

  test('and the path are at most 1,024 seals', () => {
    const group = invitees();
    breaks(
      'tree/seal-limit',
      group.verdict(
        0,
        [],
        Array.from({ length: 1025 }, (_, i) => 4 * i + 1),
      ),
    );
    // 2,047 leaves, nothing filled: the path takes 11 seals, so 1,013 are left of the 1,023 lowest parents off it.
    const full = new GroupModel();
    for (let i = 0; i < 2; i++)
      full.commit(
        0,
        Array.from({ length: maxAdds }, () => full.add()),
      );
    const lowest = Array.from({ length: 1022 }, (_, i) => 4 * (i + 1) + 1);
    expect(full.verdict(0, [], lowest.slice(0, 1013))).toBe('ok');
    breaks('tree/seal-limit', full.verdict(0, [], lowest.slice(0, 1014)));
  });

  test('and the path reach at most 3,833 recipients', () => {
    const group = new GroupModel();
    const adds = (count: number): TreeOperation[] => Array.from({ length: count }, () => group.add());
    for (let i = 0; i < 3; i++) group.commit(0, adds(maxAdds));
    expect(maxRecipients).toBe(3833);
    // Every other leaf, and the node below at each of the twelve on the path.
    const room = maxRecipients - 12 - 3 * maxAdds;
    expect(group.verdict(0, adds(room))).toBe('ok');
    breaks('tree/recipient-limit', group.verdict(0, adds(room + 1)));
  });
});

/** The largest tree, every place taken, every parent blank: computed, since building it would take long. */
class FullTree implements TreeReader {
  readonly leafCount = maxLeafCount;
  leaf(index: LeafIndex): LeafNode {
    return leafOf(index, index === 0 ? 'owner' : 'member');
  }
  node(index: NodeIndex): TreeNode | undefined {
    return isLeaf(index) ? this.leaf(leafAt(index)) : undefined;
  }
  isBlank(index: NodeIndex): boolean {
    return !isLeaf(index);
  }
  unmergedLeaves(): readonly LeafIndex[] {
    return [];
  }
  occupiedLeaves(index: NodeIndex): number {
    return 1 << level(index);
  }
  roleCounts(): RoleCounts {
    const none = { owner: 0, admin: 0, member: 0, reader: 0 };
    return { joined: { ...none, owner: 1, member: maxLeafCount - 1 }, pending: none };
  }
  nodeWithKey(): undefined {
    return undefined;
  }
  pendingLeavesAddedBy(): readonly LeafIndex[] {
    return [];
  }
  deviceLeavesAddedBy(): readonly LeafIndex[] {
    return [];
  }
  hash(): Uint8Array {
    return new Uint8Array(32);
  }
  treeHash(): Uint8Array {
    return this.hash();
  }
}

function leafOf(number: number, role: LeafNode['role'] = 'member', more: Partial<LeafNode> = {}): LeafNode {
  return {
    kind: 'leaf',
    publicKey: fakeKey(1_000_000 + number),
    role,
    epoch: 0,
    addedBy: undefined,
    device: false,
    expiresAtMs: undefined,
    ...more,
  };
}

function parentOf(number: number, ...unmerged: number[]): ParentNode {
  return { kind: 'parent', publicKey: fakeKey(9_000_000 + number), unmergedLeaves: unmerged as LeafIndex[] };
}

function tree(leafCount: number, nodes: Record<number, TreeNode>): Result<PublicTree> {
  return PublicTree.fromNodes(
    leafCount,
    Object.entries(nodes).map(([index, node]) => [Number(index), node]),
  );
}

describe('trees from outside', () => {
  const four = { 0: leafOf(0, 'owner'), 2: leafOf(1), 4: leafOf(2), 6: leafOf(3) };

  test('have a power of two of places and end where leaves end', () => {
    expect(tree(4, four).ok).toBe(true);
    breaks('tree/leaf-count', tree(3, four));
    breaks('tree/leaf-count', tree(2 ** 21, four));
    breaks('tree/leaf-count', tree(8, four));
    breaks('tree/leaf-count', decodeTree(Uint8Array.of(1, 40), trustKey));
    breaks('tree/leaf-count', decodeTree(Uint8Array.of(1, 255, 0, 0), trustKey));
  });

  test('have leaves below and parents above, each place once', () => {
    breaks('tree/node-place', tree(4, { ...four, 1: leafOf(9) }));
    breaks('tree/node-place', tree(4, { ...four, 2: parentOf(9) }));
    breaks('tree/node-place', tree(4, { ...four, 8: leafOf(9) }));
    breaks(
      'tree/node-place',
      PublicTree.fromNodes(1, [
        [0, leafOf(0, 'owner')],
        [0, leafOf(1)],
      ]),
    );
    breaks('tree/node-place', decodeNode(1 as NodeIndex, encodeNode(leafOf(1)), trustKey));
  });

  test('have a joined owner', () => {
    breaks('tree/ownerless', tree(4, { ...four, 0: leafOf(0) }));
    breaks('tree/ownerless', tree(1, {}));
    const addedBy = { leaf: 1 as LeafIndex, epoch: 0 };
    breaks('tree/ownerless', tree(4, { ...four, 0: leafOf(0, 'owner', { expiresAtMs: 1, addedBy }) }));
  });

  test('have unmerged leaves that ascend, exist, and lie under their node', () => {
    expect(tree(4, { ...four, 3: parentOf(3, 1, 3) }).ok).toBe(true);
    breaks('tree/unmerged-leaves', tree(4, { ...four, 3: parentOf(3, 3, 1) }));
    breaks('tree/unmerged-leaves', tree(4, { ...four, 3: parentOf(3, 1, 1) }));
    breaks('tree/unmerged-leaves', tree(4, { ...four, 1: parentOf(1, 2) }));
    breaks('tree/unmerged-leaves', tree(8, { ...four, 14: leafOf(7), 7: parentOf(3, 5) }));
    // Node 1 would know of the leaf what node 3 does not.
    breaks('tree/unmerged-leaves', tree(4, { ...four, 1: parentOf(1), 3: parentOf(3, 1) }));
  });

  test('have parents that both sides know', () => {
    breaks('tree/parent-without-members', tree(4, { ...four, 1: parentOf(1, 1) }));
    const { 2: _, ...three } = four;
    breaks('tree/parent-without-members', tree(4, { ...three, 1: parentOf(1) }));
  });

  test('have a key at one node only', () => {
    breaks('tree/unique-key', tree(4, { ...four, 6: leafOf(2) }));
    breaks('tree/unique-key', tree(4, { ...four, 1: { ...parentOf(1), publicKey: four[0].publicKey } }));
  });

  test('have keys that are keys', () => {
    const bytes = encodeTree(unwrap(tree(4, four)));
    breaks(
      'tree/malformed-key',
      decodeTree(bytes, () => undefined),
    );
  });

  test('are encoded in one way', () => {
    const bytes = encodeTree(unwrap(tree(4, four)));
    for (let length = 0; length < bytes.length; length++)
      expect(decodeTree(bytes.slice(0, length), trustKey).ok).toBe(false);
    breaks('tree/encoding', decodeTree(Uint8Array.of(...bytes, 0), trustKey));
    breaks('tree/encoding', decodeTree(bytes.with(0, 2), trustKey));
    const owner = [...encodeNode(leafOf(0, 'owner'))];
    const member = [...encodeNode(leafOf(1))];
    const decode = (...rest: number[]): Result<unknown> => decodeTree(Uint8Array.of(1, ...rest), trustKey);
    expect(decode(2, ...owner, 0x00, 4, ...member).ok).toBe(true);
    // Two runs where one would do; a run in a longer form of its number; a run past the end.
    breaks('tree/encoding', decode(2, ...owner, 0x00, 3, 0x00, 0, ...member));
    breaks('tree/encoding', decode(2, ...owner, 0x00, 0x84, 0x00, ...member));
    breaks('tree/encoding', decode(2, ...owner, 0x00, 5, ...member));
    breaks('tree/encoding', decode(2, ...owner, 0x00, 6));
  });

  test('have nodes encoded in one way', () => {
    const decode = (index: number, ...bytes: number[]): Result<unknown> =>
      decodeNode(index as NodeIndex, Uint8Array.from(bytes), trustKey);
    const key = [...fakeKey(1)];
    expect(decode(0, 0)).toEqual({ ok: true, value: undefined });
    expect(decode(0, 0x43, ...key, 0).ok).toBe(true);
    expect(decode(1, 0x02, ...key, 1, 0).ok).toBe(true);
    for (const [index, ...bytes] of [
      [0],
      [0, 0, 0],
      [0, 0x43, ...key],
      [0, 0x43, ...key, 0, 0],
      [0, 0x43, ...key, 0x80, 0x00],
      [0, 0x43, ...key, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f],
      [0, 0x43, ...key, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01],
      [0, 0x60, ...key, 0],
      [0, 0x47, ...key, 0],
      [0, 0x53, ...key, 0, 5],
      [0, 0x4b, ...key, 0, 0xff, 0xff, 0xff, 0x7f, 0],
      [1, 0x03, ...key],
      [1, 0x02, ...key, 0],
      [1, 0x02, ...key, 2, 0],
      [1, 0x02, ...key, 1, 0xff, 0xff, 0xff, 0x7f],
      [1, 0x01, ...key.slice(1)],
    ])
      breaks('tree/encoding', decode(index!, ...bytes));
  });
});

describe('paths from outside', () => {
  test('lead to the tree hash and nowhere else', () => {
    const group = company();
    const path = encodeMerklePath(group.tree, 2 as LeafIndex)!;
    const hash = group.tree.treeHash();
    expect(verifyMerklePath(path, hash, trustKey).ok).toBe(true);
    breaks('tree/path-hash', verifyMerklePath(path, hash.with(0, hash[0]! ^ 1), trustKey));
    breaks('tree/path-hash', verifyMerklePath(path, new Uint8Array(0), trustKey));
    breaks('tree/encoding', verifyMerklePath(Uint8Array.of(...path, 0), hash, trustKey));
    breaks('tree/encoding', verifyMerklePath(path.slice(0, -1), hash, trustKey));
    breaks('tree/encoding', verifyMerklePath(path.with(1, 8), hash, trustKey));
    breaks('tree/leaf-count', verifyMerklePath(path.with(0, 99), hash, trustKey));
    breaks('tree/node-place', verifyMerklePath(path.with(2, 0x01), hash, trustKey));
    breaks(
      'tree/malformed-key',
      verifyMerklePath(path, hash, () => undefined),
    );
  });

  test('do not exist for blank leaves', () => {
    expect(encodeMerklePath(company().tree, 6 as LeafIndex)).toBeUndefined();
  });
});

test('a new key that is not new is refused when it is set', () => {
  const group = company();
  const plan = unwrap(group.plan(2));
  const old = group.tree.leaf(2 as LeafIndex)!.publicKey;
  breaks('tree/unique-key', plan.draft.setKey(leafNode(plan.committer), old));
  const fresh = group.newKey();
  expect(plan.draft.setKey(leafNode(plan.committer), fresh).ok).toBe(true);
  breaks('tree/unique-key', plan.draft.setKey(plan.seals[0]!.node, fresh));
});

// Runs last, after all the others of this file.
test('every rule of the tree was broken above', () => {
  expect([...broken].sort()).toEqual(Object.keys(treeRules).sort());
});

describe('a tree from a trusted store', () => {
  const hash = new Uint8Array(32).fill(1);
  const restoration = () => unwrap(PublicTree.restore(4));

  test('has ascending nodes in their places, each key once', () => {
    const started = restoration();
    expect(started.put(2, leafOf(1, 'owner'), hash).ok).toBe(true);
    breaks('tree/node-place', started.put(1, parentOf(1), hash));
    breaks('tree/node-place', started.put(3, leafOf(7), hash));
    breaks('tree/node-place', started.put(7, parentOf(7), hash));
    breaks('tree/unique-key', restoreTwice(leafOf(1, 'owner')));
    breaks('tree/leaf-count', PublicTree.restore(3));
  });

  function restoreTwice(leaf: LeafNode): Result<void> {
    const started = restoration();
    unwrap(started.put(0, leaf, hash));
    return started.put(2, leaf, hash);
  }

  test('has the hash that it is known by, and an owner', () => {
    const ownerless = restoration();
    unwrap(ownerless.put(3, undefined, hash));
    unwrap(ownerless.put(4, leafOf(2), hash));
    breaks('tree/ownerless', ownerless.finish(hash));
    const rootless = restoration();
    unwrap(rootless.put(0, leafOf(0, 'owner'), hash));
    breaks('tree/path-hash', rootless.finish(hash));
    const other = restoration();
    unwrap(other.put(3, parentOf(3), new Uint8Array(32)));
    breaks('tree/path-hash', other.finish(hash));
  });
});
