/**
 * A secret in memory: redacts itself however it is printed, and can be overwritten [F6].
 * JavaScript may have copied the bytes (garbage collection, JIT), so wiping shortens a secret's life, it cannot prove its end.
 */
const redacted = '[secret]';

/** Caller misuse: a secret was used after its deletion. */
export class SecretDeletedError extends Error {
  readonly code = 'SECRET_DELETED';

  constructor() {
    super('this secret was deleted');
    this.name = 'SecretDeletedError';
  }
}

export class Secret {
  #bytes: Uint8Array | undefined;

  /** Takes ownership of `bytes`: `wipe` overwrites them. */
  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  static copyOf(bytes: Uint8Array): Secret {
    return new Secret(Uint8Array.from(bytes));
  }

  /** The bytes themselves, not a copy. Throws `SecretDeletedError` when wiped. */
  reveal(): Uint8Array {
    if (this.#bytes === undefined) throw new SecretDeletedError();
    return this.#bytes;
  }

  get wiped(): boolean {
    return this.#bytes === undefined;
  }

  wipe(): void {
    this.#bytes?.fill(0);
    this.#bytes = undefined;
  }

  toString(): string {
    return redacted;
  }

  toJSON(): string {
    return redacted;
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return redacted;
  }
}
