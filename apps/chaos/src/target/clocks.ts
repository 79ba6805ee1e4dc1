/**
 * Whether the wall clocks of server processes are as wrong as they were set to be: each answers a request with its own `Date`, to
 * the second. That the library was named in its environment does not show that it works.
 */
import type { ChaosTarget, ServerVictim } from './target.ts';

export interface ClockReading {
  readonly server: string;
  readonly setSeconds: number;
  /** How far ahead of the machine's clock it was seen to be; undefined when it named no date. */
  readonly seenSeconds: number | undefined;
}

/** `Date` is cut to the second, and the answer takes a moment. */
const toleranceSeconds = 3;
const patienceMs = 10_000;

/** Rejects when a process does not answer. */
export async function readClocks(servers: readonly ServerVictim[]): Promise<ClockReading[]> {
  return await Promise.all(
    servers.map(async ({ name, url, skewSeconds }) => {
      const signal = AbortSignal.timeout(patienceMs);
      const answer = await fetch(`${url}/_matrix/client/versions`, { signal });
      const seen = secondsAhead(answer.headers.get('date'), Date.now());
      await answer.arrayBuffer();
      return { server: name, setSeconds: skewSeconds, seenSeconds: seen };
    }),
  );
}

/** By the `Date` header of an answer that came at this time; undefined when it is missing or no date. */
export function secondsAhead(date: string | null, nowMs: number): number | undefined {
  const atMs = Date.parse(date ?? '');
  return Number.isNaN(atMs) ? undefined : (atMs - nowMs) / 1_000;
}

/** Processes that were to have a wrong clock and were seen to have it, in each of the readings. */
export function countSkewed(readings: readonly (readonly ClockReading[])[]): number {
  const counts = readings.map(
    (reading) =>
      reading.filter(
        ({ setSeconds, seenSeconds }) =>
          setSeconds !== 0 &&
          seenSeconds !== undefined &&
          Math.abs(seenSeconds - setSeconds) <= toleranceSeconds,
      ).length,
  );
  return counts.length === 0 ? 0 : Math.min(...counts);
}

/** Undefined where clocks are not to be wrong. */
export function wantedSkews({ skew, servers }: Pick<ChaosTarget, 'skew' | 'servers'>): number | undefined {
  if (skew === 'unwanted') return undefined;
  // Without the library none is set, and one is wanted all the same.
  return Math.max(1, servers.filter(({ skewSeconds }) => skewSeconds !== 0).length);
}
