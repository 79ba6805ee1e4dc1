/** The server's clock as this device knows it: frames must lie within five minutes of it, wrong device clocks are common. */
import type { Clock } from './clock.ts';

export interface ServerTime {
  nowMs(): number;
  /** The server said what time it is. Differences below a second are travel time. */
  adjust(serverNowMs: number): void;
}

export function createServerTime(clock: Clock): ServerTime {
  let offsetMs = 0;
  return {
    nowMs: () => Math.round(clock.nowMs() + offsetMs),
    adjust(serverNowMs) {
      const offset = serverNowMs - clock.nowMs();
      offsetMs = Math.abs(offset) < 1_000 ? 0 : offset;
    },
  };
}
