/**
 * Runs work that pauses now and then to its end, and lets the event loop turn at a pause once the work has held it for some
 * milliseconds. What is quick is done within one turn.
 */
const maxHeldMs = 2;

export async function inSteps<T>(steps: Generator<undefined, T, undefined>): Promise<T> {
  let sinceMs = performance.now();
  for (;;) {
    const { done, value } = steps.next();
    if (done === true) return value;
    if (performance.now() - sinceMs < maxHeldMs) continue;
    await new Promise<void>((resolve) => {
      setImmediate(resolve);
    });
    sinceMs = performance.now();
  }
}
