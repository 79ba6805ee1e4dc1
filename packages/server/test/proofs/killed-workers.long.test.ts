/** A server whose proof workers are killed again and again, and honest people on it. */
import { expect, it } from 'vitest';
import type { TestMember } from '@conclave/testkit';
import { ask } from '../test-server.ts';
import { startSealedWorld } from '../sealed-groups/sealed-world.ts';
import { watchWorkers } from './workers.ts';

const lifeMs = 100;

/** As clients do: 5xx is no answer, the same octets are posted again. A frame over which two workers died gets one. */
async function post(member: TestMember, frame: Uint8Array): Promise<number> {
  const { status } = await member.post(frame);
  return status < 500 ? status : await post(member, frame);
}

it('messages and commits are accepted while each worker lives for a tenth of a second', async () => {
  const toll = { killed: 0 };
  watchWorkers((worker) => {
    // From its first word on: before that it has no work.
    worker.once('message', () => {
      setTimeout(() => {
        toll.killed++;
        void worker.terminate();
      }, lifeMs);
    });
  });
  await using world = await startSealedWorld();
  const alice = await world.createGroup();
  const bob = await alice.welcome('bob');
  const members: readonly TestMember[] = [alice, bob];
  let sent = 0;
  for (let round = 0; toll.killed < 12; round++) {
    const frames = members.flatMap((member) =>
      Array.from({ length: 10 }, (_, index) => member.prepareText(`${round}.${index}`).frame),
    );
    const statuses = await Promise.all(frames.map((frame) => post(alice, frame)));
    expect(statuses).toEqual(frames.map(() => 200));
    sent += 10;
    // A commit, for the other lane.
    await world.clock.advance(60_000);
    const commit = alice.prepareCommit();
    expect(await post(alice, commit.frame)).toBe(200);
    for (const member of members) await member.sync();
  }
  expect(members.map((member) => member.texts().length)).toEqual([sent, sent]);
  const { body } = await ask(world.running.adminUrl, 'GET', '/health');
  expect(body).toEqual({ status: 'ok' });
});
