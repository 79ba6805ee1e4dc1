/**
 * One channel with subscribers: gathers the publications of a turn and gives every subscriber the same bytes.
 *
 * ```
 *   publish, publish, publish      (same turn)
 *        └── pending ──flush──▶ one frame per wire format ──▶ the same Buffer in every subscriber's queue
 * ```
 *
 * Order: whoever changes the set of subscribers flushes first, so that a subscriber gets exactly the
 * publications between its join and its leave.
 */
import type { FlushScheduler } from './flush-scheduler.ts';
import type { ResolvedNamespace } from './options.ts';
import type { ClientInfo, Publication, Push } from './protocol.ts';
import type { WireFormat } from './wire/codec.ts';

export interface Subscriber {
  readonly format: WireFormat;
  /** Queues bytes that are shared with other subscribers and must not be changed. */
  enqueueFrame(frame: Buffer): void;
  push(push: Push): void;
}

export interface Membership {
  /** Who this is to others; used where the namespace has presence or join and leave messages. */
  readonly info: ClientInfo;
  readonly wantsJoinLeave: boolean;
}

/** A frame is not built larger than this from several publications, so that receivers get them piecewise. */
const MAX_BATCH_BYTES = 64 * 1024;

export class Channel<S extends Subscriber = Subscriber> {
  readonly name: string;
  readonly namespace: ResolvedNamespace;
  readonly #scheduler: FlushScheduler;
  readonly #members = new Map<S, Membership>();
  readonly #subscribersByFormat = new Map<WireFormat, Set<S>>();
  #pending: Publication[] = [];

  constructor(name: string, namespace: ResolvedNamespace, scheduler: FlushScheduler) {
    this.name = name;
    this.namespace = namespace;
    this.#scheduler = scheduler;
  }

  get size(): number {
    return this.#members.size;
  }

  get memberships(): Iterable<Membership> {
    return this.#members.values();
  }

  get subscribers(): Iterable<S> {
    return this.#members.keys();
  }

  join(subscriber: S, membership: Membership): void {
    this.flush();
    this.#members.set(subscriber, membership);
    const group = this.#subscribersByFormat.get(subscriber.format);
    if (group) group.add(subscriber);
    else this.#subscribersByFormat.set(subscriber.format, new Set([subscriber]));
    if (this.namespace.joinLeave)
      this.#announce(subscriber, { channel: this.name, join: { info: membership.info } });
  }

  /** False: it was no subscriber. */
  leave(subscriber: S): boolean {
    const membership = this.#members.get(subscriber);
    if (!membership) return false;
    this.flush();
    this.#members.delete(subscriber);
    const group = this.#subscribersByFormat.get(subscriber.format);
    group?.delete(subscriber);
    if (group?.size === 0) this.#subscribersByFormat.delete(subscriber.format);
    if (this.namespace.joinLeave)
      this.#announce(subscriber, { channel: this.name, leave: { info: membership.info } });
    return true;
  }

  publish(publication: Publication): void {
    this.#pending.push(publication);
    if (this.#pending.length === 1) this.#scheduler.channelChanged(this);
  }

  flush(): void {
    if (this.#pending.length === 0) return;
    const publications = this.#pending;
    this.#pending = [];
    for (const [format, subscribers] of this.#subscribersByFormat) {
      for (const frame of this.#frames(format, publications)) {
        for (const subscriber of subscribers) subscriber.enqueueFrame(frame);
      }
    }
  }

  #frames(format: WireFormat, publications: readonly Publication[]): Buffer[] {
    const frames: Buffer[] = [];
    let batch: Buffer[] = [];
    let batchBytes = 0;
    for (const publication of publications) {
      const message = format.codec.encodePublication(this.name, publication);
      if (batch.length > 0 && batchBytes + message.length > MAX_BATCH_BYTES) {
        frames.push(format.frame(batch));
        batch = [];
        batchBytes = 0;
      }
      batch.push(message);
      batchBytes += message.length;
    }
    frames.push(format.frame(batch));
    return frames;
  }

  #announce(about: S, push: Push): void {
    for (const [subscriber, { wantsJoinLeave }] of this.#members) {
      if (wantsJoinLeave && subscriber !== about) subscriber.push(push);
    }
  }
}
