/**
 * How long the event loop is held by what is left on it of a large commit, in milliseconds of its thread's processor time: parsing, planning with hashing,
 * copying the claims, the group's next state, and the rows of its tree (the longest hold while they are written to SQLite).
 *
 *   node packages/server/bench/event-loop.ts
 *
 * A group of one gets 1,000 members, then 1,000 more, and loses 1,200 scattered ones. Every step is timed the first time, as
 * a server meets it, and again when the code is warm (the mean of 50: the system counts in steps of some milliseconds).
 */
import { systemRandom } from '@conclave/platform';
import {
  accept,
  advanceGroup,
  buildCommit,
  buildCreate,
  claimCost,
  foundGroup,
  isCommitFrame,
  isCreateFrame,
  leafNode,
  parseFrame,
  serverVerification,
  verifyCommitInSteps,
  verifyCommit,
  verifyCreate,
} from '@conclave/sealed-group';
import type {
  LeafIndex,
  PublicGroup,
  RequestedOperation,
  Result,
  SecretScalar,
} from '@conclave/sealed-group';
import { packClaims } from '@conclave/sealed-group/verification';
import { insertSubtrees } from '../src/sealed-groups/tree-rows.ts';
import { suite } from '../test/proofs/claims.ts';
import { openBenchStore } from './full-group.ts';

const runs = 50;
const random = systemRandom;
const origin = 'bench.example';
const mode = { leafProof: false, minWriter: 'member', ownDevices: false } as const;
let nowMs = 1_800_000_000_000;

function valueOf<T>(result: Result<T>): T {
  if (result.ok) return result.value;
  throw new Error(`${result.rule} ${result.detail ?? ''}`);
}

const created = valueOf(
  buildCreate({
    suite,
    random,
    origin,
    mode,
    nowMs,
    hedgeSecret: random.bytes(32),
    payload: () => accept(random.bytes(40)),
  }),
);
const createFrame = valueOf(parseFrame(created.bytes));
if (!isCreateFrame(createFrame)) throw new Error('not a create');
let group: PublicGroup = foundGroup(valueOf(verifyCreate(suite, createFrame, origin)).effect);
let leafSecret: SecretScalar = created.leafSecret;
let chain = Uint8Array.from(created.keys.chain.reveal());

await using opened = await openBenchStore();
const { store } = opened;

async function step(name: string, operations: readonly RequestedOperation[]): Promise<void> {
  nowMs += 1_000;
  const built = valueOf(
    buildCommit({
      suite,
      random,
      group,
      committer: 0,
      leafSecret,
      chain,
      operations,
      nowMs,
      payload: () => accept(random.bytes(40)),
    }),
  );
  const parse = () => {
    const frame = valueOf(parseFrame(built.bytes));
    if (!isCommitFrame(frame)) throw new Error('not a commit');
    return frame;
  };
  const frame = parse();
  const verify = () => valueOf(verifyCommit(group, frame, serverVerification));
  const parsing = timed(parse);
  const verifying = timed(verify);
  const longest = longestStep(() => verifyCommitInSteps(group, frame, serverVerification));
  const { claims, effect } = verifying.value;
  const packing = timed(() => packClaims([claims]));
  const advancing = timed(() => advanceGroup(group, effect));
  const points = claims.reduce((sum, claim) => sum + claimCost(claim), 0);
  const values = {
    octets: built.bytes.length,
    points,
    parse: parsing.ms,
    verifyCommit: verifying.ms,
    'its longest step': longest,
    packClaims: packing.ms,
    advanceGroup: advancing.ms,
    rows: effect.changes.subtrees.size,
    'longest hold while they are written': await longestHold(() =>
      store.write((trx) => insertSubtrees(trx, 'bench', effect.epoch, effect.changes.subtrees)),
    ),
  };
  process.stdout.write(`${JSON.stringify({ name, members: group.tree.leafCount, ...values })}\n`);
  group = advancing.value;
  leafSecret = built.secrets.pathSecrets.get(leafNode(0 as LeafIndex))!;
  chain = Uint8Array.from(built.secrets.keys.chain.reveal());
}

/** Processor time of this thread: what others do on the machine does not count. */
function threadMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1_000;
}

function timed<T>(work: () => T): { readonly ms: string; readonly value: T } {
  const startMs = threadMs();
  const value = work();
  const firstMs = threadMs() - startMs;
  const manyMs = threadMs();
  for (let run = 0; run < runs; run++) work();
  const warmMs = (threadMs() - manyMs) / runs;
  return { ms: `${firstMs.toFixed(0)}, then ${warmMs.toFixed(1)}`, value };
}

/** The steps' means; the longest of them. */
function longestStep(start: () => Generator<undefined, unknown, undefined>): number {
  const totals: number[] = [];
  for (let run = 0; run < runs; run++) {
    const steps = start();
    for (let step = 0, done: boolean | undefined = false; done !== true; step++) {
      const startMs = threadMs();
      ({ done } = steps.next());
      totals[step] = (totals[step] ?? 0) + threadMs() - startMs;
    }
  }
  return Math.round((10 * Math.max(...totals)) / runs) / 10;
}

/** The most processor time of this thread between two turns of the event loop, while `work` runs. */
async function longestHold(work: () => Promise<void>): Promise<number> {
  let longestMs = 0;
  let isOver = false;
  let sinceMs = threadMs();
  const turn = (): void => {
    longestMs = Math.max(longestMs, threadMs() - sinceMs);
    sinceMs = threadMs();
    if (!isOver) setImmediate(turn);
  };
  setImmediate(turn);
  await work();
  isOver = true;
  turn();
  return Math.round(10 * longestMs) / 10;
}

const add = (): RequestedOperation => ({
  kind: 'add',
  role: 'member',
  expiresAtMs: nowMs + 86_400_000,
  device: false,
});
const remove = (leaf: number): RequestedOperation => ({ kind: 'remove', leaf });
await step('add 1,000', Array.from({ length: 1_000 }, add));
await step('add 1,000', Array.from({ length: 1_000 }, add));
await step(
  'remove 1,200 scattered',
  Array.from({ length: 1_200 }, (_, index) => remove(1 + ((index * 7) % 2_000))),
);
await step('refresh', []);
