/** What is wrong whoever makes the commit, by the owner who may do everything: every two at once, and a sample of three. */
import { besiege } from '../siege.ts';
import { openArena } from '../stage.ts';
import type { Stage } from '../stage.ts';
import { changedCommit, combinationAttack, goTogether, pairsOf, sampleOf } from './combination.ts';
import { noteTalk } from './rule-battles.ts';
import { proofs, structuralViolations } from './structural-violations.ts';
import type { CommitViolation } from './structural-violations.ts';

const tripleCount = 40;

export async function breakPairs(stage: Stage): Promise<void> {
  const part = 'two rules at once';
  const arena = await openArena(stage, 'the group of pairs');
  const combinations = [...pairsOf(structuralViolations), ...sampleOf(triples(), tripleCount)];
  // Proofs alone make their leaf wait: they come last, and before the control.
  const costly = combinations.filter((wrongs) => wrongs.every(({ step }) => step === proofs));
  const cheap = combinations.filter((wrongs) => wrongs.some(({ step }) => step !== proofs));
  const attacks = [...cheap, ...costly].map((wrongs) => combinationAttack(wrongs, changedCommit));
  await besiege(stage, { part, arena, by: arena.founder, attacks });
  await noteTalk(stage, arena, 'broken pairs');
}

function triples(): CommitViolation[][] {
  const list = structuralViolations;
  return list
    .flatMap((first, index) =>
      list
        .slice(index + 1)
        .flatMap((second, further) => list.slice(index + further + 2).map((third) => [first, second, third])),
    )
    .filter(goTogether);
}
