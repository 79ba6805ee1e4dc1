/**
 * Proof of membership when it is needed, and only then: the token is kept until the server refuses it (it expired, or
 * somebody was removed), then a new challenge is answered (docs/sealed-groups.md §7).
 */
import { SealedGroup, type MemberDeps, type SealedGroup as Group } from '@conclave/sealed-group';
import { ConclaveError, isConclaveError } from '../errors/conclave-error.ts';
import type { SealedApi } from '../http/sealed-api.ts';
import type { ServerTime } from '../time/server-time.ts';

export interface ReadAccessDeps {
  readonly api: SealedApi;
  readonly member: MemberDeps;
  readonly time: ServerTime;
  readonly group: () => Group;
  /** The own commit whose fate is unknown. */
  readonly pendingFrame: () => Uint8Array | undefined;
  /** Fires when the group is closed. */
  readonly signal: AbortSignal;
}

/** A token this close to its end is not used any more. */
const MARGIN_MS = 5_000;

export class ReadAccess {
  readonly #deps: ReadAccessDeps;
  #token: { readonly text: string; readonly expiresAtMs: number } | undefined;
  #proving: Promise<string> | undefined;

  constructor(deps: ReadAccessDeps) {
    this.#deps = deps;
  }

  /** Calls `read` with a token, once more with a fresh one if the first was refused. */
  async use<T>(read: (token: string) => Promise<T>): Promise<T> {
    const known = this.#current();
    if (known !== undefined) {
      try {
        return await read(known);
      } catch (error) {
        if (!isConclaveError(error, 'CONCLAVE_READ_DENIED')) throw error;
        if (this.#token?.text === known) this.#token = undefined;
      }
    }
    return await read(this.#current() ?? (await this.#prove()));
  }

  forget(): void {
    this.#token = undefined;
  }

  #current(): string | undefined {
    const token = this.#token;
    return token !== undefined && token.expiresAtMs - MARGIN_MS > this.#deps.time.nowMs()
      ? token.text
      : undefined;
  }

  /** Concurrent readers share one proof. */
  #prove(): Promise<string> {
    this.#proving ??= this.#answerChallenge().finally(() => {
      this.#proving = undefined;
    });
    return this.#proving;
  }

  /**
   * First by the highest node, which any member under it could have been; then by the leaf, which works even if this
   * device has missed commits; last by the leaf that an own commit of unknown fate gave: if the server took it, the old
   * leaf is nobody any more [F9].
   */
  async #answerChallenge(): Promise<string> {
    const { api, group, signal } = this.#deps;
    const { groupId, status } = group();
    if (status === 'removed') throw new ConclaveError('REMOVED', 'This device was removed from the group');
    const signers = [
      (challenge: Uint8Array) => group().proveReading(challenge, 'highest'),
      (challenge: Uint8Array) => group().proveReading(challenge, 'leaf'),
      (challenge: Uint8Array) => this.#asIfAccepted()?.proveReading(challenge, 'leaf'),
    ];
    let denied: unknown = new ConclaveError(
      'CONCLAVE_READ_DENIED',
      'This device has no key to prove membership with',
    );
    let lastNode: number | undefined;
    for (const signWith of signers) {
      const challenge = await api.getChallenge(groupId, { signal });
      const proof = signWith(challenge);
      if (proof === undefined || !proof.ok) continue;
      const isRepetition = proof.value.node === lastNode && signWith !== signers[2];
      if (isRepetition) continue;
      lastNode = proof.value.node;
      try {
        const { readToken, expiresAtMs } = await api.redeemChallenge(
          groupId,
          { challenge, ...proof.value },
          { signal },
        );
        this.#token = { text: readToken, expiresAtMs };
        return readToken;
      } catch (error) {
        if (!isConclaveError(error, 'CONCLAVE_READ_DENIED')) throw error;
        denied = error;
      }
    }
    throw denied;
  }

  /** A copy of the state machine that took the pending commit for accepted: good for a proof and nothing else. */
  #asIfAccepted(): Group | undefined {
    const frame = this.#deps.pendingFrame();
    if (frame === undefined) return undefined;
    const now = this.#deps.group();
    const copy = SealedGroup.decode(this.#deps.member, {
      public: now.encodePublic(),
      secret: now.encodeSecret(),
    });
    if (!copy.ok) return undefined;
    return copy.value.processFrame(frame, copy.value.lastSeq + 1).ok ? copy.value : undefined;
  }
}
