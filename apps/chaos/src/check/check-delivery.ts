/**
 * What was acknowledged against the log, and the log against what every member heard, one group at a time.
 *
 *     sending ─▶ acknowledged ──lost?──▶ log ──missed? diverged?──▶ received, by each member in its time
 *        └──────never-sent? reordered?─────────────────────────────────┘  doubled? went-back? heard-after-removal?
 */
import type { HistoryEntry, LogFrame } from '../history/history.ts';
import { findMembership } from './memberships.ts';
import type { Membership } from './memberships.ts';
import type { Violation, ViolationKind } from './violation.ts';

type Of<Kind extends HistoryEntry['kind']> = Extract<HistoryEntry, { kind: Kind }>;

export interface GroupHistory {
  readonly group: string;
  /** Of this group alone, each member's in its order. */
  readonly entries: readonly HistoryEntry[];
  /** As the first server process showed it. */
  readonly frames: readonly LogFrame[];
}

export function checkDelivery({ group, entries, frames }: GroupHistory): Violation[] {
  const violations: Violation[] = [];
  const found = (kind: ViolationKind, entry: HistoryEntry, detail: string): void =>
    void violations.push({ kind, group, member: entry.member, detail, atMs: entry.atMs });
  const frameBySeq = new Map(frames.map((frame) => [frame.seq, frame]));
  const seqById = new Map(frames.map((frame) => [frame.id, frame.seq]));
  const sent = listOf(entries, 'sending');
  const senderByUid = new Map(sent.map((entry) => [entry.uid, entry.member]));
  const received = listOf(entries, 'received');
  const removedMembers = new Set(listOf(entries, 'removed').map(({ member }) => member));

  for (const entry of listOf(entries, 'acknowledged')) {
    const place = frameBySeq.get(entry.seq);
    if (place?.id === entry.id) continue;
    const other = seqById.get(entry.id);
    const where = other === undefined ? 'the log has it nowhere' : `the log has it at ${other}`;
    found('lost', entry, `${entry.uid} was acknowledged at ${entry.seq}, and ${where}`);
  }

  // The names of the messages at their places, as members heard them: the log itself is encrypted.
  const heardBySeq = new Map<number, Of<'received'>>();
  const seqByUid = new Map<string, number>();
  for (const entry of received) {
    const { uid, seq, id, by } = entry;
    if (senderByUid.get(uid) !== by) found('never-sent', entry, `${uid} at ${seq}, said to be by ${by}`);
    const logged = frameBySeq.get(seq);
    if (logged === undefined)
      found('diverged', entry, `${uid} was heard at ${seq}, where the log has nothing`);
    else if (logged.id !== id)
      found('diverged', entry, `${uid} was heard at ${seq}, where the log has another frame`);
    const first = heardBySeq.get(seq);
    if (first === undefined) heardBySeq.set(seq, entry);
    else if (first.id !== id || first.uid !== uid)
      found('diverged', entry, `${uid} at ${seq}, where ${first.member} heard ${first.uid}`);
    const before = seqByUid.get(uid);
    if (before === undefined) seqByUid.set(uid, seq);
    else if (before !== seq) found('doubled', entry, `${uid} stands at ${before} and at ${seq}`);
  }

  for (const entry of listOf(entries, 'refused')) {
    const seq = seqByUid.get(entry.uid);
    // Who was removed cannot know what became of its last message.
    if (seq !== undefined && !removedMembers.has(entry.member))
      found('revived', entry, `${entry.uid} was refused (${entry.code}), and stands at ${seq}`);
  }

  violations.push(...checkSendingOrder(group, sent, seqByUid));
  const joined = listOf(entries, 'joined');
  for (const entry of joined) {
    const membership = findMembership(entry, frames);
    if (membership === undefined) {
      found('lost', entry, `the log does not show how leaf ${entry.leaf} joined`);
      continue;
    }
    const own = entries.filter(({ member }) => member === entry.member);
    violations.push(
      ...checkHearing(membership, own, frames, heardBySeq),
      ...checkWarnings(membership, own, frameBySeq),
    );
  }
  return violations;
}

