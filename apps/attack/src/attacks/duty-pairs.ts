/**
 * What a commit owes at its time, together with what else may be wrong with it: a leaf that has to wait, a leave that is passed over or carried
 * out with a false signature, a last owner that leaves. Without honest people, whose clients would tidy up at once what is due.
 */
import type { FrameOperation } from '@conclave/sealed-group';
import type { Mallory } from '../mallory/mallory.ts';
import { besiege } from '../siege.ts';
import type { FrameAttack } from '../siege.ts';
import { openArena } from '../stage.ts';
import type { Arena, Stage } from '../stage.ts';
import { leaveByLastOwner, sentLeave, sentViolations } from './authority-messages.ts';
import { memberViolations } from './authority-violations.ts';
import { changedCommit, combinationAttack, goTogether, pairsBetween, sampleOf } from './combination.ts';
import { commitInHaste, leave } from './rule-battles.ts';
import { duties, proofs, structuralViolations, waiting } from './structural-violations.ts';
import type { CommitViolation } from './structural-violations.ts';

const part = 'duties, and another rule';
const tripleCount = 20;
/** The wait after these is eight seconds: enough for every frame that must not be judged further. */
const hastyCommits = 4;

const inHaste: CommitViolation = {
  what: 'a member commits again at once',
  rule: 'commit/wait',
  step: waiting,
  touches: ['time'],
  change: () => ({}),
};

export async function breakDutiesAndMore(stage: Stage): Promise<void> {
  const arena = await openArena(stage, 'the group that owes', { people: [] });
  const { founder } = arena;
  const first = await founder.accomplice('first leaver', 'member');
  // At leaf 2, where the parts of combinations have Bo.
  await founder.accomplice('bystander', 'member');
  const second = await founder.accomplice('second leaver', 'member');
  const member = await founder.accomplice('member', 'member');
  const hasty = await founder.accomplice('hasty', 'member');

  const lastOwner = pairsBetween([leaveByLastOwner], sentViolations);
  await besiege(stage, {
    part,
    arena,
    by: founder,
    attacks: lastOwner.map((pair) => combinationAttack(pair, sentLeave)),
  });
  await hurry(stage, arena, hasty);

  await leave(first);
  await besiege(stage, { part, arena, by: member, attacks: passedOver(first.leaf) });
  await founder.member.sync();
  await leave(second);
  await besiege(stage, { part, arena, by: founder, attacks: carriedOutFalsely(second.leaf) });
}

async function hurry(stage: Stage, arena: Arena, by: Mallory): Promise<void> {
  await by.member.sync();
  await commitInHaste(by, hastyCommits);
  const pairs = pairsBetween([inHaste], [...structuralViolations, ...memberViolations]);
  // While the wait lasts; what is refused before that is refused at any time.
  const judgedLater = pairs.filter((pair) => pair.every(({ step }) => step >= waiting));
  const judgedBefore = pairs.filter((pair) => !judgedLater.includes(pair));
  const attacks = [...judgedLater, ...judgedBefore].map((pair) => ({
    ...combinationAttack(pair, changedCommit),
    impatient: true,
  }));
  await besiege(stage, { part, arena, by, attacks });
}

/** By a member, which may carry out a leave and nothing else. */
function passedOver(leaf: number): FrameAttack[] {
  const pairs = pairsBetween([passOver(leaf)], [...structuralViolations, ...memberViolations]);
  return pairs.map((pair) => combinationAttack(pair, changedCommit));
}

function carriedOutFalsely(leaf: number): FrameAttack[] {
  const owed = [passOver(leaf), signedByNobody(leaf), signedByAnother(leaf)];
  const pairs = pairsBetween(owed, structuralViolations);
  const triples = pairs
    .flatMap((pair) => structuralViolations.map((third) => [...pair, third]))
    .filter((wrongs) => goTogether(wrongs) && !isCostly(wrongs));
  // Proofs alone make their leaf wait: they come last.
  const ordered = [...pairs.filter((pair) => !isCostly(pair)), ...sampleOf(triples, tripleCount)];
  return [...ordered, ...pairs.filter(isCostly)].map((wrongs) => combinationAttack(wrongs, changedCommit));
}

function isCostly(wrongs: readonly CommitViolation[]): boolean {
  return wrongs.every(({ step }) => step === proofs);
}

function passOver(leaf: number): CommitViolation {
  return {
    what: 'a leave passed over',
    rule: 'commit/required-removals',
    step: duties,
    touches: [`leaf ${leaf}`],
    change: () => ({
      content: ({ operations }) => ({ operations: operations.filter((one) => !isRemoval(one, leaf)) }),
    }),
  };
}

function signedByNobody(leaf: number): CommitViolation {
  return signedFalsely('a leave that nobody signed', leaf, () => new Uint8Array(64).fill(7));
}

function signedByAnother(leaf: number): CommitViolation {
  return signedFalsely('a leave with another’s signature', leaf, (mallory) =>
    mallory.leaveSignature(leaf, 0, mallory.leafSecret),
  );
}

function signedFalsely(
  what: string,
  leaf: number,
  signature: (mallory: Mallory) => Uint8Array,
): CommitViolation {
  return {
    what,
    rule: 'commit/leave-signature',
    step: proofs,
    touches: [`leaf ${leaf}`],
    change: (mallory) => {
      const leaveSignature = signature(mallory);
      return {
        content: ({ operations }) => ({
          operations: operations.map((one) => (isRemoval(one, leaf) ? { ...one, leaveSignature } : one)),
        }),
      };
    },
  };
}

function isRemoval(
  operation: FrameOperation,
  leaf: number,
): operation is FrameOperation & { kind: 'remove' } {
  return operation.kind === 'remove' && operation.leaf === leaf;
}
