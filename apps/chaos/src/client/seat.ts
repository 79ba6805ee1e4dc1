/**
 * One member in one conversation: says something new as soon as it may, listens, fetches what others attach, and writes all of
 * it down. One message and one attachment are under way at a time, so a member that is not answered falls silent, and is found.
 */
import { createHash, randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { HistoryEvent } from '../history/history.ts';
import { machineMs } from '../history/history.ts';
import type { Accepted, Conversation, Heard } from './conversation.ts';
import { formatText, parseText } from './message-text.ts';

export interface SeatOptions {
  readonly member: string;
  readonly conversation: Conversation;
  readonly write: (event: HistoryEvent) => void;
}

export interface Progress {
  readonly member: string;
  readonly group: string;
  /** When the newest own message was acknowledged; 0 before the first, undefined for those who only listen. */
  readonly ackedAtMs: number | undefined;
  /** When the newest message heard from somebody else was sent. */
  readonly heardSentAtMs: number;
  /** The place of the newest message heard. */
  readonly lastSeq: number;
  /** The place of the newest own message that was acknowledged: heard a moment later, by its author too. */
  readonly ackedSeq: number;
  /** False once the load was stopped or the member removed. */
  readonly isActive: boolean;
  readonly isRemoved: boolean;
}

const attachPatienceMs = 20_000;
const downloadPatienceMs = 60_000;
const maxAttachmentBytes = 200_000;

export class Seat {
  readonly #options: SeatOptions;
  readonly #running: Promise<void>[] = [];
  readonly #stop = new AbortController();
  #count = 0;
  #downloads: Promise<void> = Promise.resolve();
  #ackedAtMs = 0;
  #heardSentAtMs = 0;
  #lastSeq = 0;
  #ackedSeq = 0;
  #removed = false;

  constructor(options: SeatOptions) {
    this.#options = options;
  }

  get progress(): Progress {
    const { member, conversation } = this.#options;
    return {
      member,
      group: conversation.group,
      ackedAtMs: this.#running.length > 0 ? this.#ackedAtMs : undefined,
      heardSentAtMs: this.#heardSentAtMs,
      lastSeq: this.#lastSeq,
      ackedSeq: this.#ackedSeq,
      isActive: !this.#stop.signal.aborted && !this.#removed,
      isRemoved: this.#removed,
    };
  }

  start(everyMs: number, attachEveryMs: number | undefined): void {
    const { conversation } = this.#options;
    this.#running.push(this.#repeat(everyMs, () => this.#send((text) => conversation.say(text))));
    if (attachEveryMs === undefined) return;
    this.#running.push(
      this.#repeat(attachEveryMs, async () => {
        const content = randomBytes(1 + Math.floor(Math.random() * maxAttachmentBytes));
        const signal = AbortSignal.timeout(attachPatienceMs);
        await this.#send((text) => conversation.attach(content, text, signal), content);
      }),
    );
  }

  /** Resolves when nothing is under way any more, or after the time. */
  async stop(timeoutMs: number): Promise<void> {
    if (!this.#stop.signal.aborted) this.#options.write({ kind: 'stopped' });
    this.#stop.abort();
    const settled = Promise.all([...this.#running, this.#downloads]);
    await Promise.race([settled, sleep(timeoutMs, undefined, { ref: false })]);
  }

  noteRemoved(verified: boolean): void {
    this.#removed = true;
    this.#stop.abort();
    this.#options.write({ kind: 'removed', verified });
  }

  hear({ seq, id, text, download }: Heard): void {
    const { member, write } = this.#options;
    const said = parseText(text);
    if (said === undefined) {
      write({ kind: 'received', uid: `?${text.slice(0, 40)}`, seq, id, by: '?', sentAtMs: 0 });
      return;
    }
    const { uid, by, sentAtMs, sha256 } = said;
    write({ kind: 'received', uid, seq, id, by, sentAtMs });
    this.#lastSeq = seq;
    if (by === member) return;
    this.#heardSentAtMs = Math.max(this.#heardSentAtMs, sentAtMs);
    if (download !== undefined && sha256 !== undefined)
      this.#downloads = this.#downloads.then(() => this.#fetch(uid, sha256, download));
  }

  async #repeat(everyMs: number, act: () => Promise<void>): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      await act();
      // Uneven, so that members do not march in step. It ends early, and without an error, when the load is stopped.
      await sleep(everyMs * (0.5 + Math.random()), undefined, { signal }).catch(() => undefined);
    }
  }

  async #send(send: (text: string) => Promise<Accepted>, attached?: Uint8Array): Promise<void> {
    const { member, write } = this.#options;
    const uid = `${member}/${this.#options.conversation.group.slice(0, 6)}/${++this.#count}`;
    const sha256 = attached && createHash('sha256').update(attached).digest('hex');
    write({ kind: 'sending', uid, attachment: attached !== undefined });
    const text = formatText({ uid, by: member, sentAtMs: machineMs(), ...(sha256 && { sha256 }) });
    try {
      const { seq, id } = await send(text);
      this.#ackedAtMs = machineMs();
      this.#ackedSeq = Math.max(this.#ackedSeq, seq);
      write({ kind: 'acknowledged', uid, seq, id });
    } catch (error) {
      const { code = 'BUG' } = error as { code?: string };
      // An attachment whose upload failed was never said; one that was given up while under way may still be.
      const isOpen = code === 'ABORTED' || code === 'CLIENT_CLOSED';
      write(isOpen ? { kind: 'unknown', uid, code } : { kind: 'refused', uid, code });
    }
  }

  async #fetch(uid: string, sha256: string, download: () => Promise<Uint8Array>): Promise<void> {
    const { write } = this.#options;
    const deadlineMs = machineMs() + downloadPatienceMs;
    for (;;) {
      if (this.#removed) return;
      try {
        const found = createHash('sha256')
          .update(await download())
          .digest('hex');
        write({ kind: 'downloaded', uid, intact: found === sha256 });
        return;
      } catch (error) {
        const { code = 'BUG', message } = error as Error & { code?: string };
        if (code === 'REMOVED' || code === 'GROUP_NOT_ACTIVE' || code === 'CLIENT_CLOSED') return;
        write({ kind: 'error', doing: `downloading ${uid}`, code, message });
        if (machineMs() > deadlineMs || code === 'ATTACHMENT_DAMAGED') {
          write({ kind: 'download-failed', uid, code });
          return;
        }
      }
      await sleep(1_000);
    }
  }
}