/** One sender's messages stand in the log in the order in which it sent them. */
function checkSendingOrder(
  group: string,
  sent: readonly Of<'sending'>[],
  seqByUid: ReadonlyMap<string, number>,
): Violation[] {
  const violations: Violation[] = [];
  const lastByMember = new Map<string, { uid: string; seq: number }>();
  // Attachments are uploaded first, beside the messages: only messages promise an order.
  for (const { member, uid, atMs, attachment } of sent) {
    const seq = attachment ? undefined : seqByUid.get(uid);
    if (seq === undefined) continue;
    const last = lastByMember.get(member);
    if (last !== undefined && seq < last.seq) {
      const detail = `${uid} stands at ${seq}, before ${last.uid} at ${last.seq}, which was sent earlier`;
      violations.push({ kind: 'reordered', group, member, detail, atMs });
    }
    lastByMember.set(member, { uid, seq });
  }
  return violations;
}

/** One member heard everything of its time, once, in the order of the log, and nothing after it. */
function checkHearing(
  { member, group, fromSeq, fromEpoch, toSeq }: Membership,
  own: readonly HistoryEntry[],
  frames: readonly LogFrame[],
  heardBySeq: ReadonlyMap<number, Of<'received'>>,
): Violation[] {
  const violations: Violation[] = [];
  const found = (kind: ViolationKind, detail: string, atMs?: number): void =>
    void violations.push({ kind, group, member, detail, ...(atMs !== undefined && { atMs }) });
  const heard = new Set<number>();
  let last = 0;
  for (const { seq, uid, atMs } of listOf(own, 'received')) {
    if (heard.has(seq)) found('doubled', `${uid} at ${seq} was heard twice`, atMs);
    else if (seq < last) found('went-back', `${uid} at ${seq} was heard after ${last}`, atMs);
    heard.add(seq);
    last = Math.max(last, seq);
    if (toSeq !== undefined && seq > toSeq)
      found('heard-after-removal', `${uid} at ${seq} was heard; the removal stands at ${toSeq}`, atMs);
  }
  for (const { server, status, lastSeq, atMs } of listOf(own, 'probed')) {
    if (status === 200)
      found(
        'heard-after-removal',
        `${server} showed the log up to ${lastSeq ?? '?'} for a token from before`,
        atMs,
      );
  }

  // Who was removed is not shown the log any more, so what came just before may not have reached it: no holes is all it can have.
  const until = toSeq === undefined ? (frames.at(-1)?.seq ?? 0) : Math.min(last, toSeq);
  for (const { seq, epoch, kind } of frames) {
    if (kind !== 'message' || seq <= fromSeq || seq > until || epoch < fromEpoch || heard.has(seq)) continue;
    found('missed', `${heardBySeq.get(seq)?.uid ?? 'a message that nobody heard'} at ${seq} was not heard`);
  }
  return violations;
}

/** What the SDK warned of, of all that an honest server never causes, whatever dies. */
function checkWarnings(
  { member, group, fromEpoch }: Membership,
  own: readonly HistoryEntry[],
  frameBySeq: ReadonlyMap<number, LogFrame>,
): Violation[] {
  return listOf(own, 'warning').flatMap(({ warning, detail, atMs }): Violation[] => {
    if (!graveWarnings.includes(warning)) return [];
    // A late message of an epoch before its own cannot be verified by a newcomer.
    const { seq } = JSON.parse(detail) as { seq?: number };
    const frame = warning === 'unauthentic-message' && seq !== undefined ? frameBySeq.get(seq) : undefined;
    if (frame !== undefined && frame.epoch < fromEpoch) return [];
    return [{ kind: 'warned', group, member, atMs, detail: `${warning}: ${detail}` }];
  });
}

const graveWarnings: readonly string[] = [
  'server-misbehaviour',
  'out-of-sync',
  'misbehaviour',
  'unauthentic-message',
];

function listOf<Kind extends HistoryEntry['kind']>(entries: readonly HistoryEntry[], kind: Kind): Of<Kind>[] {
  return entries.filter((entry): entry is Of<Kind> => entry.kind === kind);
}
