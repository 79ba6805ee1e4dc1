/** The logs by themselves: every server process shows the same one, without holes, with epochs that follow each other. */
import type { LogFrame, ReadLog } from '../history/history.ts';
import type { Violation } from './violation.ts';

export function checkLogs(logs: readonly ReadLog[]): Violation[] {
  const violations: Violation[] = [];
  const firstByGroup = new Map<string, ReadLog>();
  for (const log of logs) {
    const { group, server, frames } = log;
    violations.push(...checkShape(log));
    const first = firstByGroup.get(group);
    if (first === undefined) {
      firstByGroup.set(group, log);
      continue;
    }
    const length = Math.max(first.frames.length, frames.length);
    for (let index = 0; index < length; index++) {
      const [one, other] = [first.frames[index], frames[index]];
      if (one?.seq === other?.seq && one?.id === other?.id) continue;
      violations.push({
        kind: 'logs-differ',
        group,
        detail: `${first.server} shows ${describe(one)} where ${server} shows ${describe(other)}`,
      });
      break;
    }
  }
  return violations;
}

function checkShape({ group, server, frames }: ReadLog): Violation[] {
  const violations: Violation[] = [];
  const broken = (detail: string): void =>
    void violations.push({ kind: 'log-broken', group, detail: `${server}: ${detail}` });
  const seqById = new Map<string, number>();
  let epoch = 0;
  for (const [index, frame] of frames.entries()) {
    if (frame.seq !== index + 1) {
      broken(`frame ${index + 1} is missing: ${describe(frame)} stands there`);
      break;
    }
    const twin = seqById.get(frame.id);
    if (twin !== undefined)
      violations.push({
        kind: 'doubled',
        group,
        detail: `${server}: one frame is logged at ${twin} and at ${frame.seq}`,
      });
    seqById.set(frame.id, frame.seq);
    if (frame.kind === 'commit') {
      if (frame.epoch !== epoch)
        broken(`the commit at ${frame.seq} was made in epoch ${frame.epoch}, not ${epoch}`);
      epoch = frame.epoch + 1;
    } else if (frame.kind === 'message' && frame.epoch !== epoch && frame.epoch !== epoch - 1) {
      // One epoch late is the protocol's grace (docs/sealed-groups.md §6.5).
      broken(`the message at ${frame.seq} is of epoch ${frame.epoch} in epoch ${epoch}`);
    }
  }
  return violations;
}

function describe(frame: LogFrame | undefined): string {
  return frame === undefined ? 'nothing' : `${frame.kind} ${frame.id.slice(0, 8)}… at ${frame.seq}`;
}
