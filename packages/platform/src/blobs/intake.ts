/**
 * Takes an upload's body in: pulls one chunk after the other, counts and hashes them, and tells how it ended. Every adapter
 * of the blob port takes bodies in by this, so all of them stop at the same octet.
 */
import { createHash, type Hash } from 'node:crypto';
import type { PutErrorCode, PutLimits, PutResult } from './blob-store.ts';

export class Intake {
  readonly #chunks: AsyncIterator<Uint8Array>;
  readonly #maxBytes: number;
  readonly #hash: Hash | undefined;
  #size = 0;
  #refusal: PutErrorCode | undefined;

  constructor(body: AsyncIterable<Uint8Array>, { maxBytes, hash = true }: PutLimits) {
    this.#chunks = body[Symbol.asyncIterator]();
    this.#maxBytes = maxBytes;
    this.#hash = hash ? createHash('sha256') : undefined;
  }

  /** Octets so far. */
  get size(): number {
    return this.#size;
  }

  /** Why the body was refused; undefined while it is not. */
  get refusal(): PutErrorCode | undefined {
    return this.#refusal;
  }

  /** The next chunk; undefined when there is none, at the end or because the body is refused. Never rejects. */
  async next(): Promise<Uint8Array | undefined> {
    let next: IteratorResult<Uint8Array>;
    try {
      next = await this.#chunks.next();
    } catch {
      // Why a body broke off is its owner's affair, not the store's.
      this.#refusal = 'BLOB_ABORTED';
      return undefined;
    }
    if (next.done === true) return undefined;
    this.#size += next.value.length;
    if (this.#size > this.#maxBytes) {
      this.#refusal = 'BLOB_TOO_LARGE';
      await this.endEarly();
      return undefined;
    }
    this.#hash?.update(next.value);
    return next.value;
  }

  /** Tells the body that no more is wanted. What it says to that no longer matters. */
  async endEarly(): Promise<void> {
    await this.#chunks.return?.().catch(() => undefined);
  }

  /** After {@link next} was undefined. To be asked once. */
  result(): PutResult {
    if (this.#refusal !== undefined) return { ok: false, code: this.#refusal };
    return { ok: true, size: this.#size, sha256: new Uint8Array(this.#hash?.digest() ?? []) };
  }
}
