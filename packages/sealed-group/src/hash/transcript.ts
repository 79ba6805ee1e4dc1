/**
 * A Fiat-Shamir transcript: what a proof has said so far, as a 64-byte state. Every challenge depends on everything
 * absorbed before it, in order, with labels and lengths.
 *
 *   absorb:     state = xof("transcript", [state, label, data], 64)
 *   challenge:  output = xof("challenge", [state, label], n), after which the label is absorbed, so that two challenges
 *               with one label differ
 *   fork:       a transcript that starts from this state and a label; `absorbFork` takes its final state back in
 */
import type { Scalar, ScalarField } from '@conclave/ristretto';
import { nameBytes } from './label.ts';
import type { HasXof, Xof } from './xof.ts';

const stateBytes = 64;

export class Transcript {
  readonly #xof: Xof;
  #state: Uint8Array;

  private constructor(xof: Xof, state: Uint8Array) {
    this.#xof = xof;
    this.#state = state;
  }

  /** A new transcript for one kind of proof. */
  static start({ xof }: HasXof, label: string): Transcript {
    return new Transcript(xof, new Uint8Array(stateBytes)).absorb('start', nameBytes(label));
  }

  absorb(label: string, data: Uint8Array): this {
    this.#state = this.#xof('transcript', [this.#state, nameBytes(label), data], stateBytes);
    return this;
  }

  /** An independent transcript that has seen everything this one has. */
  fork(label: string): Transcript {
    return new Transcript(this.#xof, this.#state).absorb('fork', nameBytes(label));
  }

  absorbFork(fork: Transcript): this {
    return this.absorb('join', fork.#state);
  }

  challengeBytes(label: string, length: number): Uint8Array {
    const bytes = this.#xof('challenge', [this.#state, nameBytes(label)], length);
    this.absorb('challenge', nameBytes(label));
    return bytes;
  }

  challengeScalar(scalars: ScalarField, label: string): Scalar {
    return scalars.fromWideBytes(this.challengeBytes(label, 64));
  }

  /** The state, for hedging: nonces that depend on it are never used under two different challenges. */
  binding(): Uint8Array {
    return Uint8Array.from(this.#state);
  }
}
