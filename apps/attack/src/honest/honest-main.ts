/**
 * The process of one honest person: the SDK with its encrypted store on disk, in as many groups as it is asked into. It
 * answers what it sees and what it was warned of, and does nothing on its own.
 */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { answerCalls } from '@conclave/testkit/answer-calls';
import { ConclaveClient, isConclaveError } from '@conclave/sdk';
import type { GroupHandle, Role, Warning } from '@conclave/sdk';
import { createNodeSuite, openNodeStore } from '@conclave/sdk/node';

/** All that an honest person knows of a group, as values that can be compared. */
export interface View {
  readonly status: string;
  readonly epoch: number;
  /** The same for all who hold the same keys. */
  readonly fingerprint: string;
  /** Members, roles, devices and pending positions. */
  readonly members: string;
  readonly mode: string;
  /** Of all messages, in order. */
  readonly messages: string;
  readonly messageCount: number;
  readonly warnings: number;
}

/** What a join came to. */
export interface Trial {
  /** The group's id, if there is one now. */
  readonly group: string | undefined;
  /** The error's code and the rule that it names. */
  readonly refusal: string | undefined;
}

/** What was shown of a group while it was joined. */
export interface Previewed {
  readonly texts: readonly string[];
  /** Why it ended, once it has: a code, a rule, or `complete`. */
  readonly ended: string | undefined;
}

export interface Heard {
  readonly text: string;
  /** Milliseconds since the epoch with fractions, by this process. */
  readonly atMs: number;
}

export interface HonestCalls {
  open: { takes: { server: string; folder: string; name: string }; gives: void };
  create: { takes: { accessToken: string; name: string }; gives: string };
  /** Gives the group's id. */
  join: { takes: string; gives: string };
  /** The same, and a refusal is an answer. */
  tryJoin: { takes: string; gives: Trial };
  previewed: { takes: string; gives: Previewed };
  isIn: { takes: string; gives: boolean };
  invite: { takes: { group: string; role: Role }; gives: string };
  say: { takes: { group: string; text: string }; gives: void };
  /** Says `count` lines at a steady pace, whatever becomes of those before; gives when each was said. */
  chatter: {
    takes: { group: string; prefix: string; count: number; everyMs: number };
    gives: readonly Heard[];
  };
  remove: { takes: { group: string; leaf: number }; gives: void };
  /** Commits new keys. */
  refresh: { takes: string; gives: void };
  view: { takes: string; gives: View };
  warnings: { takes: string; gives: readonly Warning[] };
  heard: { takes: string; gives: readonly Heard[] };
  /** Resolves once the epoch is reached, false if it is not within the time. */
  waitForEpoch: { takes: { group: string; epoch: number; timeoutMs: number }; gives: boolean };
  waitForText: { takes: { group: string; text: string; timeoutMs: number }; gives: boolean };
  waitForWarnings: { takes: { group: string; count: number; timeoutMs: number }; gives: boolean };
  sync: { takes: string; gives: void };
  close: { takes: void; gives: void };
}

export interface HonestCall {
  readonly id: number;
  readonly name: keyof HonestCalls;
  readonly argument: unknown;
}

let client: ConclaveClient | undefined;
const warnings = new Map<string, Warning[]>();
const heard = new Map<string, Heard[]>();
const previews = new Map<string, Previewed>();

