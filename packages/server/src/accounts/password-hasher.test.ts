import { systemRandom } from '@conclave/platform';
import { describe, expect, it } from 'vitest';
import { createPasswordHasher } from './password-hasher.ts';

describe('the password hasher', () => {
  it('makes Argon2id hashes with a fresh salt that verify only their password', async () => {
    const passwords = createPasswordHasher({ random: systemRandom, concurrency: 2, maxWaiting: 10 });
    const [one, two] = await Promise.all([passwords.hash('päss'), passwords.hash('päss')]);
    expect(one).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
    expect(one).not.toBe(two);
    expect(await passwords.verify('päss', one)).toBe(true);
    expect(await passwords.verify('pass', one)).toBe(false);
  });

  it('does the work for an account that does not exist too, and says no', async () => {
    const passwords = createPasswordHasher({ random: systemRandom, concurrency: 1, maxWaiting: 10 });
    const verdict = passwords.verify('anything', undefined);
    let worked = 0;
    const turn = () => new Promise<undefined>((resolve) => setImmediate(() => resolve(undefined)));
    while ((await Promise.race([verdict, turn()])) === undefined)
      worked = Math.max(worked, passwords.pending);
    expect(worked).toBe(1);
    expect(await verdict).toBe(false);
    expect(passwords.pending).toBe(0);
  });

  it('runs and queues only so many at once, and refuses the rest without harm to the others', async () => {
    const passwords = createPasswordHasher({ random: systemRandom, concurrency: 2, maxWaiting: 3 });
    const outcomes = await Promise.allSettled(Array.from({ length: 9 }, () => passwords.hash('x')));
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(5);
    expect(outcomes.filter(({ status }) => status === 'rejected')).toHaveLength(4);
    expect(outcomes.at(-1)).toMatchObject({ reason: { code: 'CONCLAVE_OVERLOADED' } });
    expect(passwords.pending).toBe(0);
    expect(await passwords.hash('x')).toContain('$argon2id$');
  });
});
