/** A client process: some members, each with its own SDK client, doing what the director asks. Ends when the director does. */
import { answerCalls } from '@conclave/testkit/answer-calls';
import { openHistoryFile } from '../history/history-file.ts';
import type { HistoryFile } from '../history/history-file.ts';
import { machineMs } from '../history/history.ts';
import type { ReadLog } from '../history/history.ts';
import { ChaosMember } from './member.ts';
import type { Progress } from './seat.ts';
import { watchForStalls } from './stall-watch.ts';

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
  progress: { takes: void; gives: Progress[] };
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

const calls: {
  [Name in keyof ClientCalls]: (argument: ClientCalls[Name]['takes']) => Promise<ClientCalls[Name]['gives']>;
} = {
  async start({ folder, client, ...rest }) {
    server = rest.server;
    const history = openHistoryFile(folder, client);
    file = history;
    watchForStalls(({ stalledMs, cpuMs }) => {
      history.append({
        kind: 'stalled',
        atMs: machineMs(),
        member: client,
        group: '',
        stalledMs: Math.round(stalledMs),
        cpuMs: Math.round(cpuMs),
      });
    });
  },
  async open({ member }) {
    const history = file;
    if (history === undefined) throw new Error('not started yet');
    members.set(
      member,
      await ChaosMember.open({ name: member, server, append: (entry) => history.append(entry) }),
    );
  },
  found: ({ member, name, accessToken }) => memberOf(member).found(name, accessToken),
  invite: ({ member, group }) => memberOf(member).invite(group),
  join: ({ member, link }) => memberOf(member).join(link),
  remove: ({ member, group, who }) => memberOf(member).remove(group, who),
  tidy: ({ member, group }) => memberOf(member).tidy(group),
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
    return [...members.values()].flatMap((member) => member.progress);
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

function memberOf(name: string): ChaosMember {
  const member = members.get(name);
  if (member === undefined) throw new Error(`${name} is not here`);
  return member;
}
