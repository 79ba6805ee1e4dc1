/**
 * Two or three things wrong at once: still one answer, and it is that of the check which comes first (docs/sealed-groups.md §5.7:
 * cheapest first). What stands in one step may be answered by either of its rules, and by nothing else.
 */
import { leafNode } from '@conclave/sealed-group';
import type { LeafIndex, RuleId } from '@conclave/sealed-group';
import { answerFor } from '../attack.ts';
import { flipped } from '../mallory/bad-encodings.ts';
import type { Changes, Mallory, Prepared } from '../mallory/mallory.ts';
import { besiege } from '../siege.ts';
import type { FrameAttack } from '../siege.ts';
import { openArena } from '../stage.ts';
import type { Stage } from '../stage.ts';
import { noteTalk } from './rule-battles.ts';

interface Violation {
  readonly what: string;
  readonly rule: RuleId;
  /** Place in the order of checks. */
  readonly step: number;
  /** The field that is changed: two changes of one field are no pair. */
  readonly field: string;
  readonly change: (mallory: Mallory, good: Prepared) => Changes;
}

const [form, eligibility, clock, epoch, plan, nodes, recipients, keys, proofs] = [0, 1, 2, 3, 4, 5, 6, 7, 8];
const sixMinutesMs = 360_000;

const violations: readonly Violation[] = [
  {
    what: 'an origin with a space',
    rule: 'frame/origin',
    step: form,
    field: 'origin',
    change: () => ({ header: { origin: 'conclave test' } }),
  },
  {
    what: 'a confirmation of 31 bytes',
    rule: 'frame/length',
    step: form,
    field: 'confirm',
    change: () => ({ trail: ({ confirm }) => ({ confirm: confirm.subarray(1) }) }),
  },
  {
    what: 'a false old signature',
    rule: 'commit/eligible',
    step: eligibility,
    field: 'oldSignature',
    change: () => ({ signed: ({ oldSignature }) => ({ oldSignature: flipped(oldSignature, 40) }) }),
  },
  {
    what: 'another server’s origin',
    rule: 'commit/eligible',
    step: eligibility,
    field: 'origin',
    change: () => ({ header: { origin: 'elsewhere.example' } }),
  },
  {
    what: 'six minutes ahead',
    rule: 'commit/clock',
    step: clock,
    field: 'nowMs',
    change: (_mallory, { frame }) => ({ header: { nowMs: frame.header.nowMs + sixMinutesMs } }),
  },
  {
    what: 'the next epoch',
    rule: 'commit/epoch',
    step: epoch,
    field: 'epoch',
    change: (_mallory, { frame }) => ({ header: { epoch: frame.header.epoch + 1 } }),
  },
  {
    what: 'a time before the last commit’s',
    rule: 'commit/monotone',
    step: epoch,
    field: 'nowMs',
    change: (mallory) => ({ header: { nowMs: mallory.state.group.lastNowMs - 1 } }),
  },
  {
    what: 'a leaf that is not there',
    rule: 'tree/known-leaf',
    step: plan,
    field: 'operations',
    change: () => ({
      content: () => ({ operations: [{ kind: 'remove', leaf: 99, leaveSignature: undefined }] }),
    }),
  },
  {
    what: 'a fill on the own path',
    rule: 'tree/fill-place',
    step: plan,
    field: 'fills',
    change: () => ({ content: () => ({ fills: [1] }) }),
  },
  {
    what: 'a sealed node left out',
    rule: 'commit/nodes',
    step: nodes,
    field: 'nodes',
    change: () => ({ content: ({ sealed }) => ({ sealed: sealed.slice(1) }) }),
  },
  {
    what: 'a recipient left out',
    rule: 'commit/recipients',
    step: recipients,
    field: 'handles',
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
    field: 'leafKey',
    change: () => ({ content: () => ({ leafKey: new Uint8Array(32) }) }),
  },
  {
    what: 'Bo’s key as leaf key',
    rule: 'tree/unique-key',
    step: keys,
    field: 'leafKey',
    change: (_mallory, { plan }) => ({
      content: () => ({ leafKey: plan.draft.node(leafNode(2 as LeafIndex))!.publicKey }),
    }),
  },
  {
    what: 'a false new signature',
    rule: 'commit/new-signature',
    step: proofs,
    field: 'newSignature',
    change: () => ({ signed: ({ newSignature }) => ({ newSignature: flipped(newSignature, 40) }) }),
  },
  {
    what: 'a false sealing proof',
    rule: 'sealing/handle-consistency',
    step: proofs,
    field: 'sealingProof',
    change: () => ({ trail: ({ sealingProof }) => ({ sealingProof: flipped(sealingProof, -32) }) }),
  },
];

export async function breakPairs(stage: Stage): Promise<void> {
  const part = 'two rules at once';
  const arena = await openArena(stage, 'the group of pairs');
  const pairs = violations.flatMap((first, index) =>
    violations
      .slice(index + 1)
      .filter(({ field }) => field !== first.field)
      .map((second) => [first, second] as const),
  );
  const combinations: (readonly Violation[])[] = [...pairs, ...sampleTriples()];
  // Proofs alone make their leaf wait: they come last, and before the control.
  const costly = combinations.filter(([first]) => first!.step === proofs);
  const cheap = combinations.filter(([first]) => first!.step !== proofs);
  const attacks = [...cheap, ...costly].map(attackOf);
  await besiege(stage, { part, arena, by: arena.founder, attacks });
  await noteTalk(stage, arena, 'broken pairs');
}

const tripleCount = 40;

/** The same in every run, from all that change three fields; in the order of checks. */
function sampleTriples(): (readonly Violation[])[] {
  const triples = violations.flatMap((first, index) =>
    violations.slice(index + 1).flatMap((second, further) =>
      violations
        .slice(index + further + 2)
        .filter((third) => new Set([first, second, third].map(({ field }) => field)).size === 3)
        .map((third) => [first, second, third]),
    ),
  );
  // Knuth's generator: what it gives is spread well enough over a list.
  let seed = 1;
  return Array.from({ length: tripleCount }, () => {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
    return triples[Math.floor((seed / 2 ** 32) * triples.length)]!;
  });
}

function attackOf(wrongs: readonly Violation[]): FrameAttack {
  const [first] = wrongs as readonly [Violation, ...Violation[]];
  const decisive = wrongs.filter(({ step }) => step === first.step);
  return {
    name: wrongs.map(({ what }) => what).join(', and '),
    breaks: first.rule,
    expects: [...new Set(decisive.map(({ rule }) => answerFor(rule)))],
    clientSays: 'anything',
    build: (mallory, good) =>
      mallory.forge(good, wrongs.map(({ change }) => change(mallory, good)).reduce(both)),
  };
}

function both(first: Changes, second: Changes): Changes {
  return {
    header: { ...first.header, ...second.header },
    content(content) {
      const changed = { ...content, ...first.content?.(content) };
      return { ...changed, ...second.content?.(changed) };
    },
    trail(trail) {
      const changed = { ...trail, ...first.trail?.(trail) };
      return { ...changed, ...second.trail?.(changed) };
    },
    signed(trail) {
      const changed = { ...trail, ...first.signed?.(trail) };
      return { ...changed, ...second.signed?.(changed) };
    },
  };
}
