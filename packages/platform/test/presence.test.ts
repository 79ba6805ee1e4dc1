import { describe, expect, test } from 'vitest';
import { presenceContract } from '@conclave/testkit/contracts';
import {
  createInProcessPresence,
  keepAnnouncing,
  maxPresent,
  type Log,
  silentLog,
  type Presence,
} from '@conclave/platform';
import { createManualClock } from '@conclave/platform/testing';

presenceContract('in process', async () => {
  const clock = createManualClock();
  return {
    presence: createInProcessPresence({ clock }),
    pass: (ms) => clock.advance(ms),
    destroy: async () => {},
  };
});

test('there is room for so many and no more', async () => {
  const clock = createManualClock();
  const presence = createInProcessPresence({ clock });
  for (let n = 0; n < maxPresent; n++) await presence.announce('user', `u${n}`, '', 1_000);
  await expect(presence.announce('user', 'one more', '', 1_000)).rejects.toMatchObject({
    code: 'PRESENCE_FULL',
  });
  await presence.announce('user', 'u0', 'again', 2_000);
  await clock.advance(1_000);
  await presence.announce('user', 'one more', '', 1_000);
  expect((await presence.list('user')).map(({ id }) => id)).toEqual(['one more', 'u0']);
});

describe('keeping on announcing', () => {
  test('is believed until it ends, with what is true each time', async () => {
    const clock = createManualClock();
    const presence = createInProcessPresence({ clock });
    let round = 0;
    const deps = { presence, clock, log: silentLog, kind: 'process', id: 'a', ttlMs: 900 };
    const announcing = keepAnnouncing({ ...deps, data: () => `round ${(round += 1)}` });
    await clock.advance(10_000);
    expect(await presence.list('process')).toEqual([
      { id: 'a', data: `round ${round}`, expiresInMs: expect.any(Number) },
    ]);
    await announcing[Symbol.asyncDispose]();
    expect(await presence.list('process')).toEqual([]);
    expect(clock.pending).toBe(0);
  });

  test('goes on after a failure, and says so once', async () => {
    const clock = createManualClock();
    const inner = createInProcessPresence({ clock });
    let isBroken = false;
    const presence: Presence = {
      ...inner,
      async announce(...announcement) {
        if (isBroken) throw new Error('broken');
        await inner.announce(...announcement);
      },
    };
    const said: string[] = [];
    const say = (_fields: unknown, message: string) => void said.push(message);
    const log: Log = { ...silentLog, warn: say, info: say };
    await using _announcing = keepAnnouncing({
      presence,
      clock,
      log,
      kind: 'process',
      id: 'a',
      data: () => '',
      ttlMs: 900,
    });
    isBroken = true;
    await clock.advance(2_000);
    expect(await presence.list('process')).toEqual([]);
    isBroken = false;
    await clock.advance(600);
    expect(await presence.list('process')).toHaveLength(1);
    expect(said).toEqual(['cannot announce what is here', 'announced again']);
  });
});
