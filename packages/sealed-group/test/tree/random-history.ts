/** Random but legal histories of a group: what fast-check draws, and how a draw becomes a commit. */
import fc from 'fast-check';
import { level, rolesByRank, suggestFills } from '../../src/tree/index.ts';
import type {
  CommitInput,
  CommitPlan,
  LeafIndex,
  NodeIndex,
  Role,
  TreeOperation,
} from '../../src/tree/index.ts';
import type { GroupModel } from './group-model.ts';

interface Wish {
  readonly kind: 'add' | 'device' | 'remove' | 'leave' | 'set-role';
  readonly target: number;
  readonly role: Role;
}

export interface Step {
  readonly committer: number;
  readonly wishes: readonly Wish[];
  /** `odd`: nodes drawn at random, as far as the rules allow each beside the earlier ones. */
  readonly fill: 'none' | 'suggested' | 'odd';
  readonly fillNodes: readonly number[];
  readonly waitMs: number;
}

const wish: fc.Arbitrary<Wish> = fc.record({
  kind: fc.constantFrom('add', 'add', 'add', 'device', 'remove', 'leave', 'set-role'),
  target: fc.nat(1000),
  role: fc.constantFrom(...rolesByRank),
});

export const step: fc.Arbitrary<Step> = fc.record({
  committer: fc.nat(1000),
  wishes: fc.oneof(
    fc.constant([]),
    fc.array(wish, { maxLength: 4 }),
    fc.array(wish, { minLength: 4, maxLength: 24 }),
  ),
  fill: fc.constantFrom('none', 'suggested', 'odd'),
  fillNodes: fc.array(fc.nat(62), { maxLength: 12 }),
  waitMs: fc.constantFrom(0, 1000, 20_000),
});

export interface PlannedStep {
  readonly input: CommitInput;
  readonly plan: CommitPlan;
}

/** Plans the step with every wish that the rules allow beside the earlier ones; undefined if the committer may not commit. */
export function planStep(group: GroupModel, drawn: Step): PlannedStep | undefined {
  group.nowMs += drawn.waitMs;
  const leaves = group.leaves();
  const pick = (n: number): LeafIndex => leaves[n % leaves.length]!;
  const committer = pick(drawn.committer);
  let operations: TreeOperation[] = [];
  for (const each of drawn.wishes) {
    const more = [...operations, operationOf(group, each, pick(each.target))];
    if (group.plan(committer, more).ok) operations = more;
  }
  const fills = fillsOf(group, drawn, committer, operations);
  const plan = group.plan(committer, operations, fills);
  // What suggestFills says must be a legal list.
  if (!plan.ok && drawn.fill === 'suggested' && group.plan(committer, operations).ok)
    throw new Error(plan.rule);
  return plan.ok ? { input: group.input(committer, operations, fills), plan: plan.value } : undefined;
}

function fillsOf(
  group: GroupModel,
  drawn: Step,
  committer: LeafIndex,
  operations: readonly TreeOperation[],
): readonly number[] {
  if (drawn.fill === 'suggested') {
    const suggested = suggestFills(group.tree, group.input(committer, operations));
    return suggested.ok ? suggested.value : [];
  }
  let fills: readonly number[] = [];
  if (drawn.fill === 'odd')
    for (const node of drawn.fillNodes) {
      const more = [...fills, node].sort((a, b) => level(a as NodeIndex) - level(b as NodeIndex) || a - b);
      if (group.plan(committer, operations, more).ok) fills = more;
    }
  return fills;
}

function operationOf(group: GroupModel, { kind, role }: Wish, target: LeafIndex): TreeOperation {
  switch (kind) {
    case 'add':
      return group.add(role, { expiresInMs: 60_000 });
    case 'device':
      return group.add(role, { expiresInMs: 60_000, device: true });
    case 'remove':
      return { kind: 'remove', leaf: target, leaveSignature: undefined };
    case 'leave':
      return { kind: 'remove', leaf: target, leaveSignature: new Uint8Array(64) };
    case 'set-role':
    default:
      return { kind: 'set-role', leaf: target, role };
  }
}
