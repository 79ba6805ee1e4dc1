import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createTokenVerifier, issueConnectionToken, issueSubscriptionToken } from './tokens.ts';

const secret = new Uint8Array(32).fill(1);
const clock = { nowMs: () => 1_800_000_000_000, schedule: () => ({ [Symbol.dispose]() {} }) };
const verifier = createTokenVerifier(clock, { tokenSecret: secret });

test('any text is an invalid token, never an exception', async () => {
  const part = fc.oneof(
    fc.base64String(),
    fc.json().map((text) => Buffer.from(text).toString('base64url')),
  );
  const text = fc.oneof(
    fc.string(),
    fc.tuple(part, part, part).map((parts) => parts.join('.')),
  );
  await fc.assert(
    fc.asyncProperty(text, async (token) => {
      expect(await verifier.verifyConnection(token)).toEqual({ ok: false, reason: 'invalid' });
      expect(await verifier.verifySubscription(token)).toEqual({ ok: false, reason: 'invalid' });
    }),
  );
});

test('a token with any bit of its header, claims or signature changed is invalid', async () => {
  const token = await issueConnectionToken(secret, { user: 'alice', expiresAtMs: clock.nowMs() + 1_000 });
  const parts = token.split('.').map((part) => Buffer.from(part, 'base64url'));
  await fc.assert(
    fc.asyncProperty(fc.nat(2), fc.nat(), fc.nat(7), async (which, at, bit) => {
      const changed = parts.map((part) => Buffer.from(part));
      const part = changed[which]!;
      part[at % part.length]! ^= 1 << bit;
      const forged = changed.map((bytes) => bytes.toString('base64url')).join('.');
      expect(await verifier.verifyConnection(forged)).toEqual({ ok: false, reason: 'invalid' });
    }),
  );
});

test('what is issued is what is verified, until it expires', async () => {
  const expiresAtMs = clock.nowMs() + 60_000;
  const connection = await issueConnectionToken(secret, {
    user: 'alice',
    expiresAtMs,
    channels: ['personal:alice'],
  });
  expect(await verifier.verifyConnection(connection)).toEqual({
    ok: true,
    claims: { user: 'alice', expireAtMs: expiresAtMs, info: undefined, channels: ['personal:alice'] },
  });
  const subscription = await issueSubscriptionToken(secret, {
    user: '',
    channel: 'group:a',
    expiresAtMs,
    info: [1],
  });
  const verified = await verifier.verifySubscription(subscription);
  expect(verified).toMatchObject({ ok: true, claims: { user: '', channel: 'group:a', client: '' } });
  expect(JSON.stringify(verified)).toContain('"info":[1]');
  const later = createTokenVerifier({ ...clock, nowMs: () => expiresAtMs }, { tokenSecret: secret });
  expect(await later.verifyConnection(connection)).toEqual({ ok: false, reason: 'expired' });
  expect(await verifier.verifySubscription(connection)).toEqual({ ok: false, reason: 'invalid' });
});
