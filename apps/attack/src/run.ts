/** The whole run, in order: rules, proofs, replays, reading, transport, newcomers, cheating members, a lying server, floods, and what is left. */
import { lookAround } from './aftermath.ts';
import { runFloods } from './floods/floods.ts';
import type { Metric } from './report.ts';
import { outcomeMetrics } from './report.ts';
import type { Outcome } from './attack.ts';
import { openStage } from './stage.ts';
import type { Stage } from './stage.ts';
import { breakAuthority } from './attacks/authority-pairs.ts';
import { cheat } from './attacks/cheating.ts';
import { inviteFalsely } from './attacks/false-invites.ts';
import { previewFalsely } from './attacks/false-previews.ts';
import { lie } from './attacks/lying-server.ts';
import { breakDutiesAndMore } from './attacks/duty-pairs.ts';
import { reuseNonces } from './attacks/nonces.ts';
import { breakPairs } from './attacks/pairs.ts';
import { actRemoved, keepChallenge, readUnasked } from './attacks/reading.ts';
import { replay } from './attacks/replays.ts';
import { abuseGateway, abuseHttp } from './attacks/transport.ts';
import { forgeCreates, forgeProofs, overfill } from './attacks/proof-battles.ts';
import { splitServer } from './attacks/two-futures.ts';
import { breakDuties, breakFrames, breakHaste, breakRoles } from './attacks/rule-battles.ts';

export interface RunOptions {
  /** Empty; everything of the run lies in it. */
  readonly folder: string;
  readonly say: (line: string) => void;
  /** Floods of two seconds each instead of four: for tests. */
  readonly quick: boolean;
}

export interface RunResult {
  readonly outcomes: readonly Outcome[];
  readonly metrics: readonly Metric[];
}

const floodMs = 4_000;
const quickFloodMs = 2_000;

type Fight = (stage: Stage) => Promise<void>;

/** Those of one row are fought at the same time, each in groups of its own: while one waits, others are at work. */
const battles: readonly (readonly [name: string, fights: readonly Fight[]])[] = [
  ['rules, one at a time', [breakFrames, breakRoles, breakDuties, breakHaste]],
  ['rules, two at a time', [breakPairs, breakAuthority, breakDutiesAndMore]],
  ['new groups', [forgeCreates]],
  ['proofs and signatures', [forgeProofs, overfill]],
  ['reading, removed members, replays', [readUnasked, actRemoved, replay]],
  ['HTTP and the gateway', [abuseHttp, abuseGateway]],
  ['newcomers', [inviteFalsely, previewFalsely]],
  ['cheating members', [cheat, reuseNonces]],
  ['a lying server', [lie, splitServer]],
];

export async function run(options: RunOptions): Promise<RunResult> {
  const { folder, say, quick } = options;
  await using stage = await openStage({ folder, say });
  const redeemLate = await keepChallenge(stage);
  for (const [name, fights] of battles) {
    const startedMs = performance.now();
    await Promise.all(fights.map((fight) => fightOut(stage, name, fight)));
    say(`${name}: ${((performance.now() - startedMs) / 1_000).toFixed(1)} s`);
  }
  const floods = await runFloods({ folder, say, durationMs: quick ? quickFloodMs : floodMs });
  await redeemLate();
  const aftermath = await lookAround(stage);
  return {
    outcomes: stage.outcomes,
    metrics: [...outcomeMetrics(stage.outcomes), ...floods, ...aftermath],
  };
}

/** A fight that cannot be fought to its end is no victory, and no reason to leave out the others. */
async function fightOut(stage: Stage, name: string, fight: Fight): Promise<void> {
  try {
    await fight(stage);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    stage.say(`${name}: ${error instanceof Error ? (error.stack ?? reason) : reason}`);
    stage.outcomes.push({
      part: name,
      name: `${fight.name}, to its end`,
      target: 'surface/run',
      mark: undefined,
      expected: 'fought to its end',
      observed: reason,
      faults: [reason],
      isControlled: false,
    });
  }
}
