/**
 * Time as a parameter. Everything in the packages that waits, expires or measures takes a `Clock`, so that a
 * test decides what time it is.
 */
export interface Clock {
  /** Milliseconds since the Unix epoch. May step backwards when the machine's clock is set. */
  nowMs(): number;
  /** Milliseconds since some moment, with fractions. Never steps back, whatever is done to the machine's clock. */
  monotonicMs(): number;
  /**
   * Calls `task` once, `delayMs` from now, unless the returned handle is disposed first. The timer does not keep
   * the process alive. `task` must not throw.
   */
  schedule(delayMs: number, task: () => void): Disposable;
}
