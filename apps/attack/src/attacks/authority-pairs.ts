/**
 * What somebody has no authority for, together with what is wrong whoever does it, and with what else it has no authority for. Every one in
 * the group again: an admin, a member, a reader, a device and a pending leaf, each with a good commit for its control.
 */
import type { Mallory } from '../mallory/mallory.ts';
import { besiege } from '../siege.ts';
import type { FrameAttack } from '../siege.ts';
import { openArena, settled } from '../stage.ts';
import type { Stage } from '../stage.ts';
import {
  byPending,
  byReader,
  leaveByPending,
  messageViolations,
  sentLeave,
  sentMessage,
  sentViolations,
  unsigned,
} from './authority-messages.ts';
import {
  administrativeViolations,
  adminViolations,
  deviceViolations,
  memberViolations,
  pendingViolations,
  plainViolations,
  readerViolations,
} from './authority-violations.ts';
import {
  changedCommit,
  combinationAttack,
  goTogether,
  pairsBetween,
  pairsOf,
  sampleOf,
} from './combination.ts';
import { noteTalk, ownDevice, pendingLeaf } from './rule-battles.ts';
import { plan, structuralViolations } from './structural-violations.ts';
import type { CommitViolation } from './structural-violations.ts';

/** For each of the five. */
const tripleCount = 12;

export async function breakAuthority(stage: Stage): Promise<void> {
  const part = 'authority, and another rule';
  const arena = await openArena(stage, 'the group of roles, two at a time', { mode: { leafProof: true } });
  const { founder } = arena;
  const admin = await founder.accomplice('admin', 'admin');
  const member = await founder.accomplice('member', 'member');
  const reader = await founder.accomplice('reader', 'reader');
  const device = await ownDevice(founder);
  const [spare] = await founder.member.add('member');
  const pending = await pendingLeaf(founder, 100_000);
  await settled(arena);

  const structural = [...structuralViolations, ...plainViolations(spare!)];
  const sieges: readonly (readonly [by: Mallory, attacks: readonly FrameAttack[]])[] = [
    [
      pending,
      [
        ...together(
          pendingViolations,
          structuralViolations.filter(({ step }) => step !== plan),
        ),
        ...pairsBetween([byPending], messageViolations).map((pair) => combinationAttack(pair, sentMessage)),
        ...pairsBetween([leaveByPending], sentViolations).map((pair) => combinationAttack(pair, sentLeave)),
      ],
    ],
    [admin, together(adminViolations, [...structural, ...administrativeViolations(spare!)])],
    [
      member,
      [
        ...together(memberViolations, structural),
        ...pairsBetween([unsigned], messageViolations).map((pair) => combinationAttack(pair, sentMessage)),
      ],
    ],
    [
      reader,
      [
        ...together(readerViolations, structural),
        ...pairsBetween([byReader], messageViolations).map((pair) => combinationAttack(pair, sentMessage)),
      ],
    ],
    [device, together(deviceViolations, structural)],
  ];
  for (const [by, attacks] of sieges) await besiege(stage, { part, arena, by, attacks });
  await noteTalk(stage, arena, 'broken authority');
}

/** Each with everything else that goes with it; a sample of two with a third thing; and as many as one commit can carry. */
function together(authority: readonly CommitViolation[], others: readonly CommitViolation[]): FrameAttack[] {
  const pairs = pairsOf(authority);
  const triples = pairsBetweenAll(pairs, others);
  const all = authority.reduce<CommitViolation[]>(
    (list, one) => (goTogether([...list, one]) ? [...list, one] : list),
    [],
  );
  return [...pairs, ...pairsBetween(authority, others), ...sampleOf(triples, tripleCount), all].map(
    (wrongs) => combinationAttack(wrongs, changedCommit),
  );
}

function pairsBetweenAll(
  pairs: readonly CommitViolation[][],
  others: readonly CommitViolation[],
): CommitViolation[][] {
  return pairs.flatMap((pair) => others.map((third) => [...pair, third])).filter(goTogether);
}
