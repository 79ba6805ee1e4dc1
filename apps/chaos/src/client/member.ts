/** One person with one device: an SDK client with a store in memory, a seat in every group that it is in, and a history. */
import { ConclaveClient, openEphemeralStore } from '@conclave/sdk';
import type { ClientEvents, GroupHandle } from '@conclave/sdk';
import { createNodeSuite } from '@conclave/sdk/node';
import { machineMs } from '../history/history.ts';
import type { HistoryEntry, HistoryEvent, ReadLog } from '../history/history.ts';
import { readLog } from './read-log.ts';
import type { LogAnswer } from './read-log.ts';
import { tapTokens } from './read-token.ts';
import type { TokenTap } from './read-token.ts';
import { heardOf, sealedConversation } from './sealed-conversation.ts';
import { Seat } from './seat.ts';
import type { Progress } from './seat.ts';

export interface MemberOptions {
  readonly name: string;
  readonly server: string;
  readonly append: (entry: HistoryEntry) => void;
}

/** Its tables take a moment to make: one for all members of a process. */
const suite = createNodeSuite();

export class ChaosMember {
  readonly name: string;
  readonly #client: ConclaveClient;
  readonly #tap: TokenTap;
  readonly #append: MemberOptions['append'];
  readonly #seats = new Map<string, Seat>();
  /** What came before the seat was taken, in its order. */
  readonly #early = new Map<string, ClientEvents['group'][]>();

  private constructor(options: MemberOptions, client: ConclaveClient, tap: TokenTap) {
    this.name = options.name;
    this.#append = options.append;
    this.#client = client;
    this.#tap = tap;
    client.on('group', (event) => this.#note(event));
    client.on('join-failed', ({ error }) => this.#writeError('', 'joining', error));
  }

  static async open(options: MemberOptions): Promise<ChaosMember> {
    const tap = tapTokens();
    const client = await ConclaveClient.open({
      server: options.server,
      store: await openEphemeralStore(),
      suite,
      profile: { name: options.name, device: 'chaos' },
      fetch: tap.fetch,
    });
    return new ChaosMember(options, client, tap);
  }

  async found(name: string, accessToken: string): Promise<string> {
    return this.#takeSeat(await this.#client.createGroup({ name, accessToken }));
  }

  async join(link: string): Promise<string> {
    return this.#takeSeat(await this.#client.join(link));
  }

  async invite(group: string): Promise<string> {
    return (await this.#handle(group).invite({ role: 'member', ttlMs: 3_600_000 })).link;
  }

  async remove(group: string, name: string): Promise<void> {
    const handle = this.#handle(group);
    const member = handle.members().members.find((other) => other.name === name);
    if (member === undefined) throw new Error(`${name} is no member`);
    await handle.remove(member.id);
  }

  /** Removes whatever positions nobody took: what interrupted joins leave behind. */
  async tidy(group: string): Promise<void> {
    const handle = this.#handle(group);
    for (const { leaf } of handle.members().pending) await handle.remove({ leaf });
  }

  seat(group: string): Seat {
    const seat = this.#seats.get(group);
    if (seat === undefined) throw new Error(`${this.name} has no seat in ${group}`);
    return seat;
  }

  get progress(): Progress[] {
    return [...this.#seats.values()].map((seat) => seat.progress);
  }

  /** The whole log from each of the server processes. */
  async readLogs(group: string, servers: readonly string[]): Promise<ReadLog[]> {
    const logs: ReadLog[] = [];
    for (const server of servers) {
      let answer = await this.#read(group, server);
      if (answer.status !== 200) {
        // The token is too old: reading anything makes the SDK prove its membership again.
        await this.#handle(group).sync();
        answer = await this.#read(group, server);
      }
      if (!('frames' in answer))
        throw new Error(`${server} answered ${answer.status} when asked for the log`);
      logs.push({ group, server, frames: answer.frames });
    }
    return logs;
  }

  /** What each server process shows to the token of a removed member. A process that does not answer shows nothing. */
  async probe(group: string, servers: readonly string[]): Promise<void> {
    for (const server of servers) {
      try {
        const answer = await this.#read(group, server);
        const lastSeq = 'frames' in answer ? answer.frames.at(-1)?.seq : undefined;
        this.#write(group, { kind: 'probed', server, status: answer.status, lastSeq });
      } catch (error) {
        this.#writeError(group, `probing ${server}`, error);
      }
    }
  }

  writeError(group: string, doing: string, error: unknown): void {
    this.#writeError(group, doing, error);
  }

  async close(): Promise<void> {
    await this.#client.close();
  }

  async #read(group: string, server: string): Promise<LogAnswer> {
    const token = this.#tap.tokenOf(group);
    if (token === undefined) throw new Error(`${this.name} was never given a read token`);
    return await readLog(server, group, token);
  }

  #handle(group: string): GroupHandle {
    const handle = this.#client.group(group);
    if (handle === undefined) throw new Error(`${this.name} is not in ${group}`);
    return handle;
  }

  #takeSeat(handle: GroupHandle): string {
    const { id: group } = handle;
    const own = handle.members().members.find(({ isMe }) => isMe);
    const leaf = own?.devices.find(({ isThis }) => isThis)?.leaf;
    if (leaf === undefined) throw new Error('a member that is not among the members');
    const write = (event: HistoryEvent): void => this.#write(group, event);
    write({ kind: 'joined', leaf, epoch: handle.epoch });
    this.#seats.set(group, new Seat({ member: this.name, conversation: sealedConversation(handle), write }));
    const early = this.#early.get(group) ?? [];
    this.#early.delete(group);
    for (const event of early) this.#note(event);
    return group;
  }

  #note(told: ClientEvents['group']): void {
    const { groupId: group, type, event } = told;
    const seat = this.#seats.get(group);
    if (seat === undefined) {
      this.#early.set(group, [...(this.#early.get(group) ?? []), told]);
      return;
    }
    if (type === 'message') {
      const heard = heardOf(event, () => this.#client.group(group));
      if (heard !== undefined) seat.hear(heard);
    } else if (type === 'removed') {
      if (!seat.progress.isRemoved) seat.noteRemoved(event.verified);
    } else if (type === 'epoch') {
      this.#write(group, { kind: 'epoch', epoch: event.epoch });
    } else if (type === 'connection') {
      this.#write(group, { kind: 'connection', state: event.state });
    } else if (type === 'warning') {
      const { kind, ...rest } = event;
      this.#write(group, { kind: 'warning', warning: kind, detail: JSON.stringify(rest) });
    }
  }

  #writeError(group: string, doing: string, error: unknown): void {
    const { code = 'BUG', message } = error as Error & { code?: string };
    this.#write(group, { kind: 'error', doing, code, message });
  }

  #write(group: string, event: HistoryEvent): void {
    this.#append({ atMs: machineMs(), member: this.name, group, ...event });
  }
}
