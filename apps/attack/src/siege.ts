/**
 * Bad frames against one group: every one of them differs from one good commit by one thing. For each:
 *
 *   what the database and the honest members have ─▶ post ─▶ exactly this answer? ─▶ nothing stored, nobody moved?
 *                                                     └─▶ shown to an honest state machine: refused by the same rule, unchanged?
 *
 * And at the end the good commit itself, made in the same way without the malice: accepted, stored, followed by everybody.
 */
import { parseFrame, rules, SealedGroup } from '@conclave/sealed-group';
import type { RequestedOperation, RuleId } from '@conclave/sealed-group';
import { postFrame, valueOf } from '@conclave/testkit';
import { answerFor, answerText, markOf } from './attack.ts';
import type { Outcome } from './attack.ts';
import { hashOfFrame } from './database-view.ts';
import type { Mallory, Prepared } from './mallory/mallory.ts';
import { patiently, settled, viewsOf } from './stage.ts';
import type { Arena, Stage } from './stage.ts';

export interface FrameAttack {
  /** What is wrong with the frame. */
  readonly name: string;
  readonly breaks: RuleId;
  /** `good` is the commit that this siege is about; its maker is `mallory`. */
  readonly build: (mallory: Mallory, good: Prepared) => Uint8Array;
  /** The answers that are right, if not the rule's own. */
  readonly expects?: readonly string[];
  /** Another group's path to post to. */
  readonly postTo?: string;
  /** An answer of 429 is the one that is expected. */
  readonly impatient?: boolean;
  /** By which rule a client refuses it, if not by the same one: it plans before it verifies, and asks no limits of a transport. */
  readonly clientSays?: RuleId | 'anything' | 'nothing';
}

export interface Siege {
  readonly part: string;
  readonly arena: Arena;
  readonly by: Mallory;
  /** Operations of the good commit. */
  readonly base?: readonly RequestedOperation[];
  readonly attacks: readonly FrameAttack[];
}

export async function besiege(stage: Stage, siege: Siege): Promise<void> {
  const { part, arena, by, attacks } = siege;
  await by.member.sync();
  const good = by.prepare(siege.base);
  const outcomes: Omit<Outcome, 'isControlled'>[] = [];
  for (const attack of attacks) outcomes.push(await carryOut(stage, siege, good, attack));
  const faults = await control(stage, arena, by, good);
  for (const outcome of outcomes) {
    stage.outcomes.push({
      ...outcome,
      part,
      isControlled: faults.length === 0,
      faults: [...outcome.faults, ...faults],
    });
  }
}

async function carryOut(
  stage: Stage,
  { part, arena, by }: Siege,
  good: Prepared,
  attack: FrameAttack,
): Promise<Omit<Outcome, 'isControlled'>> {
  const { groupId } = arena;
  const frame = attack.build(by, good);
  const rowsBefore = stage.database.ofGroup(groupId);
  const viewsBefore = await viewsOf(groupId, arena.people);

  const post = () => postFrame(stage.url, attack.postTo ?? groupId, frame);
  const observed = answerText(await (attack.impatient === true ? post() : patiently(post)));
  const expected = attack.expects ?? [answerFor(attack.breaks)];
  const faults: string[] = [];
  if (!expected.includes(observed)) faults.push(`answered ${observed}`);
  if (stage.database.ofGroup(groupId) !== rowsBefore) faults.push('the database changed');
  if (JSON.stringify(await viewsOf(groupId, arena.people)) !== JSON.stringify(viewsBefore)) {
    faults.push('an honest member sees a change');
  }
  const { clientSays = attack.breaks } = attack;
  // Of several wrongs a client checks at least one.
  if (clientSays === 'anything' || (clientSays !== 'nothing' && rules[attack.breaks].checkedBy === 'both')) {
    faults.push(...refusedByClient(by, frame, clientSays));
  }
  if (observed !== '200') stage.badFrames.add(hashOfFrame(frame));
  return {
    part,
    name: attack.name,
    target: attack.breaks,
    mark: markOf(attack.breaks),
    expected: expected.join(' or '),
    observed,
    faults,
    exercises: observed === answerFor(attack.breaks),
  };
}

/** A server that lets the frame through does not get it past an honest client: the same rule, and no change of its state. */
function refusedByClient(by: Mallory, frame: Uint8Array, rule: RuleId | 'anything'): string[] {
  const parsed = parseFrame(frame);
  if (parsed.ok && parsed.value.content.kind !== 'commit') return [];
  const { group, deps } = by.member;
  const stored = { public: group.encodePublic(), secret: group.encodeSecret() };
  const client = valueOf(SealedGroup.decode(deps, stored));
  const processed = client.processFrame(frame, client.lastSeq + 1);
  if (processed.ok) return ['a client accepts it'];
  const isRight = rule === 'anything' || processed.rule === rule;
  const faults = isRight ? [] : [`a client refuses it by ${processed.rule}`];
  const isUnmoved =
    Buffer.from(client.encodePublic()).equals(stored.public) &&
    Buffer.from(client.encodeSecret()).equals(stored.secret);
  return isUnmoved ? faults : [...faults, 'a client’s state changed'];
}

/** What is wrong with the good commit: nothing, or none of the refusals says anything. */
async function control(stage: Stage, arena: Arena, by: Mallory, good: Prepared): Promise<string[]> {
  const { groupId } = arena;
  const frame = by.forge(good);
  by.adopt(good, frame);
  const rowsBefore = stage.database.ofGroup(groupId);
  const warningsBefore = (await viewsOf(groupId, arena.people)).map(({ warnings }) => warnings);
  const answer = await patiently(() => by.post(frame));
  if (answer.status !== 200) return [`the control was answered ${answerText(answer)}`];
  // Not by reading the log: the new leaf is what proves membership from here on.
  by.member.process(frame, answer.body.seq);
  const faults: string[] = [];
  if (stage.database.ofGroup(groupId) === rowsBefore) faults.push('the control was not stored');
  if (!(await settled(arena))) faults.push('an honest member does not follow the control');
  const warnings = (await viewsOf(groupId, arena.people)).map((view) => view.warnings);
  if (JSON.stringify(warnings) !== JSON.stringify(warningsBefore)) {
    faults.push('an honest member was warned of the control');
  }
  return faults;
}
