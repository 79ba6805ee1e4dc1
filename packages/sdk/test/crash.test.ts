import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { crashWhileJoining, crashWhileTalking } from './crash-scenario.ts';
import { gatherPeople, type People } from './test-people.ts';

/** A few of the writes; crash.long.test.ts goes through all of them. */
describe('a crash between "accepted by the server" and "saved by the client"', () => {
  let people: People;
  beforeAll(async () => {
    people = await gatherPeople();
  });
  afterAll(() => people[Symbol.asyncDispose]());

  test.each([
    [1, 'after'],
    [5, 'before'],
  ] as const)('while talking, at write %i (%s it): nothing is lost or doubled', async (at, when) => {
    expect(await crashWhileTalking(people, { at, when })).toBe(true);
  });

  test.each([
    [0, 'before'],
    [0, 'after'],
    [2, 'before'],
  ] as const)(
    'while joining, at write %i (%s it): the join is completed, or clearly lost',
    async (at, when) => {
      expect(await crashWhileJoining(people, { at, when })).toBe(true);
    },
  );
});
