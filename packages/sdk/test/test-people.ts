/** People with clients on a real server: each with a store of its own, all closed at the end of the test. */
import { createNodeEngine } from '@conclave/ristretto/wasm-node';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createSuite } from '@conclave/sealed-group';
import { expect } from 'vitest';
import {
  ConclaveClient,
  createAccountClient,
  type ClientOptions,
  type GroupEvents,
  type GroupHandle,
  type Message,
  type Warning,
} from '../src/index.ts';
import { openNodeStore } from '../src/node/index.ts';
import type { Vault } from '../src/store/vault.ts';
import { startTestServer, type TestServer } from './test-server.ts';

/** The tables of the cryptography take time to make; a test file makes them once. */
export const suite = createSuite(createNodeEngine());

let accountCount = 0;

export interface People extends AsyncDisposable {
  readonly server: TestServer;
  /** By all clients so far. */
  readonly accusations: readonly Accusation[];
  accessToken(name: string): Promise<string>;
  /** Opens, or after `close` opens again, the client of this person. `wrap` stands between client and store. */
  open(
    name: string,
    options?: Partial<ClientOptions> & { wrap?: (vault: Vault) => Vault },
  ): Promise<ConclaveClient>;
  /** The store of this person, whose client is closed. */
  openStore(name: string): Promise<Vault>;
  /** Everything that the person's store has on disk, as latin1. */
  rawStore(name: string): Promise<string>;
  /** Another device of the person whose client `of` is: it has the identity from a backup. */
  openAs(name: string, store: string, of: ConclaveClient): Promise<ConclaveClient>;
}

/** What clients said of the server; an honest one is never accused, and `gatherPeople` fails a test in which it is. */
export type Accusation = Extract<Warning, { kind: 'server-misbehaviour' }>;

export const quickHousekeeping = { maxDelayMs: 100, intervalMs: 200 };

export async function gatherPeople(
  config?: Parameters<typeof startTestServer>[0],
  { mayAccuse = false, ...shared }: { mayAccuse?: boolean; server?: TestServer } = {},
): Promise<People> {
  const server = shared.server ?? (await startTestServer(config));
  const folder = await mkdtemp(join(tmpdir(), 'conclave-people-'));
  const clients: ConclaveClient[] = [];
  const tokens = new Map<string, string>();
  const accusations: Accusation[] = [];
  const people: People = {
    server,
    accusations,
    async accessToken(name) {
      let token = tokens.get(name);
      if (token === undefined) {
        const accounts = createAccountClient({ server: server.url });
        // Tests may share a server, and use the same names.
        const username = `${name.toLowerCase()}-${accountCount++}`;
        token = (await accounts.register({ username, password: 'long enough' })).accessToken;
        tokens.set(name, token);
      }
      return token;
    },
    openStore: (name) =>
      openNodeStore({
        path: join(folder, `${name}.db`),
        unlock: { keyFile: join(folder, `${name}.key`) },
      }),
    async open(name, { wrap, ...options } = {}) {
      const vault = await people.openStore(name);
      const client = await ConclaveClient.open({
        server: server.url,
        store: wrap === undefined ? vault : wrap(vault),
        profile: { name, device: 'test' },
        suite,
        housekeeping: quickHousekeeping,
        ...options,
      });
      clients.push(client);
      client.on('group', ({ type, event }) => {
        if (type === 'warning' && event.kind === 'server-misbehaviour') accusations.push(event);
      });
      return client;
    },
    async rawStore(name) {
      const files = (await readdir(folder)).filter((file) => file.startsWith(`${name}.db`));
      return Buffer.concat(await Promise.all(files.map((file) => readFile(join(folder, file))))).toString(
        'latin1',
      );
    },
    async openAs(name, store, of) {
      const path = join(folder, `${store}.db`);
      const unlock = { keyFile: join(folder, `${store}.key`) };
      const vault = await openNodeStore({ path, unlock });
      await ConclaveClient.importBackup(vault, await of.exportBackup('moving', { logN: 10 }), 'moving');
      await vault.close();
      return await people.open(store, { profile: { name, device: store } });
    },
    async [Symbol.asyncDispose]() {
      await Promise.allSettled(clients.map((client) => client.close()));
      if (shared.server === undefined) await server[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true });
      if (!mayAccuse) expect(accusations).toEqual([]);
    },
  };
  return people;
}

/** Founds a group as `owner` and lets the others join, one after the other. */
export async function foundGroup(
  people: People,
  owner: ConclaveClient,
  ownerName: string,
  others: readonly ConclaveClient[],
): Promise<GroupHandle[]> {
  const group = await owner.createGroup({
    name: 'Friends',
    accessToken: await people.accessToken(ownerName),
  });
  const handles = [group];
  for (const other of others) {
    handles.push(await other.join((await group.invite()).link));
    // Who has not heard of the newcomer would write in an epoch that is closed to it.
    await Promise.all(handles.map((handle) => handle.sync()));
  }
  return handles;
}

export function textOf(message: Message): string {
  return message.content.kind === 'text' ? message.content.text : `<${message.content.kind}>`;
}

/** Resolves when the group's history holds exactly these texts, in this order. */
export async function untilHistory(group: GroupHandle, texts: readonly string[]): Promise<void> {
  await until(group, 'message', async () => {
    const history = await group.history({ limit: 10_000 });
    return history.filter(({ state }) => state === 'sent').length >= texts.length;
  });
}

/** Resolves once `holds`, which is asked now and after every event of this type. */
export async function until(
  group: GroupHandle,
  type: keyof GroupEvents,
  holds: () => boolean | Promise<boolean>,
): Promise<void> {
  for (;;) {
    const changed = group.next(type);
    if (await holds()) return;
    await changed;
  }
}
