/** The log of a group as one server process shows it to somebody with a read token: what is public in each frame. */
import { parseFrame } from '@conclave/sealed-group';
import type { LogFrame } from '../history/history.ts';

export type LogAnswer =
  | { readonly status: 200; readonly frames: readonly LogFrame[] }
  | { readonly status: Exclude<number, 200> };

const pageSize = 500;
const patienceMs = 10_000;

/** Rejects when the process cannot be reached. */
export async function readLog(server: string, group: string, token: string): Promise<LogAnswer> {
  const frames: LogFrame[] = [];
  for (;;) {
    const after = frames.at(-1)?.seq ?? 0;
    const answer = await fetch(
      `${server}/_conclave/sealed/v1/groups/${group}/frames?after=${after}&limit=${pageSize}`,
      { headers: { authorization: `Bearer ${token}` }, signal: AbortSignal.timeout(patienceMs) },
    );
    if (answer.status !== 200) return { status: answer.status };
    const page = (await answer.json()) as { frames: { seq: number; epoch: number; frame: string }[] };
    if (page.frames.length === 0) return { status: 200, frames };
    for (const { seq, epoch, frame } of page.frames) frames.push(describe(seq, epoch, frame));
  }
}

function describe(seq: number, epoch: number, frame: string): LogFrame {
  const parsed = parseFrame(Uint8Array.from(Buffer.from(frame, 'base64')));
  if (!parsed.ok) throw new Error(`frame ${seq} of the log cannot be parsed: ${parsed.rule}`);
  const { bodyHash, content } = parsed.value;
  const id = Buffer.from(bodyHash).toString('base64url');
  if (content.kind !== 'commit') return { seq, epoch, id, kind: content.kind };
  const removes = content.operations.flatMap((one) => (one.kind === 'remove' ? [one.leaf] : []));
  return { seq, epoch, id, kind: 'commit', committer: content.committer, removes };
}
