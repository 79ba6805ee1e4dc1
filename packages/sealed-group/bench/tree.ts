/**
 * Cost of the tree at 1,024, 65,536 and 1,048,576 members: building, hashing, encoding, and commits (plan, new keys,
 * hash of the draft, apply) of several kinds. Keys are random bytes: no point arithmetic happens in the tree.
 *
 *   node packages/sealed-group/bench/tree.ts [members ...]        one JSON line per size
 */
import { randomBytes } from 'node:crypto';
import type { PublicKey } from '../src/signature/keys.ts';
import type {
  CommitInput,
  LeafIndex,
  LeafNode,
  NodeIndex,
  TreeNode,
  TreeOperation,
} from '../src/tree/index.ts';
import {
  decodeTree,
  encodeMerklePath,
  encodeTree,
  isLeaf,
  leafNode,
  nodeCount,
  planCommit,
  PublicTree,
  suggestFills,
  verifyMerklePath,
} from '../src/tree/index.ts';

const nowMs = 1_700_000_000_000;
const mode = { leafProof: true, minWriter: 'member', ownDevices: true } as const;
const newKey = (): PublicKey => randomBytes(32) as Uint8Array as PublicKey;
const copyKey = (bytes: Uint8Array): PublicKey => bytes.slice() as PublicKey;

function fullTree(members: number): PublicTree {
  function* nodes(): Generator<[number, TreeNode]> {
    for (let i = 0; i < nodeCount(members); i++) {
      if (!isLeaf(i as NodeIndex)) yield [i, { kind: 'parent', publicKey: newKey(), unmergedLeaves: [] }];
      else {
        const leaf: LeafNode = {
          kind: 'leaf',
          publicKey: newKey(),
          role: i === 0 ? 'owner' : 'member',
          epoch: i,
          addedBy: i === 0 ? undefined : { leaf: 0 as LeafIndex, epoch: 0 },
          device: false,
          expiresAtMs: undefined,
        };
        yield [i, leaf];
      }
    }
  }
  const tree = PublicTree.fromNodes(members, nodes());
  if (!tree.ok) throw new Error(tree.rule);
  return tree.value;
}

function timed<T>(work: () => T): { ms: number; value: T } {
  const start = performance.now();
  const value = work();
  return { ms: performance.now() - start, value };
}

let epoch = 10_000_000;

/** One commit; milliseconds of the plan and of what follows it. */
function commit(
  tree: PublicTree,
  committer: number,
  operations: TreeOperation[],
  fill: boolean,
): Record<string, number> {
  const input: CommitInput = { committer, operations, fills: [], newEpoch: ++epoch, nowMs, mode };
  const suggested = timed(() => suggestFills(tree, input));
  const fills = fill && suggested.value.ok ? suggested.value.value : [];
  const plan = timed(() => planCommit(tree, { ...input, fills }));
  if (!plan.value.ok) throw new Error(plan.value.rule);
  const { draft, seals } = plan.value.value;
  const keys = timed(() => {
    for (const node of [leafNode(committer as LeafIndex), ...seals.map((seal) => seal.node)])
      draft.setKey(node, newKey());
    return draft.treeHash();
  });
  const apply = timed(() => {
    tree.apply(draft.changes());
    return tree.treeHash();
  });
  return {
    suggestMs: fill ? suggested.ms : 0,
    planMs: plan.ms,
    keysAndHashMs: keys.ms,
    applyMs: apply.ms,
    seals: seals.length,
    recipients: seals.reduce((sum, seal) => sum + seal.recipients.length, 0),
  };
}

function median(runs: Record<string, number>[]): Record<string, number> {
  const middle = (name: string): number => {
    const sorted = runs.map((run) => run[name] ?? 0).toSorted((a, b) => a - b);
    return Number(sorted[sorted.length >> 1]!.toFixed(3));
  };
  return Object.fromEntries(Object.keys(runs[0] ?? {}).map((name) => [name, middle(name)]));
}

function add(): TreeOperation {
  return { kind: 'add', leafKey: newKey(), role: 'member', expiresAtMs: nowMs + 86_400_000, device: false };
}

function removal(leaf: number): TreeOperation {
  return { kind: 'remove', leaf, leaveSignature: undefined };
}

function measure(members: number): Record<string, unknown> {
  const rssBefore = process.memoryUsage().rss;
  const built = timed(() => fullTree(members));
  const tree = built.value;
  const hashed = timed(() => tree.treeHash());
  const rssMb = Math.round((process.memoryUsage().rss - rssBefore) / 2 ** 20);
  const encoded = timed(() => encodeTree(tree));
  const path = encodeMerklePath(tree, (members >> 1) as LeafIndex)!;
  const proved = timed(() => verifyMerklePath(path, tree.treeHash(), copyKey));
  if (!proved.value.ok) throw new Error(proved.value.rule);
  const decoded = timed(() => decodeTree(encoded.value, copyKey));
  if (!decoded.value.ok) throw new Error(decoded.value.rule);

  /** `count` different members other than the owner, spread over the tree. */
  const pick = (count: number, seed: number): number[] => {
    const picked = new Set<number>();
    for (let i = seed; picked.size < count; i++) {
      const leaf = 1 + ((i * 7919) % (members - 1));
      if (tree.leaf(leaf as LeafIndex) !== undefined) picked.add(leaf);
    }
    return [...picked];
  };
  const repeat = (count: number, run: (i: number) => Record<string, number>): Record<string, number> =>
    median(Array.from({ length: count }, (_, i) => run(i)));
  const commits = {
    refresh: repeat(200, (i) => commit(tree, pick(1, i)[0] ?? 0, [], false)),
    removeOne: repeat(50, (i) => commit(tree, 0, pick(1, i).map(removal), false)),
    addOneIntoBlank: repeat(25, () => commit(tree, 0, [add()], true)),
    remove64: repeat(1, () => commit(tree, 0, pick(64, 1000).map(removal), false)),
    add64: repeat(1, () => commit(tree, 0, Array.from({ length: 64 }, add), true)),
    ...(members < 2 ** 20
      ? { add1000: repeat(1, () => commit(tree, 0, Array.from({ length: 1000 }, add), true)) }
      : {}),
  };
  return {
    members,
    buildMs: Math.round(built.ms),
    fullHashMs: Math.round(hashed.ms),
    rssMb,
    encodeMs: Math.round(encoded.ms),
    encodedBytesPerNode: Number((encoded.value.length / nodeCount(members)).toFixed(1)),
    decodeMs: Math.round(decoded.ms),
    pathBytes: path.length,
    verifyPathMs: Number(proved.ms.toFixed(3)),
    commits,
  };
}

const sizes = process.argv.slice(2).map(Number);
for (const members of sizes.length > 0 ? sizes : [1024, 65_536, 1_048_576])
  process.stdout.write(`${JSON.stringify(measure(members))}\n`);
