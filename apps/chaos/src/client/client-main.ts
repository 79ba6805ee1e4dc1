/** A client process: some members, each with its own SDK client, doing what the director asks. Ends when the director does. */
import { answerCalls } from '@conclave/testkit/answer-calls';
import { openHistoryFile } from '../history/history-file.ts';
import type { HistoryFile } from '../history/history-file.ts';
import { machineMs } from '../history/history.ts';
import type { HistoryEntry, HistoryEvent, ReadLog } from '../history/history.ts';
import { watchForStalls } from '../history/stall-watch.ts';
import { ChaosMember } from './member.ts';
import type { Progress } from './seat.ts';

/** Something that was asked of a member's SDK and has not ended. */
export interface OpenStep {
  readonly member: string;
  readonly what: string;
  readonly sinceMs: number;
}

export interface ClientCalls {
  start: { takes: { server: string; folder: string; client: string }; gives: void };
  open: { takes: { member: string }; gives: void };
  /** Gives the group's id, as does `join`. */
  found: { takes: { member: string; name: string; accessToken: string }; gives: string };
  invite: { takes: { member: string; group: string }; gives: string };
  join: { takes: { member: string; link: string }; gives: string };
  remove: { takes: { member: string; group: string; who: string }; gives: void };
  tidy: { takes: { member: string; group: string }; gives: void };
  load: {
    takes: { member: string; group: string; everyMs: number; attachEveryMs: number | undefined };
    gives: void;
  };
  /** Resolves when nothing is under way, or after the time. */
  stopLoad: { takes: { timeoutMs: number }; gives: void };
  progress: { takes: void; gives: { seats: Progress[]; steps: OpenStep[] } };
  /** Whether it was told that it is out. */
  isRemoved: { takes: { member: string; group: string }; gives: boolean };
  probe: { takes: { member: string; group: string; servers: readonly string[] }; gives: void };
  readLogs: { takes: { member: string; group: string; servers: readonly string[] }; gives: ReadLog[] };
  /** Writes a failure of a call into the member's history. */
  noteError: { takes: { member: string; group: string; doing: string; message: string }; gives: void };
  close: { takes: { member: string }; gives: void };
}

export interface ClientCall {
  readonly id: number;
  readonly name: keyof ClientCalls;
  readonly argument: unknown;
}

let file: HistoryFile | undefined;
let server = '';
const members = new Map<string, ChaosMember>();
const openSteps = new Map<string, OpenStep>();
let steps = 0;

const calls: {
  [Name in keyof ClientCalls]: (argument: ClientCalls[Name]['takes']) => Promise<ClientCalls[Name]['gives']>;
} = {
  async start({ folder, client, ...rest }) {
    server = rest.server;
    const history = openHistoryFile(folder, client);
    file = history;
    watchForStalls(client, history);
  },
  async open({ member }) {
    const append = (entry: HistoryEntry): void => historyFile().append(entry);
    const opened = await step(member, '', 'opening a client', () =>
      ChaosMember.open({ name: member, server, append }),
    );
    members.set(member, opened);
  },
  found: ({ member, name, accessToken }) =>
    step(member, '', 'founding a group', () => memberOf(member).found(name, accessToken)),
  invite: ({ member, group }) => step(member, group, 'inviting', () => memberOf(member).invite(group)),
  join: ({ member, link }) => step(member, '', 'joining', () => memberOf(member).join(link)),
  remove: ({ member, group, who }) =>
    step(member, group, `removing ${who}`, () => memberOf(member).remove(group, who)),
  tidy: ({ member, group }) =>
    step(member, group, 'removing what nobody took', () => memberOf(member).tidy(group)),
  async load({ member, group, everyMs, attachEveryMs }) {
    memberOf(member).seat(group).start(everyMs, attachEveryMs);
  },
  async stopLoad({ timeoutMs }) {
    const seats = [...members.values()].flatMap((member) =>
      member.progress.map(({ group }) => member.seat(group)),
    );
    await Promise.all(seats.map((seat) => seat.stop(timeoutMs)));
  },
  async progress() {
    const seats = [...members.values()].flatMap((member) => member.progress);
    return { seats, steps: [...openSteps.values()] };
  },
  async isRemoved({ member, group }) {
    return memberOf(member).seat(group).progress.isRemoved;
  },
  probe: ({ member, group, servers }) => memberOf(member).probe(group, servers),
  readLogs: ({ member, group, servers }) => memberOf(member).readLogs(group, servers),
  async noteError({ member, group, doing, message }) {
    memberOf(member).writeError(group, doing, new Error(message));
  },
  async close({ member }) {
    await memberOf(member).close();
    members.delete(member);
  },
};

answerCalls(calls);

/** What the SDK may take long over is framed by two entries: who waits for ever is found by the second that is not there. */
async function step<T>(member: string, group: string, what: string, act: () => Promise<T>): Promise<T> {
  const name = `${member}/${what}/${++steps}`;
  const write = (event: HistoryEvent): void =>
    historyFile().append({ atMs: machineMs(), member, group, ...event });
  openSteps.set(name, { member, what, sinceMs: machineMs() });
  write({ kind: 'step', step: name, what });
  try {
    const value = await act();
    write({ kind: 'step-ended', step: name, code: undefined });
    return value;
  } catch (error) {
    const { code = 'BUG' } = error as { code?: string };
    write({ kind: 'step-ended', step: name, code });
    throw error;
  } finally {
    openSteps.delete(name);
  }
}

function historyFile(): HistoryFile {
  if (file === undefined) throw new Error('not started yet');
  return file;
}

function memberOf(name: string): ChaosMember {
  const member = members.get(name);
  if (member === undefined) throw new Error(`${name} is not here`);
  return member;
}
