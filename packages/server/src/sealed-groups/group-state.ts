/**
 * The part of a group that stands in its row as JSON: small, read with every request, written with every commit. The tree
 * and the leaves have tables of their own.
 */
import type { EpochReservation, GroupMode, PublicGroup, PublicKey } from '@conclave/sealed-group';

/** What the row holds besides epoch and sequence number. */
export type GroupState = Pick<
  PublicGroup,
  | 'mode'
  | 'transcript'
  | 'confirmedTranscript'
  | 'lastNowMs'
  | 'epochKeys'
  | 'lastRemovalEpoch'
  | 'previousEpochGrace'
>;

/** What is true of the epoch besides: when the server made it. */
export interface StampedState extends GroupState {
  /** When the server accepted the frame that made the epoch, by its own clock. */
  readonly epochMadeAtMs: number;
}

interface StoredState {
  readonly mode: GroupMode;
  readonly transcript: string;
  readonly confirmedTranscript: string;
  readonly lastNowMs: number;
  readonly epochKeys: readonly (readonly [epoch: number, key: string])[];
  readonly lastRemovalEpoch: number;
  readonly previousEpochGrace: boolean;
  /** Rows that were written before it stood here lack it. */
  readonly epochMadeAtMs?: number;
}

export function encodeGroupState(state: StampedState): string {
  const stored: StoredState = {
    mode: state.mode,
    transcript: toBase64(state.transcript),
    confirmedTranscript: toBase64(state.confirmedTranscript),
    lastNowMs: state.lastNowMs,
    epochKeys: state.epochKeys.map(({ epoch, publicKey }) => [epoch, toBase64(publicKey)]),
    lastRemovalEpoch: state.lastRemovalEpoch,
    previousEpochGrace: state.previousEpochGrace,
    epochMadeAtMs: state.epochMadeAtMs,
  };
  return JSON.stringify(stored);
}

/** `text` comes from our own table, so it is trusted; damaged text throws, and that is a bug or a damaged database. */
export function decodeGroupState(text: string): StampedState {
  const stored = JSON.parse(text) as StoredState;
  return {
    mode: stored.mode,
    transcript: fromBase64(stored.transcript),
    confirmedTranscript: fromBase64(stored.confirmedTranscript),
    lastNowMs: stored.lastNowMs,
    epochKeys: stored.epochKeys.map(([epoch, key]) => ({ epoch, publicKey: fromBase64(key) as PublicKey })),
    lastRemovalEpoch: stored.lastRemovalEpoch,
    previousEpochGrace: stored.previousEpochGrace,
    // Long ago: the minute of grace is over, and a late message is made anew.
    epochMadeAtMs: stored.epochMadeAtMs ?? 0,
  };
}

export function encodeReservation(reservation: EpochReservation): string {
  return JSON.stringify(reservation);
}

export function decodeReservation(text: string | null): EpochReservation | undefined {
  return text === null ? undefined : (JSON.parse(text) as EpochReservation);
}

function toBase64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64');
}

function fromBase64(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text, 'base64'));
}
