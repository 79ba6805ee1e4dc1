/**
 * What an owner may not do either, and what is wrong with a commit whoever makes it. Mallory is an owner at leaf 0, Ada an
 * owner at 1, Bo a member at 2; leaves 3 to 6 are pending and Mallory's, and nodes 9 and 11 above 4, 5 and 6 have keys.
 */
import { systemRandom } from '@conclave/platform';
import { leafNode, publicKeyOf } from '@conclave/sealed-group';
import type { CommitContent, FrameOperation, LeafIndex, RuleId } from '@conclave/sealed-group';
import { testSuite } from '@conclave/testkit';
import { badPoints, flipped, plusOrder, spliced } from '../mallory/bad-encodings.ts';
import { newSecret, signAs } from '../mallory/mallory.ts';
import type { AddOperation, Changes, Mallory, Prepared } from '../mallory/mallory.ts';
import type { FrameAttack } from '../siege.ts';

const bo = 2;
const ada = 1;
const pendingLeaf = 3;
const minuteMs = 60_000;
const dayMs = 24 * 60 * minuteMs;

type Operations = (mallory: Mallory, good: Prepared) => readonly FrameOperation[];

export const ownerAttacks: readonly FrameAttack[] = [
  operations('tree/known-leaf', 'removes a leaf that is not there', () => [remove(99)]),
  operations('tree/known-leaf', 'gives a role to a blank place', () => [setRole(7, 'admin')]),
  operations('tree/one-operation-per-leaf', 'lifts and removes one leaf', () => [
    setRole(bo, 'admin'),
    remove(bo),
  ]),
  operations('tree/one-operation-per-leaf', 'removes one leaf twice', () => [remove(bo), remove(bo)]),
  operations('tree/own-leaf', 'removes itself', () => [remove(0)]),
  operations('tree/last-owner', 'lowers all owners', () => [setRole(ada, 'member'), setRole(0, 'admin')]),
  operations(
    'tree/last-owner',
    'removes the other owner and lowers itself',
    () => [setRole(0, 'admin'), remove(ada)],
    ['422 CONCLAVE_RULE_BROKEN tree/owner-target'],
  ),
  operations('tree/set-role-pending', 'lifts a pending leaf', () => [setRole(pendingLeaf, 'admin')]),
  operations('tree/role-unchanged', 'gives a role that the leaf has', () => [setRole(bo, 'member')]),
  operations('tree/devices-off', 'forbids devices and adds one', (mallory) => [
    mallory.newAdd({ device: true }),
    { kind: 'set-mode', mode: { leafProof: false, minWriter: 'member', ownDevices: false } },
  ]),
  operations('tree/device-limit', 'adds nine devices', (mallory) =>
    Array.from({ length: 9 }, () => mallory.newAdd({ device: true })),
  ),
  expiry('at once', (nowMs) => nowMs),
  expiry('yesterday', (nowMs) => nowMs - dayMs),
  expiry('31 days later', (nowMs) => nowMs + 31 * dayMs),
  operations('tree/one-mode', 'sets the mode twice', () => [
    { kind: 'set-mode', mode: { leafProof: true, minWriter: 'member', ownDevices: true } },
    { kind: 'set-mode', mode: { leafProof: false, minWriter: 'member', ownDevices: true } },
  ]),
  operations('tree/leaf-proof-required', 'lets only admins write, unproven', () => [
    { kind: 'set-mode', mode: { leafProof: false, minWriter: 'admin', ownDevices: true } },
  ]),
  operations('tree/leaf-proof-required', 'adds a reader where nobody signs', (mallory) => [
    mallory.newAdd({ role: 'reader' }),
  ]),
  operations('tree/leaf-proof-required', 'makes a member a reader where nobody signs', () => [
    setRole(bo, 'reader'),
  ]),
  fills('tree/fill-place', 'a leaf', [8]),
  fills('tree/fill-place', 'a node of the own path', [3]),
  fills('tree/fill-place', 'a node outside the tree', [1_001]),
  fills('tree/fill-order', 'from above', [11, 9]),
  fills('tree/fill-order', 'twice', [9, 9, 11]),
  fills('tree/fill-sides', 'a node with an empty side', [13]),
  fills('tree/fill-leaves', 'a node over somebody who has joined', [5]),
  fills('tree/fill-ancestors', 'a node under a key that it leaves alone', [9]),
  content('tree/unique-key', 'Bo’s key as the own new one', (_mallory, good) => ({
    leafKey: keyOf(good, bo),
  })),
  content('tree/unique-key', 'its own old key', (mallory) => ({
    leafKey: publicKeyOf(testSuite, mallory.leafSecret),
  })),
  content('tree/unique-key', 'one key for two nodes', (_mallory, good) => ({
    sealed: good.frame.content.sealed.map((node) => ({ ...node, key: good.frame.content.sealed[0]!.key })),
  })),
  content('commit/nodes', 'a sealed node left out', (_mallory, { frame }) => ({
    sealed: frame.content.sealed.slice(1),
  })),
  content('commit/nodes', 'none sealed at all', () => ({ sealed: [] })),
  content(
    'commit/nodes',
    'a sealed node twice',
    (
      _mallory,
      {
        frame: {
          content: { sealed },
        },
      },
    ) => ({
      sealed: [sealed[0]!, ...sealed],
    }),
  ),
  content('commit/nodes', 'another order', (_mallory, { frame }) => ({
    sealed: frame.content.sealed.toReversed(),
  })),
  content('commit/nodes', 'a node that is not on the path', (_mallory, { frame }) => ({
    sealed: frame.content.sealed.map((node, index) => (index === 0 ? { ...node, node: 5 } : node)),
  })),
  content('commit/recipients', 'a recipient left out', (_mallory, { frame }) => ({
    sealed: frame.content.sealed.map((node) => ({ ...node, handles: node.handles.slice(1) })),
  })),
  content('commit/recipients', 'nobody can open it', (_mallory, { frame }) => ({
    sealed: frame.content.sealed.map((node) => ({ ...node, handles: [] })),
  })),
  content('commit/recipients', 'a recipient twice', (_mallory, { frame }) => ({
    sealed: frame.content.sealed.map((node) => ({ ...node, handles: [...node.handles, node.handles[0]!] })),
  })),
  content('commit/key', 'the identity as leaf key', () => ({ leafKey: new Uint8Array(32) })),

  // Times and epochs.
  header('commit/epoch', 'the next epoch', ({ frame }) => ({ epoch: frame.header.epoch + 1 })),
  header('commit/epoch', 'the epoch before', ({ frame }) => ({ epoch: frame.header.epoch - 1 })),
  header('commit/epoch', 'the last of all epochs', () => ({ epoch: Number.MAX_SAFE_INTEGER })),
  header('commit/clock', 'six minutes ahead', ({ frame }) => ({ nowMs: frame.header.nowMs + 6 * minuteMs })),
  header('commit/clock', 'six minutes late', ({ frame }) => ({ nowMs: frame.header.nowMs - 6 * minuteMs })),
  header('commit/clock', 'at the beginning of time', () => ({ nowMs: 0 })),
  header('commit/clock', 'at its end', () => ({ nowMs: Number.MAX_SAFE_INTEGER })),
  attack('commit/monotone', 'a time before that of the last commit', (mallory, good) =>
    mallory.forge(good, { header: { nowMs: mallory.state.group.lastNowMs - 1 } }),
  ),

  // Who speaks.
  header('commit/eligible', 'for another server', () => ({ origin: 'elsewhere.example' })),
  header('commit/eligible', 'for another group', () => ({ groupId: systemRandom.bytes(16) })),
  { ...content('commit/eligible', 'in Bo’s name', () => ({ committer: bo })), clientSays: 'commit/nodes' },
  content('commit/eligible', 'in the name of a blank place', () => ({ committer: 7 })),
  content('commit/eligible', 'in the name of a leaf outside the tree', () => ({ committer: 2 ** 20 - 1 })),
  signed('commit/eligible', 'its old signature changed in R', ({ oldSignature }) => ({
    oldSignature: flipped(oldSignature, 0),
  })),
  signed('commit/eligible', 'its old signature changed in z', ({ oldSignature }) => ({
    oldSignature: flipped(oldSignature, 40),
  })),
  signed('commit/eligible', 'z of its old signature plus the group’s order', ({ oldSignature }) => ({
    oldSignature: spliced(oldSignature, 32, plusOrder(oldSignature.subarray(32))),
  })),
  ...badPoints.map(([what, octets]) =>
    signed('commit/eligible', `${what} as R of its old signature`, ({ oldSignature }) => ({
      oldSignature: spliced(oldSignature, 0, octets),
    })),
  ),
  signed('commit/eligible', 'signed by the new key alone', ({ newSignature }) => ({
    oldSignature: newSignature,
  })),
  signed('commit/eligible', 'a payload that was not signed', ({ payload }) => ({
    payload: flipped(payload, 0),
  })),
  signed('commit/eligible', 'a proof that was not signed', ({ sealingProof }) => ({
    sealingProof: flipped(sealingProof, -32),
  })),
  attack('commit/eligible', 'signed by a key of its own choice', (mallory, good) =>
    mallory.forge(good, {
      signed: () => ({ oldSignature: signAs('commit-old', newSecret(), systemRandom.bytes(32)) }),
    }),
  ),

  // Messages and leaves.
  attack('commit/eligible', 'a message by an epoch key that never was', (mallory) =>
    mallory.message({ secret: newSecret() }),
  ),
  attack('commit/eligible', 'a message by the leaf’s key as if it were the epoch’s', (mallory) =>
    mallory.message({ secret: mallory.leafSecret }),
  ),
  attack('commit/eligible', 'a message with a proof for a blob', (mallory) =>
    mallory.message({ purpose: 'blob' }),
  ),
  attack('commit/eligible', 'a message signed by another leaf than it says', (mallory) =>
    mallory.message({ leaf: bo }),
  ),
  attack('commit/eligible', 'a message of a leaf that is not there', (mallory) =>
    mallory.message({ leaf: 77 }),
  ),
  attack('commit/message-proof', 'a message signed by its leaf where none is', (mallory) =>
    mallory.message({ leaf: mallory.leaf }),
  ),
  attack(
    'commit/epoch',
    'a message of an epoch long over',
    (mallory) => {
      const { epochKeys } = mallory.state.group;
      const known = epochKeys.find(({ epoch }) => epoch === mallory.member.group.epoch);
      return mallory.message({ header: { epoch: known!.epoch - 1 }, secret: mallory.headSecret });
    },
    ['403 CONCLAVE_NOT_ELIGIBLE'],
  ),
  attack('commit/clock', 'a message from six minutes ahead', (mallory) =>
    mallory.message({ header: { nowMs: Date.now() + 6 * minuteMs } }),
  ),
  attack('commit/eligible', 'a leave in Bo’s name', (mallory) => mallory.leaveFrame({ leaf: bo })),
  attack('commit/eligible', 'a leave of an instance that is gone', (mallory) =>
    mallory.leaveFrame({ leafEpoch: 12_345 }),
  ),
];

