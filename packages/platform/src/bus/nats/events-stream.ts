/**
 * The stream: what it must be, and making it so without anybody's help.
 *
 *   missing ──▶ made
 *   there ────▶ as wanted? ─▶ yes: used. Age and replicas differ: changed. Anything else: BUS_STREAM_MISMATCH.
 *   stores nothing any more, or cannot write its readers' files ─▶ made anew
 *   made ─▶ its readers made ─▶ announced
 *
 * A process may die, or hear nothing, between any two of these steps, and from then on publications succeed as if nothing were
 * missing. So every process looks from time to time, sooner after a look that failed; and that the stream is not announced yet
 * stands in the stream itself, where the next process finds it. It is announced once at least.
 *
 * A stream whose files were deleted under the server's hands goes on until it needs a new file; from then on it
 * acknowledges nothing, while the server says that it is well. It is recognised by that: publications time out, and
 * its last sequence stands still. Its readers' files it cannot write from the beginning, which is looked at too. Making it anew
 * loses copies only.
 *
 * Sequence numbers of a stream begin where no earlier stream of this name can have come (milliseconds of its birth
 * times 1024), so that none of them ever means two messages.
 */
import { DiscardPolicy, jetstreamManager, RetentionPolicy, StorageType } from '@nats-io/jetstream';
import {
  JetStreamApiError,
  type JetStreamManager,
  type StreamConfig,
  type StreamInfo,
} from '@nats-io/jetstream';
import { nanos, type NatsConnection } from '@nats-io/transport-node';
import type { Clock } from '../../clock/clock.ts';
import type { Log } from '../../log/log.ts';
import type { Metrics } from '../../metrics/metrics.ts';
import { BusError, isTransientBusError } from '../bus-error.ts';
import { ensureReaders, type DurableReader } from './durable-readers.ts';
import type { LastMessage } from './fenced-subjects.ts';
import { livePrefix } from './live-subscription.ts';
import { apiCodes, isMissingStream, toBusError } from './nats-errors.ts';

export interface EventsStreamDeps {
  readonly connection: NatsConnection;
  readonly settings: {
    readonly stream: string;
    readonly replicas: number;
    readonly retentionMs: number;
    readonly readers?: readonly DurableReader[] | undefined;
  };
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics?: Metrics | undefined;
  readonly timeoutMs: number;
  /** Another one whenever the connection was lost or is back. */
  readonly connectionNumber: () => number;
  /** Whether there is a connection: without one there is nothing to look at. */
  readonly isConnected: () => boolean;
  /** How often to look without an occasion. */
  readonly watchMs: number;
  /** Called when it is another stream than before, whoever made it: what the earlier one held is lost. */
  readonly onReplaced: () => void;
  /** Called once at least for a stream that was made, when its readers are there too; see {@link EventsStream.start}. */
  readonly onMade?: (() => void) | undefined;
  /** Called when the stream is as it should be after it was not, or could not be looked at. */
  readonly onUsable: () => void;
}

const SUBJECTS = 'events.>';
const DUPLICATE_WINDOW_MS = 120_000;
/** Publications in a row, after the first, that are neither answered nor stored before the stream is given up. */
const STRIKES = 2;
const RETRY_MS = 250;
/** The first look after the start, by which whoever is to be told that the stream was made has been made himself. */
const FIRST_LOOK_MS = 2_000;
/** The next look after one that failed. */
const LOOK_AGAIN_MS = 1_000;
/** Looks in a row at which readers could not be written. */
const UNWRITABLE_LOOKS = 2;
/** A server that cannot write at all would be given a new stream again and again. */
const REMAKE_EVERY_MS = 60_000;
/** In the stream's metadata: whether its making was announced. Streams of earlier versions do not say. */
const ANNOUNCED = 'conclave_announced';
/** Its maker announces it; others do when it is older than this. */
const TAKE_OVER_MS = 5_000;

