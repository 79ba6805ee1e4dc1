/**
 * Makes `vectors/trees.json`: what commits do to a tree (docs/sealed-groups.md §3, §5.5, §5.6). Invitees with fills, first
 * commits, a device, a removal, an unmerged leaf, a cascade that halves the tree, a leave that is carried out.
 */
import { bytesToHex as hex } from '@noble/hashes/utils.js';
import type { FrameOperation, RequestedOperation } from '../../src/index.ts';
import { isCommitFrame, parseFrame } from '../../src/index.ts';
import { Client, dayMs, person, service, valueOf } from '../group/people.ts';

export interface TreeStep {
  readonly about: string;
  /** That the commit makes. */
  readonly epoch: number;
  readonly committer: number;
  readonly operations: readonly TreeStepOperation[];
  readonly fills: readonly number[];
  /** The committer's new key. */
  readonly leafKey: string;
  /** Node, new key, recipients, in frame order. */
  readonly seals: readonly {
    readonly node: number;
    readonly key: string;
    readonly recipients: readonly number[];
  }[];
  readonly head: number;
  readonly removed: readonly number[];
  readonly added: readonly number[];
  readonly tree: string;
  readonly treeHash: string;
}

export type TreeStepOperation =
  | { readonly kind: 'set-role'; readonly leaf: number; readonly role: string }
  | { readonly kind: 'remove'; readonly leaf: number }
  | {
      readonly kind: 'add';
      readonly key: string;
      readonly role: string;
      readonly expiresAtMs: number;
      readonly device: boolean;
    }
  | { readonly kind: 'set-mode' };

export interface TreeVectors {
  readonly description: string;
  /** Of epoch 0. */
  readonly tree: string;
  readonly treeHash: string;
  readonly steps: readonly TreeStep[];
}

export function makeTreeVectors(): TreeVectors {
  const ds = service();
  const alice = Client.create(person('alice', 'trees'), ds);
  const founded = { tree: hex(ds.treeByEpoch.get(0)!), treeHash: hex(ds.group.tree.treeHash()) };
  const steps: TreeStep[] = [];
  const note = (about: string): void => {
    const effect = ds.effects.at(-1)!;
    const { plan } = effect;
    const frame = valueOf(parseFrame(ds.log[ds.seqByEpoch.get(effect.epoch)! - 1]!.bytes));
    if (!isCommitFrame(frame)) throw new Error('not a commit');
    const { content } = frame;
    steps.push({
      about,
      epoch: effect.epoch,
      committer: content.committer,
      operations: content.operations.map(describe),
      fills: content.fills,
      leafKey: hex(content.leafKey),
      seals: plan.seals.map(({ node, recipients }, i) => ({
        node,
        key: hex(content.sealed[i]!.key),
        recipients,
      })),
      head: plan.head,
      removed: plan.removed,
      added: plan.added.map(({ leaf }) => leaf),
      tree: hex(ds.treeByEpoch.get(effect.epoch)!),
      treeHash: hex(effect.treeHash),
    });
  };
  const add = (role: 'admin' | 'member' = 'member', device = false): RequestedOperation => ({
    kind: 'add',
    role,
    device,
    expiresAtMs: ds.nowMs + 7 * dayMs,
  });

  valueOf(alice.commit(Array.from({ length: 7 }, () => add())));
  note('seven invitees: fills over six of them, the seventh beside the committer');
  const members = [1, 2, 4, 5, 6, 7].map((leaf, i) => {
    const member = Client.accept(person(`member ${i}`, 'trees'), ds, alice.invite(leaf as never));
    return { leaf, member };
  });
  const at = (leaf: number): Client => members.find((entry) => entry.leaf === leaf)!.member;
  for (const leaf of [1, 4, 5, 6, 7, 2]) {
    at(leaf).sync();
    valueOf(at(leaf).commit());
    note(`first commit of leaf ${leaf}`);
  }
  alice.sync();
  valueOf(alice.commit([{ kind: 'remove', leaf: 6 }]));
  note('a removal blanks every node above it');
  at(5).sync();
  valueOf(at(5).commit());
  note('a commit under a blank sibling: its path skips no node with two sides');
  alice.sync();
  valueOf(alice.commit([add(), { kind: 'set-role', leaf: 4, role: 'admin' }]));
  note('the leftmost blank place is taken: an unmerged leaf below a keyed node; leaf 4 becomes an admin');
  at(4).sync();
  valueOf(at(4).commit([add()]));
  note('a full tree is doubled');
  alice.sync();
  valueOf(alice.commit([{ kind: 'set-role', leaf: 4, role: 'member' }]));
  note('lowering an administrator removes its pending leaf, and the tree is halved');
  at(4).sync();
  valueOf(at(4).commit([add('member', true)]));
  note('a device');
  const leaving = at(7);
  leaving.sync();
  valueOf(ds.post(valueOf(leaving.group.leave({ nowMs: ds.nowMs })).frame));
  at(1).sync();
  valueOf(at(1).commit());
  note('a member carries out a leave');
  return {
    description:
      'A tree of one place, and after each commit. Node indices as in RFC 9420; keys are hexadecimal; seals are in frame order, recipients are nodes; places of set-role and remove are leaf indices.',
    ...founded,
    steps,
  };
}

function describe(operation: FrameOperation): TreeStepOperation {
  if (operation.kind === 'set-role') {
    const { kind, leaf, role } = operation;
    return { kind, leaf, role };
  }
  if (operation.kind === 'remove') return { kind: 'remove', leaf: operation.leaf };
  if (operation.kind === 'set-mode') return { kind: 'set-mode' };
  const { kind, leafKey, role, expiresAtMs, device } = operation;
  return { kind, key: hex(leafKey), role, expiresAtMs, device };
}
