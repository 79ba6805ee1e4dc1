/** People whose clients talk to a real server through a proxy that lies when a test tells it to. */
import { startLyingServer, type LyingServer } from '@conclave/testkit';
import type { ConclaveClient } from '../src/index.ts';
import { gatherPeople, type People } from './test-people.ts';

export interface LiedToPeople extends AsyncDisposable {
  readonly people: People;
  readonly lying: LyingServer;
  /** A client behind the proxy, known to it as `name`. */
  open(name: string, options?: Parameters<People['open']>[1]): Promise<ConclaveClient>;
}

export async function gatherLiedToPeople(): Promise<LiedToPeople> {
  const people = await gatherPeople();
  const lying = await startLyingServer({ target: people.server.url });
  return {
    people,
    lying,
    open: (name, options) => people.open(name, { server: lying.url, fetch: lying.fetchAs(name), ...options }),
    async [Symbol.asyncDispose]() {
      // Clients first: a client without its server tries again for a while.
      await people[Symbol.asyncDispose]();
      await lying[Symbol.asyncDispose]();
    },
  };
}
