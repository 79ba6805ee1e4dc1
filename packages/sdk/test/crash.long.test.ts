import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { crashWhileJoining, crashWhileTalking } from './crash-scenario.ts';
import { gatherPeople, type People } from './test-people.ts';

describe.each(['before', 'after'] as const)('a crash just %s a write', (when) => {
  let people: People;
  beforeAll(async () => {
    people = await gatherPeople();
  });
  afterAll(() => people[Symbol.asyncDispose]());

  test('at every write while talking', async () => {
    let at = 0;
    while (await crashWhileTalking(people, { at, when })) at += 1;
    expect(at).toBeGreaterThan(8);
  });

  test('at every write while joining', async () => {
    let at = 0;
    while (await crashWhileJoining(people, { at, when })) at += 1;
    expect(at).toBeGreaterThan(3);
  });
});
