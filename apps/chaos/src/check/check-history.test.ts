import { describe, expect, it } from 'vitest';
import { director } from '../history/history.ts';
import type { Death, FaultRecord, HistoryEntry, LogFrame, ReadLog } from '../history/history.ts';
import { checkHistory } from './check-history.ts';
import type { ViolationKind } from './violation.ts';
import { violationKinds } from './violation.ts';

const group = 'g';
/** Ada founds, Bo joins at 2, Cy at 5 and is removed at 9; messages stand at 3, 4, 6, 7, 8 and 10 to 13. */
const commits: Record<number, Partial<LogFrame>> = {
  1: { kind: 'create' },
  2: { kind: 'commit', committer: 1, removes: [] },
  5: { kind: 'commit', committer: 2, removes: [] },
  9: { kind: 'commit', committer: 0, removes: [2] },
};
const senders: Record<number, 'ada' | 'bo' | 'cy'> = {
  3: 'ada',
  4: 'bo',
  6: 'ada',
  7: 'cy',
  8: 'bo',
  10: 'bo',
  11: 'ada',
  12: 'bo',
  13: 'ada',
};
const fault: FaultRecord = {
  name: 'kill p1',
  kind: 'kill',
  component: 'p1',
  startMs: 8_500,
  endMs: 9_500,
};
const limits = { recoveryLimitMs: 10_000, stopLimitMs: 16_000 };

const idOf = (seq: number): string => `id-${seq}`;
const uidOf = (seq: number): string => `${senders[seq]}/${seq}`;
const timeOf = (seq: number): number => seq * 1_000;

/** A run in which all is well: what follows spoils copies of it, one thing at a time. */
function wellDone(): { entries: HistoryEntry[]; logs: ReadLog[]; faults: FaultRecord[]; deaths: Death[] } {
  const entries: HistoryEntry[] = [
    { kind: 'joined', member: 'ada', group, atMs: 1_000, leaf: 0, epoch: 0 },
    { kind: 'joined', member: 'bo', group, atMs: 2_000, leaf: 1, epoch: 1 },
    { kind: 'joined', member: 'cy', group, atMs: 5_000, leaf: 2, epoch: 2 },
  ];
  const frames: LogFrame[] = [];
  let epoch = 0;
  for (let seq = 1; seq <= 13; seq++) {
    frames.push({ seq, epoch, id: idOf(seq), kind: 'message', ...commits[seq] });
    if (commits[seq]?.kind === 'commit') epoch += 1;
    const by = senders[seq];
    if (by === undefined) continue;
    const uid = uidOf(seq);
    const at = timeOf(seq);
    entries.push({ kind: 'sending', member: by, group, atMs: at, uid, attachment: false });
    entries.push({ kind: 'acknowledged', member: by, group, atMs: at + 10, uid, seq, id: idOf(seq) });
    for (const member of ['ada', 'bo', ...(seq > 5 && seq < 9 ? ['cy'] : [])]) {
      entries.push({
        kind: 'received',
        member,
        group,
        atMs: at + 20,
        uid,
        seq,
        id: idOf(seq),
        by,
        sentAtMs: at,
      });
    }
  }
  entries.push({ kind: 'removed', member: 'cy', group, atMs: 9_100, verified: true });
  entries.push({
    kind: 'probed',
    member: 'cy',
    group,
    atMs: 9_200,
    server: 'a',
    status: 403,
    lastSeq: undefined,
  });
  // Ada asks for Cy's removal, which a fault delays.
  const step = 'ada/removing cy/1';
  entries.push({ kind: 'step', member: 'ada', group, atMs: 8_400, step, what: 'removing cy' });
  entries.push({ kind: 'step-ended', member: 'ada', group, atMs: 9_700, step, code: undefined });
  for (const member of ['ada', 'bo']) entries.push({ kind: 'stopped', member, group, atMs: 30_000 });
  const log = (server: string): ReadLog => ({ group, server, frames: frames.map((frame) => ({ ...frame })) });
  return { entries, logs: [log('a'), log('b')], faults: [fault], deaths: [] };
}

type Run = ReturnType<typeof wellDone>;

