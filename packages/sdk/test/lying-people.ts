/** People whose clients talk to a real server through a proxy that lies when a test tells it to. */
import { startLyingServer, type LyingServer } from '@conclave/testkit';
import type { ConclaveClient, GroupHandle } from '../src/index.ts';
import { gatherPeople, type Accusation, type People } from './test-people.ts';
import type { TestServer } from './test-server.ts';

export interface LiedToPeople extends AsyncDisposable {
  readonly people: People;
  readonly lying: LyingServer;
  /** A client behind the proxy, known to it as `name`. */
  open(name: string, options?: Parameters<People['open']>[1]): Promise<ConclaveClient>;
  /** Closes the client of this person: its store can be opened again. */
  close(name: string): Promise<void>;
}

/** `server` is shared by tests: liars stand before it, each with people of its own. */
export async function gatherLiedToPeople(server: TestServer): Promise<LiedToPeople> {
  const people = await gatherPeople({}, { mayAccuse: true, server });
  const lying = await startLyingServer({ target: people.server.url });
  const clientByName = new Map<string, ConclaveClient>();
  return {
    people,
    lying,
    async open(name, options) {
      const client = await people.open(name, { server: lying.url, fetch: lying.fetchAs(name), ...options });
      clientByName.set(name, client);
      return client;
    },
    async close(name) {
      await clientByName.get(name)?.close();
    },
    async [Symbol.asyncDispose]() {
      // Clients first: a client without its server tries again for a while.
      await people[Symbol.asyncDispose]();
      await lying[Symbol.asyncDispose]();
    },
  };
}

/** Everything that this group's client says of the server from now on. */
export function accusationsOf(group: GroupHandle): Accusation[] {
  const accusations: Accusation[] = [];
  group.on('warning', (warning) => {
    if (warning.kind === 'server-misbehaviour') accusations.push(warning);
  });
  return accusations;
}
