/** Properties of random histories: who knows what, and that every way to compute the tree gives the same tree. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { CommitPlan, LeafIndex, NodeIndex, Subtree } from '../../src/tree/index.ts';
import {
  assembleMerklePath,
  decodeTree,
  encodeMerklePath,
  encodeNode,
  encodeTree,
  instanceKey,
  isBelow,
  isExpired,
  isPendingOf,
  isUnder,
  leafNode,
  level,
  nodeCount,
  planCommit,
  PublicTree,
  root,
  verifyMerklePath,
} from '../../src/tree/index.ts';
import { GroupModel, trustKey, unwrap } from './group-model.ts';
import { planStep, step, type Step } from './random-history.ts';

const histories = fc.array(step, { minLength: 5, maxLength: 40 });

function restore(
  leafCount: number,
  stored: ReadonlyMap<NodeIndex, Subtree>,
  treeHash: Uint8Array,
): PublicTree {
  const restoration = unwrap(PublicTree.restore(leafCount));
  for (const [index, { node, hash }] of [...stored].sort(([a], [b]) => a - b))
    if (hash !== undefined) unwrap(restoration.put(index, node, hash));
  return unwrap(restoration.finish(treeHash));
}

function run(
  steps: Parameters<typeof planStep>[1][],
  after: (group: GroupModel, plan: CommitPlan) => void,
): void {
  const group = new GroupModel();
  for (const drawn of steps) {
    const planned = planStep(group, drawn);
    if (planned === undefined) continue;
    group.carryOut(planned.plan);
    after(group, planned.plan);
  }
}

/** Owners and one reader come and leave until eight places shrink to two, while the root of four has long been blank. */
const shrinkingBelowABlankNode: Step[] = [
  plain(0, ['add', 'add', 'add', 'add', 'add', 'add']),
  plain(755, []),
  plain(118, ['add', 'set-role', 'leave', 'add']),
  plain(55, ['add', 'add', 'add', 'add']),
  plain(0, []),
  plain(109, ['add', 'leave', 'add', 'add']),
];

function plain(committer: number, kinds: readonly Step['wishes'][number]['kind'][]): Step {
  const wishes = kinds.map((kind, place) => ({
    kind,
    target: kind === 'leave' && committer === 109 ? 272 : 0,
    role: committer === 118 && place === 3 ? ('reader' as const) : ('owner' as const),
  }));
  return { committer, wishes, fill: 'none', fillNodes: [], waitMs: 0 };
}