function spoiled(spoil: (run: Run) => void): Run {
  const run = wellDone();
  spoil(run);
  return run;
}

function kindsAfter(spoil: (run: Run) => void): ViolationKind[] {
  const { violations } = checkHistory({ ...spoiled(spoil), ...limits });
  return [...new Set(violations.map(({ kind }) => kind))].sort();
}

function find(run: Run, kind: HistoryEntry['kind'], member: string, seq: number): number {
  const index = run.entries.findIndex(
    (entry) => entry.kind === kind && entry.member === member && 'uid' in entry && entry.uid === uidOf(seq),
  );
  if (index === -1) throw new Error(`no ${kind} of ${member} at ${seq}`);
  return index;
}

function endStepAt(run: Run, atMs: number | undefined): void {
  const index = run.entries.findIndex(({ kind }) => kind === 'step-ended');
  const [ended] = run.entries.splice(index, 1);
  if (atMs !== undefined) run.entries.push({ ...ended!, atMs });
}

/** Di joins and says one thing, at 15, and hears another, at 16; Ada and Bo hear both. */
function guestComes(run: Run, joinedMs: number, goesOnAfterMs = 1_000): void {
  const at = joinedMs + goesOnAfterMs;
  run.entries.push({ kind: 'joined', member: 'di', group, atMs: joinedMs, leaf: 2, epoch: 4 });
  const says = (by: string, seq: number): void => {
    const [uid, id] = [`${by}/${seq}`, idOf(seq)];
    run.entries.push({ kind: 'sending', member: by, group, atMs: at - 500, uid, attachment: false });
    run.entries.push({ kind: 'acknowledged', member: by, group, atMs: at, uid, seq, id });
    for (const member of ['ada', 'bo', 'di'])
      run.entries.push({ kind: 'received', member, group, atMs: at, uid, seq, id, by, sentAtMs: at - 500 });
  };
  says('di', 15);
  says('ada', 16);
  for (const { frames } of run.logs)
    (frames as LogFrame[]).push(
      { seq: 14, epoch: 3, id: idOf(14), kind: 'commit', committer: 2, removes: [] },
      { seq: 15, epoch: 4, id: idOf(15), kind: 'message' },
      { seq: 16, epoch: 4, id: idOf(16), kind: 'message' },
    );
}

function stopWith(run: Run, stopped: Partial<NonNullable<FaultRecord['stopped']>>): void {
  const inOrder = { exitCode: 0, wasKilled: false, tookMs: 5_000 };
  run.faults[0] = { ...fault, name: 'stop p1', kind: 'stop', stopped: { ...inOrder, ...stopped } };
}

