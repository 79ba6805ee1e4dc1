/**
 * What the servers themselves say of their relays: `conclave_relay_delay_seconds`, from the acceptance of an outbox row until the
 * bus acknowledged it, by the clock of the database at both ends. A slow answer to the client cannot hide any of it, which
 * a difference from the answer on can.
 */
const name = 'conclave_relay_delay_seconds';

/** How many rows were relayed within each upper bound, in seconds; cumulative, as Prometheus has it, Infinity last. */
export type RelayDelays = ReadonlyMap<number, number>;

/** Of all processes together, since their start. */
export async function readRelayDelays(adminUrls: readonly string[]): Promise<RelayDelays> {
  const texts = await Promise.all(
    adminUrls.map(async (url) => {
      const answer = await fetch(`${url}/metrics`);
      if (!answer.ok) throw new Error(`metrics were answered with ${answer.status}`);
      return await answer.text();
    }),
  );
  return parseRelayDelays(texts);
}

/** A process without the role `relay` has no such lines. Throws when none of them has any. */
export function parseRelayDelays(texts: readonly string[]): RelayDelays {
  const delays = new Map<number, number>();
  for (const text of texts) {
    for (const [, bound, count] of text.matchAll(
      new RegExp(`^${name}_bucket\\{le="([^"]+)"\\} (\\d+)$`, 'gm'),
    )) {
      const upper = bound === '+Inf' ? Infinity : Number(bound);
      delays.set(upper, (delays.get(upper) ?? 0) + Number(count));
    }
  }
  if (!delays.has(Infinity)) throw new Error(`no process has the metric ${name}`);
  return delays;
}

/**
 * The median of what was relayed between two readings, in ms: within its bucket the rows are taken to be spread evenly, as
 * Prometheus does it. Infinity beyond the last bound; throws when nothing was relayed.
 */
export function medianRelayDelayMs(before: RelayDelays, after: RelayDelays): number {
  const since = [...after]
    .map(([bound, count]) => [bound, count - (before.get(bound) ?? 0)] as const)
    .toSorted(([a], [b]) => a - b);
  const half = (since.at(-1)?.[1] ?? 0) / 2;
  if (half === 0) throw new Error('nothing was relayed');
  let [lower, below] = [0, 0];
  for (const [upper, count] of since) {
    if (count >= half) {
      if (upper === Infinity) return Infinity;
      return (lower + ((upper - lower) * (half - below)) / (count - below)) * 1_000;
    }
    [lower, below] = [upper, count];
  }
  throw new Error(`the buckets of ${name} do not add up`);
}
