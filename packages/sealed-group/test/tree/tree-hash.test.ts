/** The tree hash against its definition, written out a second time with Node's own SHA-256, and against fixed answers. */
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { LeafIndex, NodeIndex, TreeNode } from '../../src/tree/index.ts';
import { encodeNode, isLeaf, left, level, PublicTree, right, root } from '../../src/tree/index.ts';
import { fakeKey, GroupModel, unwrap } from './group-model.ts';
import { planStep, step } from './random-history.ts';

function hashOf(label: string, ...parts: Uint8Array[]): Buffer {
  const hash = createHash('sha256');
  for (const part of [Buffer.from(`conclave/1 ${label}`), ...parts])
    hash.update(u32(part.length)).update(part);
  return hash.digest();
}

function u32(number: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(number);
  return bytes;
}

function define(nodes: ReadonlyMap<number, TreeNode>, index: NodeIndex): Buffer {
  const node = nodes.get(index);
  const content = node === undefined ? Buffer.alloc(0) : encodeNode(node);
  const reach = 2 ** level(index) - 1;
  const isEmpty = ![...nodes.keys()].some((i) => i >= index - reach && i <= index + reach);
  if (isEmpty) return hashOf('tree blank', u32(level(index)));
  if (isLeaf(index)) return hashOf('tree leaf', u32(index), content);
  return hashOf('tree parent', u32(index), content, define(nodes, left(index)), define(nodes, right(index)));
}

test('the tree hash is what its definition says', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 25 }), (steps) => {
      const group = new GroupModel();
      for (const drawn of steps) {
        const planned = planStep(group, drawn);
        if (planned !== undefined) group.carryOut(planned.plan);
      }
      const nodes = new Map<number, TreeNode>(group.tree.nodes());
      expect(Buffer.from(group.tree.treeHash())).toEqual(define(nodes, root(group.tree.leafCount)));
    }),
    { numRuns: 40 },
  );
});

test('nodes and trees have the bytes they always had', () => {
  const owner: TreeNode = {
    kind: 'leaf',
    publicKey: fakeKey(0),
    role: 'owner',
    epoch: 0,
    addedBy: undefined,
    device: false,
    expiresAtMs: undefined,
  };
  const device: TreeNode = {
    kind: 'leaf',
    publicKey: fakeKey(1),
    role: 'reader',
    epoch: 300,
    addedBy: { leaf: 0 as LeafIndex, epoch: 0 },
    device: true,
    expiresAtMs: 1_700_000_000_000,
  };
  const other: TreeNode = { ...owner, publicKey: fakeKey(2), role: 'admin', epoch: 2 };
  const top: TreeNode = { kind: 'parent', publicKey: fakeKey(3), unmergedLeaves: [1 as LeafIndex] };
  const key = (number: number): string => Buffer.from(fakeKey(number)).toString('hex');
  const hex = (node: TreeNode): string => Buffer.from(encodeNode(node)).toString('hex');
  expect(hex(owner)).toBe(`40${key(0)}00`);
  expect(hex(device)).toBe(`5f${key(1)}ac02000080d095ffbc31`);
  expect(hex(other)).toBe(`41${key(2)}02`);
  expect(hex(top)).toBe(`02${key(3)}0101`);
  const tree = unwrap(
    PublicTree.fromNodes(4, [
      [0, owner],
      [2, device],
      [3, top],
      [4, other],
    ]),
  );
  expect(Buffer.from(tree.treeHash()).toString('hex')).toBe(
    '630cbd6617e27a7821dc22621e6e49ee09fc9a2afc9e074e2efc91bd824c1838',
  );
});
