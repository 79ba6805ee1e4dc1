/** The process of one member: the SDK, its encrypted store on disk, and calls from the director. */
import { join } from 'node:path';
import { answerCalls } from '@conclave/testkit/answer-calls';
import { ConclaveClient, createAccountClient } from '@conclave/sdk';
import type { GroupHandle, GroupSummary } from '@conclave/sdk';
import { createNodeSuite, openNodeStore } from '@conclave/sdk/node';

export interface HeardMessage {
  readonly seq: number;
  readonly by: string;
  readonly text: string;
}

/** What the director may ask for. */
export interface MemberCalls {
  open: { takes: { server: string; folder: string; name: string }; gives: void };
  /** Registers the account and creates the group. */
  create: { takes: { username: string; registrationToken: string | undefined; group: string }; gives: void };
  invite: { takes: void; gives: string };
  join: { takes: string; gives: void };
  /** Resolves when the server has it. */
  say: { takes: string; gives: void };
  remove: { takes: string; gives: void };
  history: { takes: void; gives: HeardMessage[] };
  /** Resolves when these people, and nobody else, are members for this client. */
  waitForMembers: { takes: readonly string[]; gives: void };
  waitForMessages: { takes: number; gives: void };
  waitForRemoval: { takes: void; gives: void };
  status: { takes: void; gives: string };
}

export interface MemberCall {
  readonly id: number;
  readonly name: keyof MemberCalls;
  readonly argument: unknown;
}

export const storeFile = 'state.db';
export const keyFile = 'state.key';

const patienceMs = 90_000;

let client: ConclaveClient | undefined;
let serverUrl = '';

const calls: {
  [Name in keyof MemberCalls]: (argument: MemberCalls[Name]['takes']) => Promise<MemberCalls[Name]['gives']>;
} = {
  async open({ server, folder, name }) {
    serverUrl = server;
    const unlock = { keyFile: join(folder, keyFile) };
    const store = await openNodeStore({ path: join(folder, storeFile), unlock });
    client = await ConclaveClient.open({
      server,
      store,
      suite: createNodeSuite(),
      profile: { name, device: `${name}'s machine` },
    });
  },
  async create({ username, registrationToken, group }) {
    const account = createAccountClient({ server: serverUrl });
    const { accessToken } = await account.register({
      username,
      password: `a long password of ${username}`,
      ...(registrationToken !== undefined && { registrationToken }),
    });
    await opened().createGroup({ name: group, accessToken });
  },
  async invite() {
    return (await (await group()).invite({ role: 'member' })).link;
  },
  async join(link) {
    await opened().join(link);
  },
  async say(text) {
    await (await group()).send(text);
  },
  async remove(name) {
    const handle = await group();
    const member = handle.members().members.find((other) => other.name === name);
    if (member === undefined) throw new Error(`${name} is not a member`);
    await handle.remove(member.id);
  },
  async history() {
    const heard: HeardMessage[] = [];
    const { id } = await onlyGroup();
    for (let before: number | undefined; ;) {
      const page = await opened().history(id, { limit: 200, ...(before !== undefined && { before }) });
      const sent = page.filter(({ seq }) => seq !== undefined);
      heard.unshift(
        ...sent.map(({ seq, sender, content }) => ({
          seq: seq!,
          by: sender.name,
          text: content.kind === 'text' ? content.text : `(${content.kind})`,
        })),
      );
      if (sent.length < 200) return heard;
      before = sent[0]!.seq;
    }
  },
  async waitForMembers(names) {
    const wanted = [...names].sort().join();
    await until(async () => {
      const handle = await group();
      const { members, pending } = handle.members();
      const present = members.map(({ name }) => name).sort();
      return pending.length === 0 && handle.status === 'joined' && present.join() === wanted;
    }, `the members ${wanted}`);
  },
  async waitForMessages(count) {
    await until(async () => (await calls.history()).length >= count, `${count} messages`);
  },
  async waitForRemoval() {
    await until(async () => (await onlyGroup()).status === 'removed', 'its removal');
  },
  async status() {
    return (await onlyGroup()).status;
  },
};

answerCalls(calls);

function opened(): ConclaveClient {
  if (client === undefined) throw new Error('not opened yet');
  return client;
}

async function onlyGroup(): Promise<GroupSummary> {
  const [only] = await opened().groups();
  if (only === undefined) throw new Error('in no group yet');
  return only;
}

async function group(): Promise<GroupHandle> {
  const { id, status } = await onlyGroup();
  const handle = opened().group(id);
  if (handle === undefined) throw new Error(`the group is ${status}`);
  return handle;
}

/** Asks again and again: what is waited for may come from the log, an event or a restart. */
async function until(holds: () => Promise<boolean>, what: string): Promise<void> {
  const deadline = Date.now() + patienceMs;
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error(`waited in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
