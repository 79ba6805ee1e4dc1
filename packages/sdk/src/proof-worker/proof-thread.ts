/**
 * A worker as its client sees it, the same for Node's threads and a browser's Web Workers (`#proof-thread`), and what the two say to
 * each other. A worker has a suite of its own, on the kernel of its client's if that has one.
 */
import type { SmallLogProgress } from '@conclave/ristretto';
import type { ClaimParcel, DigitSearch, FoundDigits, Result } from '@conclave/sealed-group/verification';

export type ToWorker =
  /** Comes first. */
  | { readonly kind: 'start'; readonly kernel: WebAssembly.Module | undefined }
  | { readonly kind: 'verify'; readonly id: number; readonly parcel: ClaimParcel }
  | { readonly kind: 'search'; readonly search: DigitSearch };

/** One verdict for each `verify`, in order; for a `search` its steps, then the digits. */
export type FromWorker =
  | { readonly kind: 'verdict'; readonly id: number; readonly verdict: Result<void> }
  | { readonly kind: 'step'; readonly progress: SmallLogProgress }
  | { readonly kind: 'found'; readonly digits: FoundDigits };

export interface ThreadEvents {
  /** Unchecked: what a worker says that is not well says something else. */
  readonly onMessage: (message: unknown) => void;
  /** It cannot be started, has crashed, or has ended without being asked to. Nothing comes after it. */
  readonly onDeath: (cause: Error) => void;
}

export interface ProofThread {
  post(message: ToWorker, transfer?: ArrayBuffer[]): void;
  /** Its memory, with all that it computed, goes with it. Nothing more comes; resolves when it is gone. */
  end(): Promise<void>;
}

/** Does not throw. */
export type StartThread = (events: ThreadEvents) => ProofThread;