/** Each of these costs its leaf a wait, so there is only one where honest people look on; the rest have groups of their own. */
export const witnessedForgery: readonly FrameAttack[] = [
  attack('sealing/handle-consistency', 'the last response of its proof changed', (mallory, good) =>
    mallory.forge(good, { trail: ({ sealingProof }) => ({ sealingProof: flipped(sealingProof, -32) }) }),
  ),
];

export function remove(leaf: number): FrameOperation {
  return { kind: 'remove', leaf, leaveSignature: undefined };
}

export function setRole(leaf: number, role: AddOperation['role']): FrameOperation {
  return { kind: 'set-role', leaf, role };
}

export function attack(
  breaks: RuleId,
  name: string,
  build: FrameAttack['build'],
  expects?: readonly string[],
): FrameAttack {
  return {
    breaks,
    name,
    build,
    ...(expects === undefined ? {} : { expects, clientSays: 'nothing' }),
  };
}

export function operations(
  breaks: RuleId,
  name: string,
  list: Operations,
  expects?: readonly string[],
): FrameAttack {
  return attack(
    breaks,
    name,
    (mallory, good) => mallory.forge(good, { content: () => ({ operations: list(mallory, good) }) }),
    expects,
  );
}

function content(
  breaks: RuleId,
  name: string,
  change: (mallory: Mallory, good: Prepared) => Partial<CommitContent>,
): FrameAttack {
  return attack(breaks, name, (mallory, good) =>
    mallory.forge(good, { content: () => change(mallory, good) }),
  );
}

function header(
  breaks: RuleId,
  name: string,
  change: (good: Prepared) => NonNullable<Changes['header']>,
): FrameAttack {
  return attack(breaks, name, (mallory, good) => mallory.forge(good, { header: change(good) }));
}

function signed(breaks: RuleId, name: string, change: NonNullable<Changes['signed']>): FrameAttack {
  return attack(breaks, name, (mallory, good) => mallory.forge(good, { signed: change }));
}

function fills(breaks: RuleId, what: string, list: readonly number[]): FrameAttack {
  return content(breaks, `fills ${what}`, () => ({ fills: list }));
}

function expiry(when: string, of: (nowMs: number) => number): FrameAttack {
  return operations('tree/expiry-range', `adds a leaf that expires ${when}`, (mallory, { frame }) => [
    mallory.newAdd({ expiresAtMs: of(frame.header.nowMs) }),
  ]);
}

function keyOf({ plan }: Prepared, leaf: number): Uint8Array {
  return plan.draft.node(leafNode(leaf as LeafIndex))!.publicKey;
}