/** Each is planted in a good history; the checker must find it, and nothing that is not there. */
const planted: readonly {
  readonly what: string;
  readonly kinds: readonly ViolationKind[];
  readonly spoil: (run: Run) => void;
}[] = [
  {
    what: 'acknowledged and absent from the log: the last frame is gone',
    kinds: ['diverged', 'lost'],
    spoil: ({ logs }) =>
      logs.splice(0, 2, ...logs.map((log) => ({ ...log, frames: log.frames.slice(0, -1) }))),
  },
  {
    what: 'acknowledged with another place than the log has',
    kinds: ['lost'],
    spoil(run) {
      const index = find(run, 'acknowledged', 'ada', 11);
      run.entries[index] = { ...run.entries[index], seq: 12 } as HistoryEntry;
    },
  },
  {
    what: 'lost on the way to one member',
    kinds: ['missed'],
    spoil: (run) => run.entries.splice(find(run, 'received', 'bo', 11), 1),
  },
  {
    what: 'the last message did not reach one member',
    kinds: ['missed'],
    spoil: (run) => run.entries.splice(find(run, 'received', 'bo', 13), 1),
  },
  {
    what: 'a hole in what a removed member heard in its time',
    kinds: ['missed'],
    spoil: (run) => run.entries.splice(find(run, 'received', 'cy', 7), 1),
  },
  {
    what: 'heard twice',
    kinds: ['doubled'],
    spoil(run) {
      const index = find(run, 'received', 'bo', 11);
      run.entries.splice(index, 0, run.entries[index]!);
    },
  },
  {
    what: 'logged twice: one message at two places',
    kinds: ['doubled'],
    spoil(run) {
      run.entries.splice(find(run, 'acknowledged', 'bo', 12), 1);
      run.entries.splice(find(run, 'sending', 'bo', 12), 1);
      for (const [index, entry] of run.entries.entries())
        if (entry.kind === 'received' && entry.seq === 12)
          run.entries[index] = { ...entry, uid: uidOf(11), by: 'ada' };
    },
  },
  {
    what: 'one frame at two places of the log',
    kinds: ['diverged', 'doubled', 'lost'],
    spoil({ logs }) {
      for (const { frames } of logs) (frames as LogFrame[])[11] = { ...frames[10]!, seq: 12 };
    },
  },
  {
    what: 'heard in another order: the position goes back',
    kinds: ['went-back'],
    spoil(run) {
      const [one, other] = [find(run, 'received', 'bo', 10), find(run, 'received', 'bo', 11)];
      [run.entries[one], run.entries[other]] = [run.entries[other]!, run.entries[one]!];
    },
  },
  {
    what: "one sender's messages change places",
    kinds: ['reordered'],
    spoil(run) {
      const [one, other] = [find(run, 'sending', 'ada', 11), find(run, 'sending', 'ada', 13)];
      [run.entries[one], run.entries[other]] = [run.entries[other]!, run.entries[one]!];
    },
  },
  {
    what: 'two members hear two messages in different orders',
    kinds: ['diverged', 'doubled'],
    spoil(run) {
      const [one, other] = [find(run, 'received', 'bo', 10), find(run, 'received', 'bo', 12)];
      const [first, second] = [run.entries[one]!, run.entries[other]!] as Extract<
        HistoryEntry,
        { kind: 'received' }
      >[];
      run.entries[one] = { ...second!, seq: first!.seq };
      run.entries[other] = { ...first!, seq: second!.seq };
    },
  },
  {
    what: 'another frame than the log has',
    kinds: ['diverged'],
    spoil(run) {
      for (const [index, entry] of run.entries.entries())
        if (entry.kind === 'received' && entry.seq === 12) run.entries[index] = { ...entry, id: 'forged' };
    },
  },
  {
    what: 'heard and never sent',
    kinds: ['never-sent'],
    spoil(run) {
      run.entries.splice(find(run, 'acknowledged', 'ada', 11), 1);
      run.entries.splice(find(run, 'sending', 'ada', 11), 1);
    },
  },
  {
    what: 'heard as said by somebody else',
    kinds: ['never-sent'],
    spoil(run) {
      const index = find(run, 'received', 'bo', 11);
      run.entries[index] = { ...run.entries[index], by: 'cy' } as HistoryEntry;
    },
  },
  {
    what: 'refused for good, and in the log all the same',
    kinds: ['revived'],
    spoil(run) {
      const { member, atMs } = run.entries[find(run, 'acknowledged', 'ada', 11)]!;
      const uid = uidOf(11);
      run.entries[find(run, 'acknowledged', 'ada', 11)] = {
        kind: 'refused',
        member,
        group,
        atMs,
        uid,
        code: 'CONFLICT',
      };
    },
  },
  {
    what: 'a removed member hears on',
    kinds: ['heard-after-removal'],
    spoil(run) {
      const entry = run.entries[find(run, 'received', 'bo', 10)]!;
      run.entries.push({ ...entry, member: 'cy', atMs: 10_100 });
    },
  },
  {
    what: 'a server process shows the log to a removed member',
    kinds: ['heard-after-removal'],
    spoil: (run) =>
      run.entries.push({
        kind: 'probed',
        member: 'cy',
        group,
        atMs: 9_300,
        server: 'b',
        status: 200,
        lastSeq: 10,
      }),
  },
  {
    what: 'a client that hears nothing for eleven seconds after a fault',
    kinds: ['stuck'],
    spoil(run) {
      for (const [index, entry] of run.entries.entries())
        if (entry.member === 'bo' && entry.kind === 'received' && entry.seq > 9)
          run.entries[index] = { ...entry, atMs: fault.endMs + 11_000 + entry.seq };
    },
  },
  {
    what: 'a client that hears only what was sent before the fault was over',
    kinds: ['stuck'],
    spoil(run) {
      for (const [index, entry] of run.entries.entries())
        if (entry.kind === 'received' && entry.by === 'ada')
          run.entries[index] = { ...entry, sentAtMs: 9_000 };
    },
  },
  {
    what: 'a client whose messages are never acknowledged again',
    kinds: ['stuck', 'unanswered'],
    spoil(run) {
      const isLater = (entry: HistoryEntry): boolean =>
        entry.kind === 'acknowledged' && entry.member === 'bo' && entry.seq > 9;
      run.entries = run.entries.filter((entry) => !isLater(entry));
    },
  },
  {
    what: 'one message that is never answered',
    kinds: ['unanswered'],
    spoil: (run) => run.entries.splice(find(run, 'acknowledged', 'ada', 13), 1),
  },
  {
    what: 'a step that goes on for more than the time after a fault',
    kinds: ['stuck'],
    spoil: (run) => endStepAt(run, fault.endMs + 10_100),
  },
  {
    what: 'a step that never ends',
    kinds: ['stuck', 'unanswered'],
    spoil: (run) => endStepAt(run, undefined),
  },
  {
    what: 'a guest that came after a fault and is never answered',
    kinds: ['stuck', 'unanswered'],
    spoil(run) {
      guestComes(run, 14_000);
      run.entries = run.entries.filter(({ kind, member }) => !(kind === 'acknowledged' && member === 'di'));
    },
  },
  {
    what: 'a guest that came after a fault and went on late',
    kinds: ['stuck'],
    spoil: (run) => guestComes(run, 14_000, 10_100),
  },
  {
    what: 'a server process that ends with an error when it is asked to end',
    kinds: ['unclean-stop'],
    spoil: (run) => stopWith(run, { exitCode: 1 }),
  },
  {
    what: 'a server process that a signal ends when it is asked to end',
    kinds: ['unclean-stop'],
    spoil: (run) => stopWith(run, { exitCode: null }),
  },
  {
    what: 'a server process that does not end when it is asked to',
    kinds: ['unclean-stop'],
    spoil: (run) => stopWith(run, { exitCode: null, wasKilled: true, tookMs: 25_000 }),
  },
  {
    what: 'a server process that ends late',
    kinds: ['unclean-stop'],
    spoil: (run) => stopWith(run, { tookMs: 16_100 }),
  },
  {
    what: 'a server process that died by itself',
    kinds: ['died'],
    spoil: (run) => run.deaths.push({ server: 'p2', atMs: 11_000 }),
  },
  {
    what: 'a hole in the log',
    kinds: ['diverged', 'log-broken', 'lost'],
    spoil({ logs }) {
      for (const { frames } of logs) (frames as LogFrame[]).splice(10, 1);
    },
  },
  {
    what: 'epochs out of order',
    kinds: ['log-broken'],
    spoil({ logs }) {
      for (const { frames } of logs) (frames as LogFrame[])[12] = { ...frames[12]!, epoch: 1 };
    },
  },
  {
    what: 'another log on another server process',
    kinds: ['logs-differ'],
    spoil({ logs }) {
      (logs[1]!.frames as LogFrame[])[11] = { ...logs[1]!.frames[11]!, id: 'other' };
    },
  },
  {
    what: 'a server process whose log is behind',
    kinds: ['logs-differ'],
    spoil: ({ logs }) => (logs[1]!.frames as LogFrame[]).pop(),
  },
  {
    what: 'an attachment that is damaged',
    kinds: ['attachment-lost'],
    spoil: (run) =>
      run.entries.push({
        kind: 'downloaded',
        member: 'bo',
        group,
        atMs: 20_000,
        uid: uidOf(11),
        intact: false,
      }),
  },
  {
    what: 'an attachment that is gone',
    kinds: ['attachment-lost'],
    spoil: (run) =>
      run.entries.push({
        kind: 'download-failed',
        member: 'bo',
        group,
        atMs: 20_000,
        uid: uidOf(11),
        code: 'CONCLAVE_BLOB_GONE',
      }),
  },
  {
    what: 'a warning that the server misbehaves',
    kinds: ['warned'],
    spoil: (run) =>
      run.entries.push({
        kind: 'warning',
        member: 'bo',
        group,
        atMs: 20_000,
        warning: 'server-misbehaviour',
        detail: '{"evidence":"rolled-back","seq":7}',
      }),
  },
];

