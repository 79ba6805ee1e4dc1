/**
 * The dear parts of processing a commit, which may run elsewhere: the verification of its claims and, after a cheater, a slow
 * search. Processing is a generator that yields each as an errand, at the place where its answer is needed:
 *
 *     processCommit ──yields──▶ errand ──▶ in place, at once            (`runInPlace`: processFrame, join)
 *            ▲                        └──▶ by the ports of `MemberDeps`  (`runElsewhere`: processFrameAsync, joinAsync)
 *            └───────── resumed when it is done ──────────────┘
 */
import type { Claim } from '../commit/index.ts';
import { verifyClaimsOfOne } from '../commit/index.ts';
import type { Result } from '../result.ts';
import { accept } from '../result.ts';
import type { FoundDigits } from '../sealing/index.ts';
import { searchInPlace } from '../sealing/index.ts';
import type { MemberDeps } from './member-state.ts';
import type { Searching } from './open-path.ts';

/** Something to be done, in one of two ways, before the work that yielded it is resumed. */
export interface Errand {
  inPlace(deps: MemberDeps): void;
  elsewhere(deps: MemberDeps, signal: AbortSignal | undefined): Promise<void>;
}

/** Something that may have errands. Nothing changes before its end. */
export type Working<T> = Generator<Errand, T, undefined>;

/** Whether all claims hold, and if not, which rule is broken. */
export function verifying(claims: readonly Claim[]): Working<Result<void>> {
  const inPlace = (deps: MemberDeps): Result<void> => verifyClaimsOfOne(deps, claims) ?? accept(undefined);
  return asking({
    inPlace,
    elsewhere: async (deps, signal) => await (deps.proofVerifier?.(claims, signal) ?? inPlace(deps)),
  });
}

/** Does the work, with its searches as errands. Before the first of them `permit` has its say. */
export function* searching<T>(
  work: Searching<Result<T>>,
  permit?: () => Working<Result<unknown>>,
): Working<Result<T>> {
  try {
    let step = work.next();
    while (step.done !== true) {
      const search = step.value;
      if (permit !== undefined) {
        const permitted = yield* permit();
        if (!permitted.ok) return permitted;
        permit = undefined;
      }
      const found = yield* asking<FoundDigits>({
        inPlace: ({ suite }) => searchInPlace(suite, search),
        elsewhere: async ({ suite, slowSearch }, signal) =>
          await (slowSearch?.(search, signal) ?? searchInPlace(suite, search)),
      });
      step = work.next(found);
    }
    return step.value;
  } finally {
    // Where a search was stopped, the work gives back what it holds.
    work.return(undefined as never);
  }
}

/** To its end, at once. */
export function runInPlace<T>(deps: MemberDeps, work: Working<T>): T {
  let step = work.next();
  while (step.done !== true) {
    step.value.inPlace(deps);
    step = work.next();
  }
  return step.value;
}

/** To its end, while errands are done where `deps` have them done. Rejects as they do; the work is stopped then. */
export async function runElsewhere<T>(
  deps: MemberDeps,
  work: Working<T>,
  signal: AbortSignal | undefined,
): Promise<T> {
  try {
    let step = work.next();
    while (step.done !== true) {
      await step.value.elsewhere(deps, signal);
      step = work.next();
    }
    return step.value;
  } finally {
    work.return(undefined as never);
  }
}

/** One errand, and its answer. */
function* asking<T>(ways: {
  readonly inPlace: (deps: MemberDeps) => T;
  readonly elsewhere: (deps: MemberDeps, signal: AbortSignal | undefined) => Promise<T>;
}): Working<T> {
  let answer: T | undefined;
  yield {
    inPlace(deps) {
      answer = ways.inPlace(deps);
    },
    async elsewhere(deps, signal) {
      answer = await ways.elsewhere(deps, signal);
    },
  };
  return answer as T;
}
