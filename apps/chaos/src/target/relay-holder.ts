/** Which server process relays the most shards: each says in its metrics how many leases of shards it holds. */
import type { ServerVictim } from './target.ts';

/** Undefined when nobody holds any, or nobody answers. */
export async function findRelayHolder(servers: readonly ServerVictim[]): Promise<ServerVictim | undefined> {
  const held = await Promise.all(
    servers.map(async (server) => ({ server, shards: await countShards(server.adminUrl) })),
  );
  const most = held.sort((a, b) => b.shards - a.shards)[0];
  return most !== undefined && most.shards > 0 ? most.server : undefined;
}

async function countShards(adminUrl: string): Promise<number> {
  try {
    const answer = await fetch(`${adminUrl}/metrics`, { signal: AbortSignal.timeout(2_000) });
    const text = await answer.text();
    const values = [...text.matchAll(/^conclave_relay_shards(?:\{[^}]*\})? (\d+)/gm)];
    return values.reduce((sum, [, value]) => sum + Number(value), 0);
  } catch {
    // It is down or does not answer: it relays nothing.
    return 0;
  }
}