const calls: {
  [Name in keyof HonestCalls]: (argument: HonestCalls[Name]['takes']) => Promise<HonestCalls[Name]['gives']>;
} = {
  async open({ server, folder, name }) {
    const store = await openNodeStore({
      path: join(folder, 'state.db'),
      unlock: { keyFile: join(folder, 'state.key') },
    });
    client = await ConclaveClient.open({
      server,
      store,
      suite: createNodeSuite(),
      profile: { name, device: 'test' },
      // By this header a lying server knows whom it lies to; an honest one does not look at it.
      fetch: (url, init) => {
        const headers = new Headers(init.headers);
        headers.set('x-conclave-viewer', name);
        return fetch(url, { ...init, headers });
      },
    });
    client.on('preview', (event) => {
      const before = previews.get(event.groupId) ?? { texts: [], ended: undefined };
      const text =
        event.kind === 'message' && event.message.content.kind === 'text' ? [event.message.content.text] : [];
      const ended = event.kind === 'ended' ? (event.code ?? 'complete') : before.ended;
      previews.set(event.groupId, { texts: [...before.texts, ...text], ended });
    });
    client.on('group', ({ groupId, type, event }) => {
      if (type === 'warning') listOf(warnings, groupId).push(event);
      if (type === 'message' && event.content.kind === 'text') {
        listOf(heard, groupId).push({
          text: event.content.text,
          atMs: performance.timeOrigin + performance.now(),
        });
      }
    });
  },
  async create({ accessToken, name }) {
    return (await opened().createGroup({ name, accessToken })).id;
  },
  async join(link) {
    return (await opened().join(link)).id;
  },
  async tryJoin(link) {
    try {
      return { group: (await opened().join(link)).id, refusal: undefined };
    } catch (error) {
      if (!isConclaveError(error)) throw error;
      const { code, details } = error;
      return { group: undefined, refusal: [code, details['rule']].filter(Boolean).join(' ') };
    }
  },
  async previewed(group) {
    return previews.get(group) ?? { texts: [], ended: undefined };
  },
  async isIn(group) {
    return opened().group(group) !== undefined;
  },
  async invite({ group, role }) {
    return (await groupOf(group).invite({ role })).link;
  },
  async say({ group, text }) {
    await groupOf(group).send(text);
  },
  async chatter({ group, prefix, count, everyMs }) {
    const said: Heard[] = [];
    const sent: Promise<unknown>[] = [];
    const startMs = performance.now();
    for (let index = 0; index < count; index++) {
      const waitMs = startMs + index * everyMs - performance.now();
      await new Promise((resolve) => setTimeout(resolve, Math.max(0, waitMs)));
      const text = `${prefix} ${index}`;
      said.push({ text, atMs: performance.timeOrigin + performance.now() });
      sent.push(groupOf(group).send(text));
    }
    await Promise.all(sent);
    return said;
  },
  async remove({ group, leaf }) {
    await groupOf(group).remove({ leaf });
  },
  async refresh(group) {
    await groupOf(group).refresh();
  },
  view: viewOf,
  async warnings(group) {
    return listOf(warnings, group);
  },
  async heard(group) {
    return listOf(heard, group);
  },
  async waitForEpoch({ group, epoch, timeoutMs }) {
    return await until(async () => (opened().group(group)?.epoch ?? 0) >= epoch, timeoutMs);
  },
  async waitForText({ group, text, timeoutMs }) {
    return await until(async () => listOf(heard, group).some((one) => one.text === text), timeoutMs);
  },
  async waitForWarnings({ group, count, timeoutMs }) {
    return await until(async () => listOf(warnings, group).length >= count, timeoutMs);
  },
  async sync(group) {
    await groupOf(group).sync();
  },
  async close() {
    await client?.close();
  },
};

async function viewOf(group: string): Promise<View> {
  const handle = groupOf(group);
  const digest = createHash('sha256');
  let messageCount = 0;
  for (let before: number | undefined; ;) {
    const page = await handle.history({ limit: 200, ...(before === undefined ? {} : { before }) });
    const sent = page.filter(({ seq }) => seq !== undefined);
    messageCount += sent.length;
    digest.update(JSON.stringify(sent.map(({ id, seq, sender, content }) => [id, seq, sender.id, content])));
    if (sent.length < 200) break;
    before = sent[0]!.seq;
  }
  const { members, pending } = handle.members();
  return {
    status: handle.status,
    epoch: handle.epoch,
    fingerprint: handle.fingerprint(),
    members: JSON.stringify([members, pending.map(({ leaf, role }) => [leaf, role])]),
    mode: JSON.stringify(handle.mode),
    messages: digest.digest('hex'),
    messageCount,
    warnings: listOf(warnings, group).length,
  };
}

answerCalls(calls);

function opened(): ConclaveClient {
  if (client === undefined) throw new Error('not opened yet');
  return client;
}

function groupOf(id: string): GroupHandle {
  const handle = opened().group(id);
  if (handle === undefined) throw new Error('not in this group');
  return handle;
}

function listOf<T>(lists: Map<string, T[]>, group: string): T[] {
  const list = lists.get(group) ?? [];
  lists.set(group, list);
  return list;
}

async function until(holds: () => Promise<boolean>, timeoutMs: number): Promise<boolean> {
  const deadline = performance.now() + timeoutMs;
  while (!(await holds())) {
    if (performance.now() > deadline) return false;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  return true;
}
