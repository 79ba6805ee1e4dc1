/**
 * Publications that a former holder of a right cannot make any more, even if they are already in the network.
 *
 *   holder A (paused) ── r1, "after 10" ───────────────────────────────────▶ refused: the last one is 12
 *   holder B ── last? ─▶ 10 ─▶ still held? ─▶ r1, "after 10" ─▶ 11 ─▶ r2, "after 11" ─▶ 12
 *
 * A publication says which message it follows: the publisher's own last one, or, the first time, the one that the stream
 * names. What the stream names counts only if the right is still held _after_ the answer came: then no successor had
 * published before it, and whatever a successor publishes later makes the number wrong.
 *
 * An acknowledgement that got lost looks like somebody else's publication. The stream is then asked again: if its last
 * message is the very one, it was accepted; else it is sent once more, and the stream drops a copy by its id.
 */
import type { PubAck } from '@nats-io/jetstream';
import { BusError } from '../bus-error.ts';
import type { PublicationFence } from '../bus.ts';
import { isWrongLastSequence } from './nats-errors.ts';

/** The last message of a subject; sequence 0 if there is none. */
export interface LastMessage {
  readonly sequence: number;
  readonly messageId: string | undefined;
}

/** Subjects remembered for one fence; those that were not used for longest are asked for again. */
const MAX_SUBJECTS = 20_000;

export class FencedSubjects {
  readonly #ask: (subject: string) => Promise<LastMessage>;
  /** The sequence of the last message of each subject, by fence, in order of use. */
  readonly #sequencesByFence = new WeakMap<PublicationFence, Map<string, number>>();

  constructor(ask: (subject: string) => Promise<LastMessage>) {
    this.#ask = ask;
  }

  /** Sends one message, of which `send` says that it follows the given sequence number. One at a time per subject. */
  async publish(
    fence: PublicationFence,
    subject: string,
    messageId: string,
    send: (lastSequence: number) => Promise<PubAck>,
  ): Promise<void> {
    let known = this.#take(fence, subject);
    for (let attempt = 1; ; attempt += 1) {
      if (known === undefined) {
        const last = await this.#ask(subject);
        assertHeld(fence);
        known = last.sequence;
        if (last.messageId === messageId) break;
      }
      assertHeld(fence);
      try {
        const ack = await send(known);
        // The number of a copy is that of its original, which others may have followed.
        known = ack.duplicate ? Math.max(known, ack.seq) : ack.seq;
        break;
      } catch (error) {
        if (!isWrongLastSequence(error) || attempt === 2) throw error;
        known = undefined;
      }
    }
    this.#put(fence, subject, known);
  }

  /** Forgets it too: it is known again when the publication was acknowledged. */
  #take(fence: PublicationFence, subject: string): number | undefined {
    const sequences = this.#sequencesByFence.get(fence);
    const known = sequences?.get(subject);
    sequences?.delete(subject);
    return known;
  }

  #put(fence: PublicationFence, subject: string, sequence: number): void {
    let sequences = this.#sequencesByFence.get(fence);
    if (sequences === undefined) this.#sequencesByFence.set(fence, (sequences = new Map()));
    sequences.set(subject, sequence);
    if (sequences.size <= MAX_SUBJECTS) return;
    const [oldest] = sequences.keys();
    sequences.delete(oldest!);
  }
}

function assertHeld(fence: PublicationFence): void {
  if (!fence.isHeld()) throw new BusError('BUS_FENCED', 'the right to publish is lost');
}