describe('after every commit of a random history', () => {
  test('a secret is known to exactly the members under its node and the inviters of pending ones', () => {
    fc.assert(
      fc.property(histories, (steps) => {
        run(steps, (group, plan) => {
          for (const [index] of group.tree.nodes())
            expect(group.whoKnows(index)).toEqual(group.whoShouldKnow(index));
          const members = new Set(group.leaves().map((leaf) => group.person(leaf)));
          expect(group.whoKnows(plan.head)).toEqual(members);
        });
      }),
      { numRuns: 60 },
    );
  });

  test('draft, applied tree, rebuilt tree and decoded tree are one tree', () => {
    fc.assert(
      fc.property(histories, (steps) => {
        run(steps, ({ tree }) => {
          const hash = tree.treeHash();
          expect(unwrap(PublicTree.fromNodes(tree.leafCount, tree.nodes())).treeHash()).toEqual(hash);
          const decoded = unwrap(decodeTree(encodeTree(tree), trustKey));
          expect(decoded.treeHash()).toEqual(hash);
          expect([...decoded.nodes()]).toEqual([...tree.nodes()]);
        });
      }),
      { numRuns: 40 },
    );
  });

  test('the draft answers every question as the applied tree then does', () => {
    fc.assert(
      fc.property(histories, (steps) => {
        const group = new GroupModel();
        for (const drawn of steps) {
          const planned = planStep(group, drawn);
          if (planned === undefined) continue;
          const { plan } = planned;
          unwrap(plan.draft.setKey(leafNode(plan.committer), group.newKey()));
          for (const { node } of plan.seals) unwrap(plan.draft.setKey(node, group.newKey()));
          const { draft } = plan;
          const tree = unwrap(PublicTree.fromNodes(group.tree.leafCount, group.tree.nodes()));
          const adders = group.leaves().map((leaf) => ({ leaf, epoch: tree.leaf(leaf)!.epoch }));
          const seenInDraft = {
            hash: draft.treeHash(),
            roles: draft.roleCounts(),
            pending: adders.map((adder) => draft.pendingLeavesAddedBy(adder)),
            devices: adders.map((adder) => draft.deviceLeavesAddedBy(adder)),
            nodes: Array.from({ length: nodeCount(draft.leafCount) + 4 }, (_, i) => {
              const index = i as NodeIndex;
              const node = draft.node(index);
              return {
                node,
                isBlank: draft.isBlank(index),
                place: node === undefined ? undefined : draft.nodeWithKey(node.publicKey),
                occupied: i < nodeCount(draft.leafCount) ? draft.occupiedLeaves(index) : 0,
              };
            }),
          };
          tree.apply(draft.changes());
          expect({
            hash: tree.treeHash(),
            roles: tree.roleCounts(),
            pending: adders.map((adder) => tree.pendingLeavesAddedBy(adder)),
            devices: adders.map((adder) => tree.deviceLeavesAddedBy(adder)),
            nodes: Array.from({ length: nodeCount(tree.leafCount) + 4 }, (_, i) => {
              const index = i as NodeIndex;
              const node = tree.node(index);
              return {
                node,
                isBlank: tree.isBlank(index),
                place: node === undefined ? undefined : tree.nodeWithKey(node.publicKey),
                occupied: tree.occupiedLeaves(index),
              };
            }),
          }).toEqual(seenInDraft);
          expect(tree.leafCount).toBe(draft.leafCount);
          group.carryOut(unwrap(planCommit(group.tree, planned.input)));
        }
      }),
      { numRuns: 25 },
    );
  });

  test('indices agree with a look at every leaf', () => {
    fc.assert(
      fc.property(histories, (steps) => {
        run(steps, ({ tree, nowMs }) => {
          const leaves = [...tree.nodes()].flatMap(([index, node]) =>
            node.kind === 'leaf' ? [{ index: (index / 2) as LeafIndex, node }] : [],
          );
          for (const { index, node } of leaves) {
            const adder = { leaf: index, epoch: node.epoch };
            expect(tree.pendingLeavesAddedBy(adder)).toEqual(
              leaves.filter((other) => isPendingOf(other.node, adder)).map((other) => other.index),
            );
            const devices = leaves.filter(
              ({ node: other }) =>
                other.device &&
                other.addedBy !== undefined &&
                instanceKey(other.addedBy) === instanceKey(adder),
            );
            expect(tree.deviceLeavesAddedBy(adder)).toEqual(devices.map((device) => device.index));
            // No device stands above the leaf that added it.
            expect(devices.filter((device) => isBelow(node.role, device.node.role))).toEqual([]);
          }
          for (const limit of [1, 100])
            expect(tree.expiredLeaves(nowMs + 45_000, limit)).toEqual(
              leaves
                .filter(({ node }) => isExpired(node, nowMs + 45_000))
                .map(({ index }) => index)
                .slice(0, limit),
            );
          for (let i = 0; i < nodeCount(tree.leafCount); i++)
            expect(tree.occupiedLeaves(i as NodeIndex)).toBe(
              leaves.filter(({ index }) => isUnder(leafNode(index), i as NodeIndex)).length,
            );
        });
      }),
      { numRuns: 15 },
    );
  });

  test('every leaf has a path that proves it, and only it', () => {
    fc.assert(
      fc.property(histories, fc.nat(), (steps, flip) => {
        run(steps, ({ tree }, { committer }) => {
          const path = encodeMerklePath(tree, committer)!;
          const verified = unwrap(verifyMerklePath(path, tree.treeHash(), trustKey));
          expect(verified.leaf).toEqual(tree.leaf(committer));
          expect(verified.index).toBe(committer);
          expect(verified.ancestors).toHaveLength(level(root(tree.leafCount)));
          for (const { index, node } of verified.ancestors) expect(node).toEqual(tree.node(index));
          const forged = path.slice();
          forged[flip % forged.length]! ^= 1 << (flip % 8);
          expect(verifyMerklePath(forged, tree.treeHash(), trustKey).ok).toBe(false);
        });
      }),
      { numRuns: 30 },
    );
  });

  test('what changes say of subtrees is all that a store needs: it shows every path and restores the tree', () => {
    fc.assert(
      fc.property(histories, (steps) => {
        const stored = new Map<NodeIndex, Subtree>();
        const group = new GroupModel();
        const keep = (subtrees: Iterable<readonly [NodeIndex, Subtree]>): void => {
          for (const [index, subtree] of subtrees) stored.set(index, subtree);
        };
        keep([[root(1), { node: group.tree.node(root(1)), hash: group.tree.treeHash() }]]);
        for (const drawn of steps) {
          const planned = planStep(group, drawn);
          if (planned === undefined) continue;
          keep(group.carryOut(planned.plan).subtrees);
          const { tree } = group;
          for (let i = 0; i < 2 * nodeCount(tree.leafCount); i++) {
            const index = i as NodeIndex;
            const inTree = i < nodeCount(tree.leafCount);
            const isEmpty = !inTree || tree.occupiedLeaves(index) === 0;
            const { node, hash } = stored.get(index) ?? { node: undefined, hash: undefined };
            expect(node).toEqual(inTree ? tree.node(index) : undefined);
            expect(hash).toEqual(isEmpty ? undefined : tree.hash(index));
          }
          const subtreeAt = (index: NodeIndex) => {
            const { node, hash } = stored.get(index) ?? { node: undefined, hash: undefined };
            return { content: node && encodeNode(node), hash };
          };
          for (let leaf = 0 as LeafIndex; leaf < tree.leafCount; leaf++)
            expect(assembleMerklePath(tree.leafCount, leaf, subtreeAt)).toEqual(encodeMerklePath(tree, leaf));
          const restored = restore(tree.leafCount, stored, tree.treeHash());
          expect([...restored.nodes()]).toEqual([...tree.nodes()]);
          for (let i = 0; i < nodeCount(tree.leafCount); i++) {
            const index = i as NodeIndex;
            expect(restored.occupiedLeaves(index)).toBe(tree.occupiedLeaves(index));
            expect(restored.hash(index)).toEqual(tree.hash(index));
          }
          expect(restored.roleCounts()).toEqual(tree.roleCounts());
          expect(restored.expiredLeaves(group.nowMs + 45_000, 100)).toEqual(
            tree.expiredLeaves(group.nowMs + 45_000, 100),
          );
        }
      }),
      { numRuns: 200, examples: [[shrinkingBelowABlankNode]] },
    );
  });

  test('planning again gives the same plan and changes nothing', () => {
    fc.assert(
      fc.property(histories, (steps) => {
        const group = new GroupModel();
        for (const drawn of steps) {
          const before = encodeTree(group.tree);
          const planned = planStep(group, drawn);
          expect(encodeTree(group.tree)).toEqual(before);
          if (planned === undefined) continue;
          const again = unwrap(planCommit(group.tree, planned.input));
          expect({ ...again, draft: undefined }).toEqual({ ...planned.plan, draft: undefined });
          group.carryOut(planned.plan);
        }
      }),
      { numRuns: 30 },
    );
  });
});
