import { describe, expect, it } from 'vitest';
import { formatAuthenticator, formatIdentity, formatSafetyNumber } from '../../src/identity/fingerprint.ts';
import { createPeople } from './people-fixture.ts';

describe('numbers that people compare', () => {
  const people = createPeople();
  const [one, , other] = people.persons.map((person) => person.identity.publicKey);

  it('are twelve groups of five digits', () => {
    for (const number of [
      formatIdentity(one!),
      formatSafetyNumber(one!, other!),
      formatAuthenticator(people.deriveKeys()),
    ]) {
      expect(number).toMatch(/^\d{5}( \d{5}){11}$/);
    }
  });

  it('are the same for both, and different for others', () => {
    expect(formatSafetyNumber(one!, other!)).toBe(formatSafetyNumber(other!, one!));
    expect(formatSafetyNumber(one!, one!)).not.toBe(formatSafetyNumber(one!, other!));
    expect(formatIdentity(one!)).not.toBe(formatIdentity(other!));
    expect(formatAuthenticator(people.deriveKeys())).toBe(formatAuthenticator(people.deriveKeys()));
  });
});