export class EventsStream {
  readonly #deps: EventsStreamDeps;
  #manager: Promise<JetStreamManager> | undefined;
  #ensuring: Promise<void> | undefined;
  #examining: Promise<void> | undefined;
  /** What the stream was when a publication first failed; undefined while they succeed. */
  #suspected:
    | {
        readonly created: string;
        readonly lastSequence: number;
        readonly connection: number;
        readonly atMs: number;
        readonly strikes: number;
      }
    | undefined;
  /** Looks in a row. */
  #unwritableLooks = 0;
  /** By the monotonic clock. */
  #remadeAtMs = Number.NEGATIVE_INFINITY;
  #closed = false;
  /** When the stream that was seen last was made, as the server writes it; it identifies the stream. */
  #seen: string | undefined;
  /** The stream that this process has made and not announced yet. */
  #unannounced: string | undefined;
  #mayAnnounce = false;
  /** Whether the last attempt to make or check it succeeded. */
  #isSound = true;
  /** Until the next look; undefined while one is under way. */
  #timer: Disposable | undefined;
  #looking: Promise<void> = Promise.resolve();
  readonly #made;

  constructor(deps: EventsStreamDeps) {
    this.#deps = deps;
    this.#made = deps.metrics?.counter(
      'bus_streams_made_total',
      'Times that the stream was missing and was made.',
    );
  }

  /** Resolves when no look is under way any more; it ends at the latest with the connection. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#timer?.[Symbol.dispose]();
    await this.#looking;
  }

  /**
   * Makes or checks the stream, trying again while JetStream does not answer, and looks after it from then on. Rejects with
   * {@link BusError}. That it was made is announced by the first look, seconds later: who is to hear of it may need the bus.
   */
  async start(timeoutMs: number): Promise<void> {
    await this.#ensureWithin(timeoutMs);
    this.#lookIn(Math.min(FIRST_LOOK_MS, this.#deps.watchMs));
  }

  async #ensureWithin(timeoutMs: number): Promise<void> {
    const { clock } = this.#deps;
    const deadlineMs = clock.monotonicMs() + timeoutMs;
    for (;;) {
      try {
        await this.ensure();
        return;
      } catch (error) {
        const hopeless =
          error instanceof BusError && ['BUS_DENIED', 'BUS_STREAM_MISMATCH'].includes(error.code);
        if (hopeless || clock.monotonicMs() >= deadlineMs) throw error;
      }
      await new Promise<void>((resolve) => {
        clock.schedule(RETRY_MS, resolve);
      });
    }
  }

  /** Makes the stream if it is missing and checks it if it is there. Calls at the same time share one. */
  async ensure(): Promise<void> {
    this.#ensuring ??= this.#ensureAndNote().finally(() => {
      this.#ensuring = undefined;
    });
    await this.#ensuring;
  }

  async #ensureAndNote(): Promise<void> {
    try {
      await this.#ensure();
    } catch (error) {
      if (this.#timer !== undefined) this.#lookIn(LOOK_AGAIN_MS);
      this.#isSound = false;
      throw error;
    }
    if (!this.#isSound) this.#deps.onUsable();
    this.#isSound = true;
  }

  #lookIn(delayMs: number): void {
    this.#timer?.[Symbol.dispose]();
    if (this.#closed) return;
    this.#timer = this.#deps.clock.schedule(delayMs, () => {
      this.#timer = undefined;
      this.#looking = this.#look();
    });
  }

  /** Never rejects. */
  async #look(): Promise<void> {
    const { log, settings, isConnected, watchMs } = this.#deps;
    const wasSound = this.#isSound;
    this.#mayAnnounce = true;
    try {
      if (isConnected()) await this.ensure();
    } catch (err) {
      // Said once: it is looked at again and again.
      const level = this.#closed || !wasSound ? 'debug' : isTransientBusError(err) ? 'warn' : 'error';
      log[level]({ err, stream: settings.stream }, 'the stream could not be checked');
    }
    this.#lookIn(this.#isSound ? watchMs : LOOK_AGAIN_MS);
  }

  /** The last message that the stream has of a subject. Rejects with {@link BusError}. */
  async lastOf(subject: string): Promise<LastMessage> {
    try {
      return await this.#lastOf(subject);
    } catch (error) {
      if (!isMissingStream(error)) throw toBusError(error);
    }
    await this.ensure();
    try {
      return await this.#lastOf(subject);
    } catch (error) {
      throw toBusError(error);
    }
  }

  /** The stream has answered a publication. */
  accepted(): void {
    this.#suspected = undefined;
  }

  /** The stream has not answered, in time, a publication that was sent then (by the monotonic clock). */
  suspect(sentMs: number): void {
    // Sent before the last look, it says nothing about what has become of the stream since.
    if (this.#examining !== undefined || sentMs < (this.#suspected?.atMs ?? 0)) return;
    this.#examining = this.#examine().finally(() => {
      this.#examining = undefined;
    });
  }

  /**
   * Never rejects. A server that does not answer is away; one that answers and stores nothing needs a new stream. Sure is
   * it only when several publications in a row, each sent after a look and over a connection that stood all the time, were neither
   * answered nor stored: a process that was stopped, or a network that was cut, looks like it once.
   */
  async #examine(): Promise<void> {
    const { clock, log, settings, connectionNumber } = this.#deps;
    try {
      const manager = await this.#api();
      const { created, state } = await manager.streams.info(settings.stream);
      const before = this.#suspected;
      const isSame =
        before !== undefined &&
        before.created === created &&
        before.lastSequence === state.last_seq &&
        before.connection === connectionNumber();
      const strikes = isSame ? before.strikes + 1 : 0;
      this.#suspected = {
        created,
        lastSequence: state.last_seq,
        connection: connectionNumber(),
        atMs: clock.monotonicMs(),
        strikes,
      };
      if (strikes < STRIKES || this.#closed) return;
      log.error({ stream: settings.stream }, 'the stream stores nothing any more; it is made anew');
      await manager.streams.delete(settings.stream);
      this.accepted();
      await this.ensure();
    } catch (err) {
      const level = isMissingStream(err) || isTransientBusError(toBusError(err)) ? 'debug' : 'error';
      log[level]({ err }, 'the stream could not be examined');
    }
  }

  async #ensure(): Promise<void> {
    const { log, settings } = this.#deps;
    try {
      const manager = await this.#api();
      const info = (await this.#find(manager)) ?? (await this.#make(manager));
      this.#note(info);
      const differences = differencesOf(info.config, this.#wanted());
      if (differences.length > 0) {
        throw new BusError(
          'BUS_STREAM_MISMATCH',
          `stream ${settings.stream} is not the one that this program makes: ${differences.join('; ')}. ` +
            `Change it ("nats stream edit"), or delete it: it holds copies only, and is made again`,
        );
      }
      await this.#ensureReaders(manager, info);
      await this.#announce(manager, info);
      const { max_age, num_replicas } = this.#wanted();
      if (info.config.max_age !== max_age || info.config.num_replicas !== num_replicas) {
        await manager.streams.update(settings.stream, { max_age, num_replicas });
        log.info(
          { stream: settings.stream },
          'the stream was given the age and replicas of the configuration',
        );
      }
    } catch (error) {
      if (error instanceof BusError) throw error;
      // An API error here is about the stream, not about a message.
      if (error instanceof JetStreamApiError && toBusError(error).code === 'BUS_REFUSED') {
        throw new BusError(
          'BUS_STREAM_MISMATCH',
          `stream ${settings.stream} cannot be made as wanted (${error.code}: ${error.message})`,
          { cause: error },
        );
      }
      throw toBusError(error);
    }
  }

  /** Rejects with `BUS_UNAVAILABLE` where a reader cannot be written, and makes the stream anew when that is so again. */
  async #ensureReaders(manager: JetStreamManager, { created }: StreamInfo): Promise<void> {
    const { clock, log, settings } = this.#deps;
    const unwritable = await ensureReaders(manager, settings.stream, settings.readers ?? []);
    this.#unwritableLooks = unwritable.length === 0 ? 0 : this.#unwritableLooks + 1;
    if (unwritable.length === 0) return;
    const nowMs = clock.monotonicMs();
    if (
      this.#unwritableLooks >= UNWRITABLE_LOOKS &&
      nowMs - this.#remadeAtMs >= REMAKE_EVERY_MS &&
      !this.#closed
    ) {
      this.#remadeAtMs = nowMs;
      // Another process may have been faster.
      if ((await this.#find(manager))?.created === created) {
        log.error({ stream: settings.stream, unwritable }, 'the stream has lost its files; it is made anew');
        await manager.streams.delete(settings.stream);
        this.accepted();
      }
    }
    // What is missing now is made by the next look.
    throw new BusError('BUS_UNAVAILABLE', `readers of stream ${settings.stream} cannot be written`);
  }

  #note({ created }: StreamInfo): void {
    const isAnother = this.#seen !== undefined && this.#seen !== created;
    this.#seen = created;
    if (isAnother) this.#deps.onReplaced();
  }

  /** Unless somebody has, or is about to. */
  async #announce(manager: JetStreamManager, info: StreamInfo): Promise<void> {
    const { settings, onMade } = this.#deps;
    const { created, config } = info;
    const isOpen = config.metadata?.[ANNOUNCED] === 'no' && ageMsOf(info) >= TAKE_OVER_MS;
    if (!this.#mayAnnounce || !(isOpen || this.#unannounced === created)) return;
    onMade?.();
    await manager.streams.update(settings.stream, { metadata: { ...config.metadata, [ANNOUNCED]: 'yes' } });
    this.#unannounced = undefined;
  }

  async #find(manager: JetStreamManager): Promise<StreamInfo | undefined> {
    try {
      return await manager.streams.info(this.#deps.settings.stream);
    } catch (error) {
      if (error instanceof JetStreamApiError && error.code === apiCodes.streamNotFound) return undefined;
      throw error;
    }
  }

  async #make(manager: JetStreamManager): Promise<StreamInfo> {
    const { clock, log, settings } = this.#deps;
    let info: StreamInfo;
    try {
      info = await manager.streams.add({
        ...this.#wanted(),
        first_seq: clock.nowMs() * 1024,
        metadata: { [ANNOUNCED]: 'no' },
      });
    } catch (error) {
      // Another process was faster, and has chosen another first sequence.
      if (!(error instanceof JetStreamApiError) || error.code !== apiCodes.streamNameExists) throw error;
      return await manager.streams.info(settings.stream);
    }
    this.#made?.inc();
    this.#unannounced = info.created;
    log.info({ stream: settings.stream }, 'the stream was missing and has been made');
    return info;
  }

  #wanted() {
    const { stream, replicas, retentionMs } = this.#deps.settings;
    return {
      name: stream,
      subjects: [SUBJECTS],
      storage: StorageType.File,
      retention: RetentionPolicy.Limits,
      discard: DiscardPolicy.Old,
      // The server allows no more than the age.
      duplicate_window: nanos(Math.min(DUPLICATE_WINDOW_MS, retentionMs)),
      allow_direct: true,
      republish: { src: SUBJECTS, dest: `${livePrefix}${SUBJECTS}` },
      max_age: nanos(retentionMs),
      num_replicas: replicas,
    } satisfies Partial<StreamConfig>;
  }

  async #lastOf(subject: string): Promise<LastMessage> {
    const manager = await this.#api();
    const message = await manager.direct.getMessage(this.#deps.settings.stream, { last_by_subj: subject });
    if (message === null) return { sequence: 0, messageId: undefined };
    return { sequence: message.seq, messageId: message.header.get('Nats-Msg-Id') };
  }

  #api(): Promise<JetStreamManager> {
    this.#manager ??= jetstreamManager(this.#deps.connection, {
      timeout: this.#deps.timeoutMs,
      checkAPI: false,
    });
    return this.#manager;
  }
}

/** By the server's clock at both ends; servers that do not tell their time make none wait. */
function ageMsOf({ created, ts }: StreamInfo & { readonly ts?: string }): number {
  return ts === undefined ? Infinity : Date.parse(ts) - Date.parse(created);
}

/** What our promises rest on; limits that an operator adds lose copies earlier, and nothing else. */
function differencesOf(actual: StreamConfig, wanted: Partial<StreamConfig>): string[] {
  const keys = [
    'subjects',
    'storage',
    'retention',
    'discard',
    'duplicate_window',
    'allow_direct',
    'republish',
  ] as const;
  const differences = keys.flatMap((key) => {
    const [is, should] = [show(actual[key]), show(wanted[key])];
    return is === should ? [] : [`${key} is ${is} instead of ${should}`];
  });
  if (actual.sealed) differences.push('it is sealed');
  if (actual.subject_transform !== undefined) differences.push('it transforms subjects');
  return differences;
}

function show(value: unknown): string {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return JSON.stringify(value) ?? 'nothing';
  return JSON.stringify(Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1))));
}
