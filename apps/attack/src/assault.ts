/** An attack that is not a frame against a good commit: requests, sockets, conversations. The same questions are asked of it as in a siege. */
import { markOf } from './attack.ts';
import type { Outcome, Target } from './attack.ts';
import { viewsOf } from './stage.ts';
import type { Arena, Stage } from './stage.ts';

export interface Assault {
  readonly part: string;
  readonly name: string;
  readonly target: Target;
  /** The answers that are right. */
  readonly expects: readonly string[];
  /** What was answered, as `answerText` writes it. */
  readonly run: () => Promise<string>;
  /** The same without the malice: what is wrong with it, or nothing. */
  readonly control: () => Promise<string | undefined>;
  /** Whose rows and honest members must be as before. */
  readonly arena?: Arena;
}

export async function assault(stage: Stage, attack: Assault): Promise<void> {
  const { part, name, target, expects, arena } = attack;
  const rowsBefore = arena && stage.database.ofGroup(arena.groupId);
  const viewsBefore = arena && JSON.stringify(await viewsOf(arena.groupId, arena.people));
  const observed = await attack.run();
  const faults: string[] = [];
  if (!expects.includes(observed)) faults.push(`answered ${observed}`);
  if (arena !== undefined) {
    if (stage.database.ofGroup(arena.groupId) !== rowsBefore) faults.push('the database changed');
    if (JSON.stringify(await viewsOf(arena.groupId, arena.people)) !== viewsBefore)
      faults.push('an honest member sees a change');
  }
  const wrong = await attack.control();
  if (wrong !== undefined) faults.push(`the control: ${wrong}`);
  const outcome: Outcome = {
    part,
    name,
    target,
    mark: markOf(target),
    expected: expects.join(' or '),
    observed,
    faults,
    isControlled: wrong === undefined,
    exercises: expects.includes(observed),
  };
  stage.outcomes.push(outcome);
}

/** For controls: nothing if the answer has this status. */
export function wants(status: number, answer: { readonly status: number }): string | undefined {
  return answer.status === status ? undefined : `answered ${answer.status}`;
}