describe('the checker', () => {
  it('finds nothing in a run in which all is well', () => {
    expect(kindsAfter(() => undefined)).toEqual([]);
    const { acknowledged, received, removals, recoveries } = checkHistory({
      ...wellDone(),
      ...limits,
    });
    expect({ acknowledged, received, removals }).toEqual({ acknowledged: 9, received: 21, removals: 1 });
    expect(recoveries.map(({ member, recoveryMs }) => [member, recoveryMs])).toEqual([
      ['ada', 1_510],
      ['bo', 1_520],
    ]);
  });

  it.each(planted)('finds: $what', ({ kinds, spoil }) => {
    expect(kindsAfter(spoil)).toEqual(kinds);
  });

  it('is shown to find every kind that it knows', () => {
    expect([...new Set(planted.flatMap(({ kinds }) => kinds))].sort()).toEqual(
      Object.keys(violationKinds).sort(),
    );
  });

  it('does not ask a newcomer for messages of epochs before its own', () => {
    // Sent in epoch 1 and logged after the commit by which Cy joined: the grace of one epoch.
    expect(
      kindsAfter((run) => {
        for (const { frames } of run.logs) (frames as LogFrame[])[5] = { ...frames[5]!, epoch: 1 };
        run.entries.splice(find(run, 'received', 'cy', 6), 1);
      }),
    ).toEqual([]);
  });

  it('does not mind that a newcomer cannot verify what is older than itself', () => {
    const warned = (seq: number) => (run: Run) =>
      run.entries.push({
        kind: 'warning',
        member: 'cy',
        group,
        atMs: 5_500,
        warning: 'unauthentic-message',
        detail: JSON.stringify({ rule: 'commit/epoch', seq }),
      });
    expect(kindsAfter(warned(4))).toEqual([]);
    expect(kindsAfter(warned(6))).toEqual(['warned']);
  });

  it('wants a member that only listens to hear, and not to speak', () => {
    const listens = (run: Run): void => {
      const isSpoken = (entry: HistoryEntry): boolean =>
        entry.member === 'bo' && (entry.kind === 'sending' || entry.kind === 'acknowledged');
      run.entries = run.entries.filter((entry) => !isSpoken(entry) && !('by' in entry && entry.by === 'bo'));
      for (const { frames } of run.logs)
        for (const [index, { seq }] of frames.entries())
          if (senders[seq] === 'bo') (frames as LogFrame[])[index] = { ...frames[index]!, kind: 'leave' };
    };
    expect(kindsAfter(listens).filter((kind) => kind !== 'stuck')).toEqual([]);
    const { recoveries } = checkHistory({ ...spoiled(listens), ...limits });
    expect(recoveries.find(({ member }) => member === 'bo')?.recoveryMs).toBe(1_520);
  });

  it('gives a leaf index that is used again to its next holder', () => {
    expect(
      kindsAfter((run) => {
        run.entries.push({ kind: 'joined', member: 'di', group, atMs: 13_500, leaf: 2, epoch: 4 });
        run.entries.push({ kind: 'stopped', member: 'di', group, atMs: 14_000 });
        for (const { frames } of run.logs)
          (frames as LogFrame[]).push({
            seq: 14,
            epoch: 3,
            id: idOf(14),
            kind: 'commit',
            committer: 2,
            removes: [],
          });
      }),
    ).toEqual([]);
  });

  it('is content with a process that ends in order, and with an engine that ends as it likes', () => {
    expect(kindsAfter((run) => stopWith(run, {}))).toEqual([]);
    expect(kindsAfter((run) => stopWith(run, { exitCode: undefined, tookMs: 20_000 }))).toEqual([]);
  });

  it('measures who came after a fault from its coming', () => {
    const { recoveries } = checkHistory({ ...spoiled((run) => guestComes(run, 14_000)), ...limits });
    expect(recoveries.find(({ member }) => member === 'di')).toMatchObject({ recoveryMs: 1_000 });
  });

  it('asks a guest that the next fault met on its way about that one', () => {
    const second: FaultRecord = { ...fault, name: 'kill p2', startMs: 14_500, endMs: 20_000 };
    const meets = (run: Run): void => {
      guestComes(run, 14_000, 10_100);
      run.faults.push(second);
      // Ada and Bo go on at once; only Di is late, by the time of the second fault.
      for (const member of ['ada', 'bo']) {
        run.entries.push({
          kind: 'acknowledged',
          member,
          group,
          atMs: 20_100,
          uid: 'x',
          seq: 3,
          id: idOf(3),
        });
      }
    };
    const { violations, recoveries } = checkHistory({ ...spoiled(meets), ...limits });
    expect(violations.filter(({ member }) => member === 'di')).toEqual([]);
    expect(recoveries.filter(({ member }) => member === 'di')).toMatchObject([
      { fault: 'kill p2', recoveryMs: 4_100 },
    ]);
  });

  it('lets a step take long as long as faults follow each other', () => {
    expect(
      kindsAfter((run) => {
        endStepAt(run, 29_000);
        // Nothing is asked of the others meanwhile but what they did.
        run.entries.push({ kind: 'stopped', member: 'ada', group, atMs: 9_600 });
        run.faults.push({ ...fault, name: 'pause p2', startMs: 18_000, endMs: 20_000 });
      }).filter((kind) => kind !== 'stuck'),
    ).toEqual([]);
    const stuck = (endMs: number): string[] =>
      checkHistory({
        ...spoiled((run) => {
          endStepAt(run, endMs);
          run.faults.push({ ...fault, name: 'pause p2', startMs: 18_000, endMs: 20_000 });
        }),
        ...limits,
      })
        .violations.map(({ detail }) => detail)
        .filter((detail) => detail.includes('removing cy'));
    expect(stuck(29_900)).toEqual([]);
    expect(stuck(30_100)).toEqual(['removing cy went on for 10.1 s after "pause p2"']);
  });

  it('forgives as much as the machine stood still meanwhile, and no more', () => {
    const late =
      (stalledMs: number, atMs: number, member: string, cpuMs = 0) =>
      (run: Run) => {
        for (const [index, entry] of run.entries.entries())
          if (entry.member === 'bo' && entry.kind === 'received' && entry.seq > 9)
            run.entries[index] = { ...entry, atMs: fault.endMs + 11_000 + entry.seq };
        run.entries.push({ kind: 'stalled', member, group: '', atMs, stalledMs, cpuMs });
      };
    expect(kindsAfter(late(1_100, 15_000, director))).toEqual([]);
    expect(kindsAfter(late(900, 15_000, director))).toEqual(['stuck']);
    // A client that got no time for so long shows it too; one that computed is late all the same.
    expect(kindsAfter(late(1_100, 15_000, 'bo'))).toEqual([]);
    expect(kindsAfter(late(1_100, 15_000, 'bo', 1_000))).toEqual(['stuck']);
    // Two processes that wait at the same time do not wait for twice as long.
    const twice = (run: Run): void => {
      late(900, 15_000, 'bo')(run);
      late(900, 15_000, director)(run);
    };
    expect(kindsAfter(twice)).toEqual(['stuck']);
    // Before the end of the fault, and after going on.
    expect(kindsAfter(late(1_100, fault.endMs + 500, director))).toEqual(['stuck']);
    expect(kindsAfter(late(1_100, 25_000, director))).toEqual(['stuck']);
    const step = (stalledMs: number) => (run: Run) => {
      endStepAt(run, fault.endMs + 11_000);
      run.entries.push({ kind: 'stalled', member: director, group: '', atMs: 15_000, stalledMs, cpuMs: 0 });
    };
    expect(kindsAfter(step(1_100))).toEqual([]);
    expect(kindsAfter(step(900))).toEqual(['stuck']);
  });

  it('accepts no run that has nothing to check', () => {
    const check = (run: Run) => () => checkHistory({ ...run, ...limits });
    expect(check({ ...wellDone(), entries: [] })).toThrow('empty');
    expect(check({ ...wellDone(), logs: [] })).toThrow('no log');
  });
});
