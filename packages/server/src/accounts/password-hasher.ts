/**
 * Argon2id, 19 MiB, t = 2, p = 1 (RFC 9106; OWASP's minimum) on libuv's threads, never on the event loop.
 *
 * One hash takes about 14 ms and 19 MiB, so the number running and the number waiting are bounded; what does not
 * fit is refused at once with CONCLAVE_OVERLOADED. Verifying against no hash costs the same as against one:
 * the time of an answer does not tell whether a name exists.
 */
import { hash, verify } from '@node-rs/argon2';
import type { RandomSource } from '@conclave/platform';
import { ApiError } from '../errors/api-error.ts';

/** Longest accepted password in octets of UTF-8: bounds what an unauthenticated request makes us hash. */
export const maxPasswordBytes = 512;

// memoryCost in KiB. The library's default algorithm is Argon2id, and its output names it.
const parameters = { memoryCost: 19_456, timeCost: 2, parallelism: 1, outputLen: 32 } as const;

export interface PasswordHasher {
  /** A PHC string with a fresh salt. */
  hash(password: string): Promise<string>;
  /** `passwordHash` undefined: takes as long as for a real one, and answers false. */
  verify(password: string, passwordHash: string | undefined): Promise<boolean>;
  /** Operations that run or wait, for metrics. */
  readonly pending: number;
}

export interface PasswordHasherDeps {
  readonly random: RandomSource;
  readonly concurrency: number;
  /** Operations that may wait beyond those that run. */
  readonly maxWaiting: number;
}

export function createPasswordHasher({
  random,
  concurrency,
  maxWaiting,
}: PasswordHasherDeps): PasswordHasher {
  let running = 0;
  const waiting: (() => void)[] = [];
  let decoy: Promise<string> | undefined;

  async function limited<T>(work: () => Promise<T>): Promise<T> {
    if (running < concurrency) {
      running += 1;
    } else {
      if (waiting.length >= maxWaiting) {
        throw new ApiError('CONCLAVE_OVERLOADED', 'Too many logins are waiting', { retryAfterMs: 2_000 });
      }
      // Whoever ends hands its place over, so `running` does not change.
      await new Promise<void>((resolve) => waiting.push(resolve));
    }
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      if (next === undefined) running -= 1;
      else next();
    }
  }

  const makeHash = (password: string) => hash(password, { ...parameters, salt: random.bytes(16) });

  return {
    hash: (password) => limited(() => makeHash(password)),
    async verify(password, passwordHash) {
      if (Buffer.byteLength(password) > maxPasswordBytes) return false;
      decoy ??= makeHash(Buffer.from(random.bytes(16)).toString('hex'));
      const target = passwordHash ?? (await decoy);
      const matches = await limited(() => verify(target, password));
      return matches && passwordHash !== undefined;
    },
    get pending() {
      return running + waiting.length;
    },
  };
}
