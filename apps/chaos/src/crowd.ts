/**
 * The clients of a run: three processes with one lasting member each, who are all in every group, one that is in all groups and
 * only listens, and guests who come and go (`churn.ts`).
 *
 *     process   ada                 bo                  cy                  each also hosts guests of others' groups
 *     member    ada, founds 1       bo, founds 2        cy, founds 3
 *               listener
 *
 * Who speaks is woken by its own messages; the listener shows what the live connection alone does.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { createAccountClient } from '@conclave/sdk';
import type { OpenStep } from './client/client-main.ts';
import { ClientProcess } from './client/client-process.ts';
import type { Progress } from './client/seat.ts';
import type { ReadLog } from './history/history.ts';

export interface CrowdOptions {
  readonly url: string;
  readonly firstAccountToken: string;
  /** Of the histories. */
  readonly folder: string;
  readonly say: (line: string) => void;
}

export interface Group {
  readonly id: string;
  /** The name of the member that founded it, and of its process. */
  readonly owner: string;
}

const lasting = ['ada', 'bo', 'cy'] as const;
const listener = 'listener';
/** Mean time between two messages of one member in one group, from the answer to the first. */
const messageEveryMs = 600;
const attachEveryMs = 4_000;

export class Crowd implements AsyncDisposable {
  readonly #clients: ReadonlyMap<string, ClientProcess>;
  readonly groups: readonly Group[];

  private constructor(clients: ReadonlyMap<string, ClientProcess>, groups: readonly Group[]) {
    this.#clients = clients;
    this.groups = groups;
  }

  /** Resolves when everybody is in every group and talks. */
  static async gather({ url, firstAccountToken, folder, say }: CrowdOptions): Promise<Crowd> {
    const { accessToken } = await createAccountClient({ server: url }).register({
      username: 'chaos',
      password: 'a password for chaos',
      registrationToken: firstAccountToken,
    });
    const clients = new Map<string, ClientProcess>();
    try {
      for (const name of lasting) {
        clients.set(name, await ClientProcess.start(name, { server: url, folder }));
        await clients.get(name)!.call('open', { member: name });
      }
      await clients.get('ada')!.call('open', { member: listener });
      const groups: Group[] = [];
      for (const owner of lasting) {
        const client = clients.get(owner)!;
        const id = await client.call('found', { member: owner, name: `of ${owner}`, accessToken });
        groups.push({ id, owner });
        for (const member of [...lasting, listener]) {
          if (member === owner) continue;
          const link = await client.call('invite', { member: owner, group: id });
          await clients.get(member === listener ? 'ada' : member)!.call('join', { member, link });
        }
      }
      const crowd = new Crowd(clients, groups);
      for (const [index, member] of lasting.entries()) {
        for (const [place, { id }] of groups.entries())
          await crowd.#load(member, member, id, index === place);
      }
      say(`${lasting.length} client processes, ${groups.length} sealed groups, everybody talks`);
      return crowd;
    } catch (error) {
      for (const client of clients.values()) await client[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Of everybody, guests too. */
  async progress(): Promise<{ seats: Progress[]; steps: OpenStep[] }> {
    const all = await Promise.all(
      [...this.#clients.values()].map((client) => client.call('progress', undefined)),
    );
    return { seats: all.flatMap(({ seats }) => seats), steps: all.flatMap(({ steps }) => steps) };
  }

  client(name: string): ClientProcess {
    const client = this.#clients.get(name);
    if (client === undefined) throw new Error(`there is no client process ${name}`);
    return client;
  }

  /** Processes other than the one of this name, for its group's guests. */
  others(name: string): ClientProcess[] {
    return [...this.#clients.values()].filter((client) => client.name !== name);
  }

  async admitGuest(client: ClientProcess, guest: string, group: Group, link: string): Promise<void> {
    await client.call('join', { member: guest, link });
    await this.#load(client.name, guest, group.id, false);
  }

  /** Nobody says anything new; resolves when what is under way has an answer, or after the time. */
  async fallSilent(timeoutMs: number): Promise<void> {
    await Promise.all([...this.#clients.values()].map((client) => client.call('stopLoad', { timeoutMs })));
  }

  /** Resolves with true when all members have heard all that was acknowledged in each group, with false after the time. */
  async settle(timeoutMs: number): Promise<boolean> {
    const deadlineMs = performance.now() + timeoutMs;
    for (;;) {
      const { seats } = await this.progress();
      if (this.groups.every(({ id }) => haveHeardAll(seats.filter(({ group }) => group === id)))) return true;
      if (performance.now() > deadlineMs) return false;
      await sleep(100);
    }
  }

  async readLogs(servers: readonly string[]): Promise<ReadLog[]> {
    const logs = this.groups.map(({ id, owner }) =>
      this.client(owner).call('readLogs', { member: owner, group: id, servers }),
    );
    return (await Promise.all(logs)).flat();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#clients.values()].map((client) => client[Symbol.asyncDispose]()));
  }

  #load(client: string, member: string, group: string, attaches: boolean): Promise<void> {
    return this.client(client).call('load', {
      member,
      group,
      everyMs: messageEveryMs,
      attachEveryMs: attaches ? attachEveryMs : undefined,
    });
  }
}

/**
 * Of one group. What somebody was told of is in the log, even if nobody has heard it yet, and even if its author was
 * removed after it.
 */
export function haveHeardAll(
  seats: readonly Pick<Progress, 'lastSeq' | 'ackedSeq' | 'isRemoved'>[],
): boolean {
  const newest = Math.max(0, ...seats.map(({ lastSeq, ackedSeq }) => Math.max(lastSeq, ackedSeq)));
  return seats.every(({ lastSeq, isRemoved }) => isRemoved || lastSeq === newest);
}
