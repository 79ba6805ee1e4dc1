import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createAccountClient } from '../src/account/account-client.ts';
import { startTestServer, type TestServer } from './test-server.ts';

describe('account client against a real server', () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startTestServer();
  });
  afterAll(() => server[Symbol.asyncDispose]());

  test('registers, asks who it is, rotates its tokens, logs out', async () => {
    const accounts = createAccountClient({ server: server.url });
    const session = await accounts.register({
      username: 'ada',
      password: 'long enough',
      deviceName: 'laptop',
    });
    expect(session.userId).toMatch(/^@ada:/);
    expect(await accounts.whoami(session)).toEqual({ userId: session.userId, deviceId: session.deviceId });
    const renewed = await accounts.refresh(session);
    expect(renewed.accessToken).not.toBe(session.accessToken);
    expect(await accounts.whoami(renewed)).toMatchObject({ userId: session.userId });
    await accounts.logout(renewed);
    await expect(accounts.whoami(renewed)).rejects.toMatchObject({ code: 'M_UNKNOWN_TOKEN', status: 401 });
    await accounts.logout(renewed);
  });

  test('logs in with the right password only', async () => {
    const accounts = createAccountClient({ server: server.url });
    await accounts.register({ username: 'grace', password: 'long enough' });
    expect((await accounts.login({ username: 'grace', password: 'long enough' })).accessToken).toBeTypeOf(
      'string',
    );
    await expect(accounts.login({ username: 'grace', password: 'wrong' })).rejects.toMatchObject({
      code: 'M_FORBIDDEN',
    });
    await expect(accounts.register({ username: 'grace', password: 'long enough' })).rejects.toMatchObject({
      code: 'M_USER_IN_USE',
    });
  });

  test('gives the registration token that the operator demands', async () => {
    await using closed = await startTestServer({ accounts: { registration: 'token' } });
    const accounts = createAccountClient({ server: closed.url });
    const registrationToken = (await closed.server.firstAccountToken())!;
    const credentials = { username: 'first', password: 'long enough' };
    await expect(accounts.register({ ...credentials, registrationToken: 'guess' })).rejects.toMatchObject({
      code: 'M_UNAUTHORIZED',
    });
    expect((await accounts.register({ ...credentials, registrationToken })).userId).toMatch(/^@first:/);
  });
});
