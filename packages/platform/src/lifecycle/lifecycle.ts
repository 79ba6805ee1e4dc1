/**
 * Ownership and shutdown: what a process starts, it owns, and closes in reverse order, all within one
 * deadline. Later things use earlier ones, so nothing is closed while something still uses it.
 *
 *   own(store) own(bus) own(relay) own(http)      close(): http ─▶ relay ─▶ bus ─▶ store
 */
import type { Clock } from '../clock/clock.ts';
import type { Log } from '../log/log.ts';

/** Anything that can be released: the language's disposables, and objects with `close`. */
export type Owned = Disposable | AsyncDisposable | { close(): unknown };

export interface CloseReport {
  /** Names in the order they were closed. */
  readonly closed: readonly string[];
  /** Whose closing rejected. */
  readonly failed: readonly { readonly name: string; readonly error: unknown }[];
  /** Whose closing did not end in time. It may still be running. */
  readonly timedOut: readonly string[];
}

export interface Lifecycle {
  /** Takes `resource` over and returns it. After `close` has begun it is released at once, and this throws. */
  own<T extends Owned>(name: string, resource: T): T;
  /**
   * Runs `task` in the background. Its rejection is logged, never lost; closing aborts the signal and waits for
   * the task as for any other resource.
   */
  run(name: string, task: (signal: AbortSignal) => Promise<void>): void;
  /** Closes everything, once; later calls share the first one's report. Never rejects. */
  close(options: { timeoutMs: number }): Promise<CloseReport>;
}

export class LifecycleClosedError extends Error {
  override readonly name = 'LifecycleClosedError';
  readonly code = 'LIFECYCLE_CLOSED';
}

export function createLifecycle(deps: { clock: Clock; log: Log }): Lifecycle {
  const owned: { name: string; release: () => Promise<void> }[] = [];
  let closing: Promise<CloseReport> | undefined;

  const closeAll = async (timeoutMs: number): Promise<CloseReport> => {
    const deadlineMs = deps.clock.nowMs() + timeoutMs;
    const report = {
      closed: [] as string[],
      failed: [] as { name: string; error: unknown }[],
      timedOut: [] as string[],
    };
    for (let next = owned.pop(); next !== undefined; next = owned.pop()) {
      const { name, release } = next;
      const leftMs = Math.max(0, deadlineMs - deps.clock.nowMs());
      // One that hangs leaves half of the rest to those after it; the last may have it all.
      const shareMs = owned.length === 0 ? leftMs : leftMs / 2;
      const outcome = await within(release(), shareMs, deps.clock);
      if (outcome === 'timed out') {
        report.timedOut.push(name);
        deps.log.error({ name, shareMs }, 'a part did not stop in time');
      } else if (outcome.ok) {
        report.closed.push(name);
      } else {
        report.failed.push({ name, error: outcome.error });
        deps.log.error({ name, err: outcome.error }, 'a part failed to stop');
      }
    }
    return report;
  };

  const lifecycle: Lifecycle = {
    own(name, resource) {
      // async: a release that throws becomes a rejection
      const release = async () => releaseOf(resource);
      if (closing !== undefined) {
        release().catch((err: unknown) => deps.log.error({ name, err }, 'a part failed to stop'));
        throw new LifecycleClosedError(`${name} was started while the process was stopping`);
      }
      owned.push({ name, release });
      return resource;
    },
    run(name, task) {
      const abort = new AbortController();
      const running = (async () => {
        try {
          await task(abort.signal);
        } catch (err) {
          // Ending by the abort itself is what was asked for.
          if (err !== abort.signal.reason) deps.log.error({ name, err }, 'a background task failed');
        }
      })();
      lifecycle.own(name, {
        async close() {
          abort.abort();
          await running;
        },
      });
    },
    close({ timeoutMs }) {
      closing ??= closeAll(timeoutMs);
      return closing;
    },
  };
  return lifecycle;
}

async function releaseOf(resource: Owned): Promise<void> {
  if (Symbol.asyncDispose in resource) await resource[Symbol.asyncDispose]();
  else if (Symbol.dispose in resource) resource[Symbol.dispose]();
  else await resource.close();
}

type Outcome = { ok: true } | { ok: false; error: unknown };

/** Never rejects. Something that is already done is never timed out, even with no time left. */
async function within(task: Promise<void>, timeoutMs: number, clock: Clock): Promise<Outcome | 'timed out'> {
  const timeout = Promise.withResolvers<'timed out'>();
  const timer = clock.schedule(timeoutMs, () => timeout.resolve('timed out'));
  const outcome = task.then(
    (): Outcome => ({ ok: true }),
    (error: unknown): Outcome => ({ ok: false, error }),
  );
  try {
    return await Promise.race([outcome, timeout.promise]);
  } finally {
    timer[Symbol.dispose]();
  }
}
