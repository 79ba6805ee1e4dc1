/** Rows of a group as large as wanted, written directly: commits that add a million members would take days. Keys are random bytes. */
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { openSqliteStore, silentLog, systemClock } from '@conclave/platform';
import type { Clock, Store } from '@conclave/platform';
import { nodeCount, PublicTree } from '@conclave/sealed-group';
import type { LeafIndex, NodeIndex, PublicKey, Subtree, TreeNode } from '@conclave/sealed-group';
import type { ServerDatabase } from '../src/schema/server-database.ts';
import { serverMigrations } from '../src/schema/server-migrations.ts';
import { encodeGroupState } from '../src/sealed-groups/group-state.ts';
import { insertEpoch, insertSubtrees } from '../src/sealed-groups/tree-rows.ts';

const nodesPerUnit = 4_096;

export const newKey = (): PublicKey => Uint8Array.from(randomBytes(32)) as PublicKey;

/** Members have joined, every node above them has a key. `members` is a power of two. */
export function fullTree(members: number): PublicTree {
  function* nodes(): Generator<[number, TreeNode]> {
    for (let index = 0; index < nodeCount(members); index++) {
      yield [
        index,
        index % 2 === 0 ? leafNumber(index / 2) : { kind: 'parent', publicKey: newKey(), unmergedLeaves: [] },
      ];
    }
  }
  const tree = PublicTree.fromNodes(members, nodes());
  if (!tree.ok) throw new Error(tree.rule);
  return tree.value;
}

function leafNumber(leaf: number): TreeNode {
  return {
    kind: 'leaf',
    publicKey: newKey(),
    role: leaf === 0 ? 'owner' : 'member',
    epoch: leaf === 0 ? 0 : 1,
    addedBy: leaf === 0 ? undefined : { leaf: 0 as LeafIndex, epoch: 0 },
    device: false,
    expiresAtMs: undefined,
  };
}

/** The group's rows as of epoch 0, with the epoch keys of one that has had sixteen. Returns its id. */
export async function insertFullGroup(
  store: Store<ServerDatabase>,
  tree: PublicTree,
  nowMs: number,
): Promise<string> {
  const groupId = randomBytes(16).toString('base64url');
  const state = encodeGroupState({
    mode: { leafProof: false, minWriter: 'member', ownDevices: false },
    transcript: randomBytes(32),
    confirmedTranscript: randomBytes(32),
    lastNowMs: nowMs,
    epochKeys: Array.from({ length: 16 }, (_, epoch) => ({ epoch, publicKey: newKey() })),
    lastRemovalEpoch: 0,
    previousEpochGrace: true,
    epochMadeAtMs: nowMs,
  });
  const { leafCount } = tree;
  const made = { epoch: 0, seq: 1, madeAtMs: nowMs, leafCount, treeHash: tree.treeHash() };
  await store.write(async (trx) => {
    await trx
      .insertInto('sealed_groups')
      .values({
        group_id: groupId,
        creator: 'bench',
        created_at_ms: nowMs,
        epoch: 0,
        last_seq: 1,
        state,
        reservation: null,
        oldest_epoch: 0,
        collected_epoch: 0,
        collected_node: 0,
        oldest_superseded_at_ms: null,
        blob_bytes: 0,
      })
      .execute();
    await insertEpoch(trx, groupId, { ...made, subtrees: new Map() });
  });
  for (let first = 0; first < nodeCount(leafCount); first += nodesPerUnit) {
    const subtrees = new Map<NodeIndex, Subtree>();
    for (let at = first; at < Math.min(first + nodesPerUnit, nodeCount(leafCount)); at++) {
      const index = at as NodeIndex;
      subtrees.set(index, { node: tree.node(index), hash: tree.hash(index) });
    }
    await store.write((trx) => insertSubtrees(trx, groupId, 0, subtrees));
  }
  return groupId;
}

export interface BenchStore extends AsyncDisposable {
  readonly store: Store<ServerDatabase>;
}

export async function openBenchStore(clock: Clock = systemClock): Promise<BenchStore> {
  const folder = await mkdtemp(join(tmpdir(), 'conclave-bench-'));
  const store = await openSqliteStore<ServerDatabase>({
    file: join(folder, 'conclave.db'),
    migrations: [serverMigrations],
    clock,
    log: silentLog,
  });
  return {
    store,
    async [Symbol.asyncDispose]() {
      await store.close();
      await rm(folder, { recursive: true });
    },
  };
}

/** What is in use after a collection of garbage: JavaScript's heap and the octets beside it. */
export async function usedMemory(): Promise<{ readonly heapBytes: number; readonly rssBytes: number }> {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  for (let times = 0; times < 3; times++) {
    await turn();
    collect();
  }
  const { heapUsed, arrayBuffers, rss } = process.memoryUsage();
  return { heapBytes: heapUsed + arrayBuffers, rssBytes: rss };
}
