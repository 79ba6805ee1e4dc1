/** The whole run, in order: rules, proofs, replays, reading, transport, cheating members, a lying server, floods, and what is left. */
import type { Metric } from './report.ts';
import { outcomeMetrics } from './report.ts';
import type { Outcome } from './attack.ts';
import { openStage } from './stage.ts';
import type { Stage } from './stage.ts';
import { forgeCreates, forgeProofs, overfill } from './attacks/proof-battles.ts';
import { breakDuties, breakFrames, breakHaste, breakRoles } from './attacks/rule-battles.ts';

export interface RunOptions {
  /** Empty; everything of the run lies in it. */
  readonly folder: string;
  readonly say: (line: string) => void;
  /** Floods of a second each instead of several: for tests. */
  readonly quick: boolean;
}

export interface RunResult {
  readonly outcomes: readonly Outcome[];
  readonly metrics: readonly Metric[];
}

type Fight = (stage: Stage) => Promise<void>;

/** Those of one row are fought at the same time, each in groups of its own: while one waits, others are at work. */
const battles: readonly (readonly [name: string, fights: readonly Fight[]])[] = [
  ['rules', [breakFrames, breakRoles, breakDuties, breakHaste]],
  ['new groups', [forgeCreates]],
  ['proofs and signatures', [forgeProofs, overfill]],
];

export async function run(options: RunOptions): Promise<RunResult> {
  const { folder, say } = options;
  await using stage = await openStage({ folder, say });
  for (const [name, fights] of battles) {
    const startedMs = performance.now();
    await Promise.all(fights.map((fight) => fight(stage)));
    say(`${name}: ${((performance.now() - startedMs) / 1_000).toFixed(1)} s`);
  }
  return { outcomes: stage.outcomes, metrics: outcomeMetrics(stage.outcomes) };
}
