/**
 * A task that many may ask for and that runs one at a time: whoever asks while it runs is served by one further run, so that
 * what was there to do at the moment of asking is done when the promise resolves.
 */
export interface CoalescedTask {
  /** Rejects with the task's failure, for everybody who waits at that moment. */
  run(): Promise<void>;
  /** Resolves when nothing runs. Never rejects. */
  idle(): Promise<void>;
}

export function createCoalescedTask(task: () => Promise<void>): CoalescedTask {
  let asked = 0;
  let running: Promise<void> | undefined;

  async function loop(): Promise<void> {
    // The assignment of `running` comes first, whatever the task does.
    await Promise.resolve();
    try {
      let served: number;
      do {
        served = asked;
        await task();
      } while (served !== asked);
    } finally {
      // In the same turn as the last comparison: nobody can ask in between and be forgotten.
      running = undefined;
    }
  }

  return {
    run() {
      asked += 1;
      running ??= loop();
      return running;
    },
    async idle() {
      // Its failure belongs to those who asked.
      await running?.catch(() => undefined);
    },
  };
}
