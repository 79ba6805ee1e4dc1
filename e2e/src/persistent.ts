/** What a client does while its server is away: the same again, until there is an answer. */
import { setTimeout as sleep } from 'node:timers/promises';

/** Repeats `attempt` while the network fails it; answers of the server, refusals included, are results. */
export async function persistently<T>(attempt: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (!isNetworkFailure(error)) throw error;
      await sleep(25);
    }
  }
}

/** fetch's way of saying that no whole answer came. */
function isNetworkFailure(error: unknown): boolean {
  return error instanceof TypeError && (error.message === 'fetch failed' || error.message === 'terminated');
}
