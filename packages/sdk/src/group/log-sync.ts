/**
 * Keeps a group up with the server's log. The log, read by this device's own cursor, is the truth; what the live feed says
 * is a hint: a small frame that comes exactly next is taken at once, anything else means "read the log".
 *
 * The log itself is not believed either. After a start, a connection, and whenever the feed brought something, the last processed
 * frames are asked for again (`compare-log.ts`). If they are not what they were, the group stands still, and each further reading
 * compares again: nothing more is taken, posted or committed until the log is the one that was processed. Likewise if the log
 * holds what an honest server would have refused, or lacks what the server said of it: others are shown another history.
 */
import type { SealedGroup } from '@conclave/sealed-group';
import { ConclaveError, isConclaveError } from '../errors/conclave-error.ts';
import type { LoggedFrame } from '../http/sealed-api.ts';
import { openLiveFeed, type LiveFeed } from '../realtime/live-feed.ts';
import { sleep } from '../time/clock.ts';
import { createCoalescedTask } from '../time/coalesced-task.ts';
import { hashFrame } from '@conclave/sealed-group';
import { compareLog, type Difference } from './compare-log.ts';
import { applyFrames, type FrameApplierHooks } from './frame-applier.ts';
import type { GroupContext } from './group-context.ts';
import { blamesServer } from './server-fault.ts';

const PAGE = 200;
/** How long an unverified denial waits for the commit that explains it. */
const DENIAL_GRACE_MS = 1_500;
/** How often the log is read for something that the server said is in it, and how much longer each time before the next. */
const PROMISE_TRIES = 5;
const PROMISE_PAUSE_MS = 50;

/** Codes after which a group stands still, and has said so. */
export const standsStill = ['OUT_OF_SYNC', 'HISTORY_CHANGED'];

/** What the server said of its log. An honest one says it of what it has stored, so that whoever reads afterwards finds it there. */
interface ServerWord {
  readonly isKept: (group: SealedGroup) => boolean;
  /** What it is to break it. */
  readonly broken: Difference;
}

export class LogSync {
  readonly #context: () => GroupContext;
  readonly #hooks: FrameApplierHooks;
  #feed: LiveFeed | undefined;
  readonly #catchingUp = createCoalescedTask(() => this.#catchUp());
  readonly #applyingHints = createCoalescedTask(() => this.#applyHints());
  #hints: LoggedFrame[] = [];
  #deniedReported = false;
  /** A new connection may lead to another log. */
  #mustCompare = true;
  #difference: Difference | undefined;
  /** Said by the server, and not true of the log that it shows. */
  #brokenWord: ServerWord | undefined;

  constructor(context: () => GroupContext, hooks: FrameApplierHooks) {
    this.#context = context;
    this.#hooks = hooks;
  }

  /**
   * Resolves when everything that was logged before the call is processed and saved. Rejects with `NETWORK`, `REMOVED`,
   * `OUT_OF_SYNC`, `HISTORY_CHANGED`, `HISTORY_GONE`, `CONCLAVE_READ_DENIED`.
   */
  run(): Promise<void> {
    return this.#catchingUp.run();
  }

  /** As `run`, and compares what was processed with the log, however it came. */
  check(): Promise<void> {
    this.#mustCompare = true;
    return this.run();
  }

