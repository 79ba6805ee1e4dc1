/** What is wrong with a commit whoever makes it, each with its place in the order of checks. Bo is at leaf 2. */
import { leafNode } from '@conclave/sealed-group';
import type { FrameOperation, LeafIndex } from '@conclave/sealed-group';
import { flipped } from '../mallory/bad-encodings.ts';
import type { Changes, Mallory, Prepared } from '../mallory/mallory.ts';
import type { Violation } from './combination.ts';
import { remove } from './owner-rules.ts';

export type CommitViolation = Violation<Changes>;

export const [form, eligibility, clock, epoch, waiting, plan, duties, nodes, recipients, keys, proofs] = [
  0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10,
] as const;

const sixMinutesMs = 360_000;

export const structuralViolations: readonly CommitViolation[] = [
  {
    what: 'an origin with a space',
    rule: 'frame/origin',
    step: form,
    touches: ['origin'],
    change: () => ({ header: { origin: 'conclave test' } }),
  },
  {
    what: 'a confirmation of 31 bytes',
    rule: 'frame/length',
    step: form,
    touches: ['confirm'],
    change: () => ({ trail: ({ confirm }) => ({ confirm: confirm.subarray(1) }) }),
  },
  {
    what: 'a false old signature',
    rule: 'commit/eligible',
    step: eligibility,
    touches: ['oldSignature'],
    change: () => ({ signed: ({ oldSignature }) => ({ oldSignature: flipped(oldSignature, 40) }) }),
  },
  {
    what: 'another server’s origin',
    rule: 'commit/eligible',
    step: eligibility,
    touches: ['origin'],
    change: () => ({ header: { origin: 'elsewhere.example' } }),
  },
  {
    what: 'six minutes ahead',
    rule: 'commit/clock',
    step: clock,
    touches: ['nowMs'],
    change: (_mallory, { frame }) => ({ header: { nowMs: frame.header.nowMs + sixMinutesMs } }),
  },
  {
    what: 'the next epoch',
    rule: 'commit/epoch',
    step: epoch,
    touches: ['epoch'],
    change: (_mallory, { frame }) => ({ header: { epoch: frame.header.epoch + 1 } }),
  },
  {
    what: 'a time before the last commit’s',
    rule: 'commit/monotone',
    step: epoch,
    touches: ['nowMs'],
    change: (mallory) => ({ header: { nowMs: mallory.state.group.lastNowMs - 1 } }),
  },
  operation('a leaf that is not there', 'tree/known-leaf', ['leaf 99'], () => [remove(99)]),
  {
    what: 'a fill on the own path',
    rule: 'tree/fill-place',
    step: plan,
    touches: ['fills'],
    change: ({ leaf }) => ({ content: () => ({ fills: [parentOfLeaf(leaf)] }) }),
  },
  {
    what: 'a sealed node left out',
    rule: 'commit/nodes',
    step: nodes,
    touches: ['nodes'],
    change: () => ({ content: ({ sealed }) => ({ sealed: sealed.slice(1) }) }),
  },
  {
    what: 'a recipient left out',
    rule: 'commit/recipients',
    step: recipients,
    touches: ['handles'],
    change: () => ({
      content: ({ sealed }) => ({
        sealed: sealed.map((node) => ({ ...node, handles: node.handles.slice(1) })),
      }),
    }),
  },
  {
    what: 'the identity as leaf key',
    rule: 'commit/key',
    step: keys,
    touches: ['leafKey'],
    change: () => ({ content: () => ({ leafKey: new Uint8Array(32) }) }),
  },
  {
    what: 'Bo’s key as leaf key',
    rule: 'tree/unique-key',
    step: keys,
    touches: ['leafKey'],
    change: (_mallory, { plan }) => ({
      content: () => ({ leafKey: plan.draft.node(leafNode(2 as LeafIndex))!.publicKey }),
    }),
  },
  {
    what: 'a false new signature',
    rule: 'commit/new-signature',
    step: proofs,
    touches: ['newSignature'],
    change: () => ({ signed: ({ newSignature }) => ({ newSignature: flipped(newSignature, 40) }) }),
  },
  {
    what: 'a false sealing proof',
    rule: 'sealing/handle-consistency',
    step: proofs,
    touches: ['sealingProof'],
    change: () => ({ trail: ({ sealingProof }) => ({ sealingProof: flipped(sealingProof, -32) }) }),
  },
];

/** Operations that the plan refuses, added to those that are there. */
export function operation(
  what: string,
  rule: CommitViolation['rule'],
  touches: readonly string[],
  list: (mallory: Mallory, good: Prepared) => readonly FrameOperation[],
): CommitViolation {
  return {
    what,
    rule,
    step: plan,
    touches,
    change: (mallory, good) => {
      const added = list(mallory, good);
      return { content: ({ operations }) => ({ operations: [...operations, ...added] }) };
    },
  };
}

function parentOfLeaf(leaf: LeafIndex): number {
  return leafNode((leaf & ~1) as LeafIndex) + 1;
}
