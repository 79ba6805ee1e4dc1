/** What every adapter of the `Presence` port keeps (packages/platform/src/presence/presence.ts). */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { maxPresenceDataLength, type Presence } from '@conclave/platform';
import { codeOf } from './rejection.ts';

export interface ContractPresence {
  /** Nobody is there yet. */
  readonly presence: Presence;
  /** Lets time pass: a manual clock's, or real time for a server that has its own. */
  pass(ms: number): Promise<void>;
  destroy(): Promise<void>;
}

const longMs = 60_000;

export function presenceContract(adapter: string, create: () => Promise<ContractPresence>): void {
  describe(`${adapter}: presence contract`, () => {
    let contract: ContractPresence;
    let presence: Presence;

    beforeEach(async () => {
      contract = await create();
      presence = contract.presence;
    });

    afterEach(() => contract.destroy());

    const ids = async (kind: string) => (await presence.list(kind)).map(({ id }) => id);

    test('nobody is there at first', async () => {
      expect(await presence.list('process')).toEqual([]);
      await presence.leave('process', 'nobody');
    });

    test('lists who is there with what they said, in order of their ids', async () => {
      await presence.announce('process', 'b', '{"role":"relay"}', longMs);
      await presence.announce('process', 'a', 'Ä\u0000🜁', longMs);
      const [a, b] = await presence.list('process');
      expect(a).toMatchObject({ id: 'a', data: 'Ä\u0000🜁' });
      expect(b).toMatchObject({ id: 'b', data: '{"role":"relay"}' });
      for (const { expiresInMs } of [a!, b!]) {
        expect(expiresInMs).toBeGreaterThan(0);
        expect(expiresInMs).toBeLessThanOrEqual(longMs);
      }
    });

    test('keeps kinds apart', async () => {
      await presence.announce('process', 'a', '', longMs);
      await presence.announce('user', 'b', '', longMs);
      await presence.leave('user', 'a');
      expect(await ids('process')).toEqual(['a']);
      expect(await ids('user')).toEqual(['b']);
    });

    test('the last announcement counts', async () => {
      await presence.announce('process', 'a', 'first', longMs);
      await presence.announce('process', 'a', 'second', longMs);
      expect(await presence.list('process')).toMatchObject([{ id: 'a', data: 'second' }]);
    });

    test('forgets who has left, and who was silent too long, and nobody else', async () => {
      await presence.announce('process', 'silent', '', 30);
      await presence.announce('process', 'again', '', 30);
      await presence.announce('process', 'gone', '', longMs);
      await presence.announce('process', 'there', '', longMs);
      await presence.announce('process', 'again', '', longMs);
      await presence.leave('process', 'gone');
      await contract.pass(31);
      expect(await ids('process')).toEqual(['again', 'there']);
    });

    test('a shorter time later on does not end the others', async () => {
      await presence.announce('process', 'long', '', longMs);
      await presence.announce('process', 'short', '', 20);
      await contract.pass(21);
      expect(await ids('process')).toEqual(['long']);
    });

    test('forgets many', async () => {
      for (let n = 0; n < 250; n++) await presence.announce('process', `p${n}`, '', 1);
      await contract.pass(10);
      expect(await ids('process')).toEqual([]);
      await presence.announce('process', 'there', '', longMs);
      expect(await ids('process')).toEqual(['there']);
    });

    test.each([
      ['a kind that is no name', 'Kind of', 'a', '', 1_000],
      ['no kind', '', 'a', '', 1_000],
      ['no id', 'process', '', '', 1_000],
      ['a long id', 'process', 'x'.repeat(257), '', 1_000],
      ['much data', 'process', 'a', 'x'.repeat(maxPresenceDataLength + 1), 1_000],
      ['no time', 'process', 'a', '', 0],
      ['half a time', 'process', 'a', '', 0.5],
      ['for ever', 'process', 'a', '', Infinity],
    ])('refuses %s', async (_, kind, id, data, ttlMs) => {
      expect(await codeOf(presence.announce(kind, id, data, ttlMs))).toBe('PRESENCE_INVALID');
      expect(await presence.list('process')).toEqual([]);
    });
  });
}