  /** Compares what the feed brought since the log was read last. */
  checkFeed(): void {
    if (this.#context().witness.hasUncompared) this.#inBackground(this.run());
  }

  /** The log is not the one that was processed: the group stands still. */
  get isHalted(): boolean {
    return this.#difference !== undefined;
  }

  /** The server says that this device is no member; nothing that this device verified says so. */
  get isDenied(): boolean {
    return this.#deniedReported;
  }

  /** Until the frame with this number, which the server has accepted, is processed. Rejects with `HISTORY_CHANGED` if the log lacks it. */
  async until(seq: number): Promise<void> {
    await this.#holdTo({
      isKept: ({ lastSeq }) => lastSeq >= seq,
      broken: { evidence: 'withheld', seq },
    });
  }

  /** Until the log shows the commit that made this epoch, of which the server has spoken. Rejects with `HISTORY_CHANGED` if it lacks it. */
  async reach(epoch: number): Promise<void> {
    const { state } = this.#context();
    await this.#holdTo({
      isKept: (group) => group.epoch >= epoch,
      broken: { evidence: 'withheld', seq: state.group.lastSeq + 1 },
    });
  }

  /**
   * The server took a frame of this epoch for nobody's. If the epoch is the current one, its log must show a commit that this device
   * has not seen; if that removed this device, the log is closed to it.
   */
  async explainRefusal(frameEpoch: number): Promise<void> {
    const { api, state, signal } = this.#context();
    await this.run();
    if (state.group.epoch !== frameEpoch) return;
    // A server that has got another name takes nobody for a member, and hides nothing.
    const { origin } = await api.describeServer({ signal });
    if (origin === state.group.origin) await this.reach(frameEpoch + 1);
  }

  async #holdTo(word: ServerWord): Promise<void> {
    const { state, clock, signal } = this.#context();
    const isOver = (): boolean => word.isKept(state.group) || state.group.status === 'removed';
    for (let tries = 0; !isOver(); tries++) {
      if (tries === PROMISE_TRIES) {
        this.#brokenWord = word;
        this.#halt(word.broken);
      }
      if (tries > 0) await sleep(clock, tries * PROMISE_PAUSE_MS, signal);
      await this.run();
    }
  }

  /** The log has at least this frame. */
  hint(seq: number): void {
    if (seq > this.#context().state.group.lastSeq) this.#inBackground(this.run());
  }

  /** The server says that it logged an own frame under this number, and the frame was not processed: so the number must be new. */
  hintOwn(seq: number): void {
    this.#inBackground(seq > this.#context().state.group.lastSeq ? this.until(seq) : this.check());
  }

  /** Follows the live feed until closed or removed. */
  follow(): void {
    if (this.#feed !== undefined) return;
    const { api, clock, random, readAccess, state, emit, outbox } = this.#context();
    this.#feed = openLiveFeed({
      server: api.server,
      clock,
      random,
      subscribe: (signal) => readAccess.use((token) => api.subscribe(state.group.groupId, token, { signal })),
      onReady: () => {
        emit('connection', { state: 'online' });
        this.#inBackground(this.check().then(() => outbox.pump()));
      },
      onLost: ({ denied }) => {
        emit('connection', { state: 'offline' });
        if (denied) this.#inBackground(this.#reportDenied());
      },
      onPublication: ({ seq, frame }) => {
        if (frame === undefined) this.hint(seq);
        else this.#take({ seq, frame });
      },
    });
  }

  async close(): Promise<void> {
    await this.#feed?.close();
    await Promise.all([this.#catchingUp.idle(), this.#applyingHints.idle()]);
  }

  async #catchUp(): Promise<void> {
    const { api, state, readAccess, signal, witness } = this.#context();
    for (;;) {
      if (state.group.status === 'removed')
        throw new ConclaveError('REMOVED', 'This device was removed from the group');
      const { groupId, lastSeq } = state.group;
      const mustCompare = this.#mustCompare || this.isHalted || witness.hasUncompared;
      const processed = mustCompare ? witness.tail : [];
      const after = processed[0] === undefined ? lastSeq : processed[0].seq - 1;
      let page;
      try {
        page = await readAccess.use((token) => api.getFrames(groupId, token, { after, limit: PAGE, signal }));
      } catch (error) {
        if (isConclaveError(error, 'CONCLAVE_READ_DENIED')) this.#inBackground(this.#reportDenied());
        throw error;
      }
      this.#deniedReported = false;
      const difference = compareLog(page, { processed, after, lastSeq });
      if (difference !== undefined) this.#halt(difference);
      const first = page.frames[0];
      if (first === undefined) return this.#resume();
      if (first.seq !== after + 1 && (mustCompare || state.group.lastSeq === lastSeq)) {
        if (!mustCompare) {
          // Old frames are gone, or this one is withheld: whether the frame before it is still there tells them apart.
          this.#mustCompare = true;
          continue;
        }
        throw new ConclaveError(
          'HISTORY_GONE',
          'The server no longer keeps the frames that this device misses',
        );
      }
      if (mustCompare) {
        // Only what was compared: the feed may have brought more meanwhile.
        const shown = Math.min(page.frames.at(-1)!.seq, lastSeq);
        witness.confirm(shown);
        if (shown < lastSeq) continue;
        this.#mustCompare = false;
      }
      const stop = await applyFrames(this.#context(), this.#hooks, page.frames, 'log');
      if (stop?.reason === 'rule') {
        // First of all whether it is still the log that was processed: that says more.
        if (mustCompare) this.#standOutOfSync(stop);
        this.#mustCompare = true;
        continue;
      }
      if (state.group.lastSeq >= page.lastSeq) return this.#resume();
    }
  }

  #halt(difference: Difference): never {
    const { evidence, seq } = difference;
    this.#accuse(difference);
    throw new ConclaveError(
      'HISTORY_CHANGED',
      'The server’s log is not the one that this device has processed: it lies, or was restored from an old backup',
      { details: { evidence, seq } },
    );
  }

  /** The frames that were processed are still there, and the next one is none that can follow them. */
  #standOutOfSync({ rule, seq }: { readonly rule: string; readonly seq: number }): never {
    const { emit } = this.#context();
    const difference: Difference = { evidence: 'withheld', seq };
    if (!this.#isTold(difference)) emit('warning', { kind: 'out-of-sync', rule, seq });
    if (blamesServer(rule)) this.#accuse(difference);
    throw new ConclaveError('OUT_OF_SYNC', 'The log does not continue what this device has verified', {
      details: { rule, seq },
    });
  }

  /** The group stands still. Said once, however often it is seen. */
  #accuse(difference: Difference): void {
    const { evidence, seq } = difference;
    const isTold = this.#isTold(difference);
    this.#difference = difference;
    if (!isTold)
      this.#context().emit('warning', { kind: 'server-misbehaviour', evidence, seq, by: undefined });
  }

  #isTold({ evidence, seq }: Difference): boolean {
    return this.#difference?.evidence === evidence && this.#difference.seq === seq;
  }

  /** The log is the one that was processed, to its end. */
  #resume(): void {
    if (this.#brokenWord?.isKept(this.#context().state.group) === false) this.#halt(this.#brokenWord.broken);
    this.#brokenWord = undefined;
    if (this.#difference === undefined) return;
    this.#difference = undefined;
    this.#context().outbox.pump();
  }

  /** Frames that arrive while others are being saved are saved together. */
  #take(frame: LoggedFrame): void {
    this.#hints.push(frame);
    this.#inBackground(this.#applyingHints.run());
  }

  async #applyHints(): Promise<void> {
    const frames = this.#hints;
    this.#hints = [];
    const last = frames.at(-1);
    const { state, witness } = this.#context();
    const isOver = (): boolean => state.group.status === 'removed';
    if (last === undefined || isOver()) return;
    if (frames.some(({ seq, frame }) => witness.contradicts(seq, hashFrame(frame))))
      return await this.check();
    if (this.isHalted || witness.isFull) return await this.run();
    const stop = await applyFrames(this.#context(), this.#hooks, frames, 'feed');
    // What does not fit may be the feed's fault: the log has the last word.
    if ((stop !== undefined || state.group.lastSeq < last.seq) && !isOver()) await this.run();
  }

  /** The removing commit may be on its way by the feed: what it says, verified, comes first. */
  async #reportDenied(): Promise<void> {
    const { state, emit, clock, signal } = this.#context();
    if (this.#deniedReported) return;
    this.#deniedReported = true;
    await sleep(clock, DENIAL_GRACE_MS, signal);
    if (this.#deniedReported && state.group.status !== 'removed') emit('removed', { verified: false });
  }

  /** What fails here is tried again with the next hint, reconnection or call. */
  #inBackground(work: Promise<unknown>): void {
    work.catch((error: unknown) => {
      const { signal, emit } = this.#context();
      if (signal.aborted || isConclaveError(error, ...standsStill, 'REMOVED', 'CONCLAVE_READ_DENIED')) return;
      emit('warning', {
        kind: 'background-failure',
        code: error instanceof ConclaveError ? error.code : 'BUG',
      });
    });
  }
}
