/** Accounts over real sockets, in the shapes of the Matrix client-server API v1.19. */
import { createManualClock } from '@conclave/platform/testing';
import { describe, expect, it } from 'vitest';
import { ask, bearer, register, rowCounts, startTestServer } from './test-server.ts';

const v3 = '/_matrix/client/v3';
const passwordOf = (name: string) => `password of ${name}`;
const passwordAuth = (user: string, password: string) => ({
  type: 'm.login.password',
  identifier: { type: 'm.id.user', user },
  password,
});

describe('text with U+0000', () => {
  it('is refused wherever it comes in', async () => {
    await using running = await startTestServer();
    const { url } = running;
    const nul = '\0';
    await register(url, 'alice');
    const auth = { type: 'm.login.dummy' };
    const credentials = { type: 'm.login.password', password: 'password of alice' };
    const answers = [
      await ask(url, 'POST', '/_matrix/client/v3/register', {
        username: 'bob',
        password: 'password of bob',
        auth,
        initial_device_display_name: `laptop${nul}`,
      }),
      await ask(url, 'POST', '/_matrix/client/v3/login', {
        ...credentials,
        identifier: { type: 'm.id.user', user: `alice${nul}` },
      }),
      await ask(url, 'GET', '/_matrix/client/v3/register/available?username=a%00'),
      await ask(url, 'GET', '/_conclave/sealed/v1/groups/a%00b/frames', undefined, bearer('abc')),
      await ask(url, 'POST', '/_conclave/transfer/v1/a%00b/read'),
    ];
    expect(answers.map(({ status }) => status)).toEqual([400, 400, 400, 400, 400]);
  });
});

describe('register', () => {
  it('asks for a stage first, then creates the account and logs in', async () => {
    await using running = await startTestServer();
    const { url } = running;
    const first = await ask(url, 'POST', `${v3}/register`, {});
    expect(first.status).toBe(401);
    expect(first.body).toEqual({
      flows: [{ stages: ['m.login.dummy'] }],
      params: {},
      session: expect.stringMatching(/^[A-Za-z0-9_-]+$/),
      completed: [],
    });
    const second = await ask(url, 'POST', `${v3}/register`, {
      username: 'Ada',
      password: 'correct horse',
      device_id: 'PHONE',
      initial_device_display_name: 'a phone',
      auth: { type: 'm.login.dummy', session: first.body.session },
    });
    expect(second).toMatchObject({
      status: 200,
      body: { user_id: '@ada:127.0.0.1', device_id: 'PHONE', access_token: expect.any(String) },
    });
    expect(second.body).not.toHaveProperty('refresh_token');
    const whoami = await ask(url, 'GET', `${v3}/account/whoami`, undefined, bearer(second.body.access_token));
    expect(whoami.body).toEqual({ user_id: '@ada:127.0.0.1', device_id: 'PHONE', is_guest: false });
  });

  it('makes up a name and a device when none is given', async () => {
    await using running = await startTestServer();
    const { body } = await ask(running.url, 'POST', `${v3}/register`, {
      password: 'correct horse',
      auth: { type: 'm.login.dummy' },
    });
    expect(body.user_id).toMatch(/^@[a-z2-7]{16}:127\.0\.0\.1$/);
    expect(body.device_id).toMatch(/^[A-Z2-7]{16}$/);
  });

  it('can create an account without logging in', async () => {
    await using running = await startTestServer();
    expect(await register(running.url, 'ada', { inhibit_login: true })).toEqual({
      user_id: '@ada:127.0.0.1',
    });
    expect(await rowCounts(running.server)).toMatchObject({ accounts: 1, devices: 0, token_pairs: 0 });
  });

  it('reports a taken or impossible name before it asks for a stage', async () => {
    await using running = await startTestServer();
    await register(running.url, 'ada');
    const codes = [];
    for (const username of ['ada', 'ADA', 'with space', 'ä', '', 'x'.repeat(250)]) {
      const { status, body } = await ask(running.url, 'POST', `${v3}/register`, {
        username,
        password: 'long enough',
      });
      codes.push([status, body.errcode]);
    }
    expect(codes).toEqual([
      [400, 'M_USER_IN_USE'],
      [400, 'M_USER_IN_USE'],
      ...Array.from({ length: 4 }, () => [400, 'M_INVALID_USERNAME']),
    ]);
  });

  it('gives a name to exactly one of many who want it at once', async () => {
    await using running = await startTestServer();
    const answers = await Promise.all(
      Array.from({ length: 8 }, () =>
        ask(running.url, 'POST', `${v3}/register`, {
          username: 'wanted',
          password: 'correct horse',
          auth: { type: 'm.login.dummy' },
        }),
      ),
    );
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(answers.filter(({ body }) => body.errcode === 'M_USER_IN_USE')).toHaveLength(7);
    expect(await rowCounts(running.server)).toMatchObject({ accounts: 1, devices: 1, token_pairs: 1 });
  });

  it('accepts no guests', async () => {
    await using running = await startTestServer();
    const { status, body } = await ask(running.url, 'POST', `${v3}/register?kind=guest`, {});
    expect([status, body.errcode]).toEqual([403, 'M_FORBIDDEN']);
  });

  it('is closed where the operator closed it', async () => {
    await using running = await startTestServer({ accounts: { registration: 'closed' } });
    for (const [method, path] of [
      ['POST', `${v3}/register`],
      ['GET', `${v3}/register/available?username=ada`],
      ['GET', '/_matrix/client/v1/register/m.login.registration_token/validity?token=x'],
    ] as const) {
      const { status, body } = await ask(running.url, method, path, method === 'POST' ? {} : undefined);
      expect([status, body.errcode]).toEqual([403, 'M_FORBIDDEN']);
    }
  });

  it('refuses a session of user-interactive authentication that it did not open for this', async () => {
    const clock = createManualClock();
    await using running = await startTestServer({}, { clock });
    const { session } = (await ask(running.url, 'POST', `${v3}/register`, {})).body;
    const tryWith = (session: string) =>
      ask(running.url, 'POST', `${v3}/register`, {
        password: 'correct horse',
        auth: { type: 'm.login.dummy', session },
      });
    expect(await tryWith(`B${session.slice(1)}`)).toMatchObject({
      status: 401,
      body: { errcode: 'M_UNKNOWN' },
    });
    await clock.advance(15 * 60_000);
    const late = await tryWith(session);
    expect(late).toMatchObject({ status: 401, body: { errcode: 'M_UNKNOWN', flows: [{}] } });
    expect((await tryWith(late.body.session)).status).toBe(200);
  });
});

describe('registration tokens', () => {
  it('let as many accounts in as they are good for', async () => {
    await using running = await startTestServer({ accounts: { registration: 'token' } });
    const { url, server } = running;
    const { token } = await server.accounts.registrationTokens.create({ usesAllowed: 2, lifetimeMs: null });
    const validity = async (candidate: string) =>
      (
        await ask(
          url,
          'GET',
          `/_matrix/client/v1/register/m.login.registration_token/validity?token=${candidate}`,
        )
      ).body;
    const join = (username: string, candidate: string) =>
      ask(url, 'POST', `${v3}/register`, {
        username,
        password: 'correct horse',
        auth: { type: 'm.login.registration_token', token: candidate },
      });
    expect(await validity(token)).toEqual({ valid: true });
    expect(await validity('other')).toEqual({ valid: false });
    expect(await join('eve', 'other')).toMatchObject({
      status: 401,
      body: { errcode: 'M_UNAUTHORIZED', flows: [{ stages: ['m.login.registration_token'] }] },
    });
    // More people than uses, at the same time: the count is kept in the unit that creates the account.
    const answers = await Promise.all(['a', 'b', 'c', 'd'].map((name) => join(name, token)));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(2);
    expect(answers.filter(({ body }) => body.errcode === 'M_UNAUTHORIZED')).toHaveLength(2);
    expect(await validity(token)).toEqual({ valid: false });
    expect(await rowCounts(server)).toMatchObject({ accounts: 2 });
  });

  it('are not used up by a registration that fails', async () => {
    await using running = await startTestServer({ accounts: { registration: 'token' } });
    const { url, server } = running;
    const { token } = await server.accounts.registrationTokens.create({ usesAllowed: 2, lifetimeMs: null });
    const auth = { type: 'm.login.registration_token', token };
    const both = await Promise.all(
      [0, 1].map(() =>
        ask(url, 'POST', `${v3}/register`, { username: 'ada', password: 'correct horse', auth }),
      ),
    );
    expect(new Set(both.map(({ status }) => status))).toEqual(new Set([200, 400]));
    expect(await server.accounts.registrationTokens.list()).toMatchObject([{ uses: 1 }]);
  });

  it('expire', async () => {
    const clock = createManualClock();
    await using running = await startTestServer({ accounts: { registration: 'token' } }, { clock });
    const { registrationTokens } = running.server.accounts;
    const { token } = await registrationTokens.create({ usesAllowed: null, lifetimeMs: 1_000 });
    expect(await registrationTokens.isValid(token)).toBe(true);
    await clock.advance(1_000);
    expect(await registrationTokens.isValid(token)).toBe(false);
    // The server's own first sweep may come before or after: on shared engines it waits for its lease.
    await registrationTokens.sweepExpired();
    expect(await registrationTokens.list()).toEqual([]);
  });

  it('for the first account are the same at each start until there is one', async () => {
    await using running = await startTestServer({ accounts: { registration: 'token' } });
    const { url, server } = running;
    const token = await server.firstAccountToken();
    expect(await server.firstAccountToken()).toBe(token);
    const join = (username: string, candidate: string | undefined) =>
      ask(url, 'POST', `${v3}/register`, {
        username,
        password: 'correct horse',
        auth: { type: 'm.login.registration_token', token: candidate },
      });
    expect((await join('ada', token)).status).toBe(200);
    expect((await join('bob', token)).status).toBe(401);
    expect(await server.firstAccountToken()).toBeUndefined();
  });
});

describe('login', () => {
  it('names its one flow', async () => {
    await using running = await startTestServer();
    const { body } = await ask(running.url, 'GET', `${v3}/login`);
    expect(body).toEqual({ flows: [{ type: 'm.login.password' }] });
  });

  it('takes a name, a whole user id, and the deprecated spelling', async () => {
    await using running = await startTestServer();
    const { url } = running;
    await register(url, 'ada');
    const password = passwordOf('ada');
    for (const login of [
      { identifier: { type: 'm.id.user', user: 'ada' } },
      { identifier: { type: 'm.id.user', user: '@ada:127.0.0.1' } },
      { identifier: { type: 'm.id.user', user: 'Ada' } },
      { user: 'ada' },
    ]) {
      const answer = await ask(url, 'POST', `${v3}/login`, { type: 'm.login.password', password, ...login });
      expect(answer).toMatchObject({ status: 200, body: { user_id: '@ada:127.0.0.1' } });
    }
  });

  it('answers the same to a wrong password, an unknown name, another server and a deactivated account', async () => {
    await using running = await startTestServer();
    const { url, server } = running;
    await register(url, 'ada');
    await register(url, 'gone');
    await server.accounts.accounts.deactivate('gone');
    const answers = [];
    for (const [user, password] of [
      ['ada', 'wrong'],
      ['nobody', 'wrong'],
      ['@ada:elsewhere.example', passwordOf('ada')],
      ['gone', passwordOf('gone')],
      ['ada', 'x'.repeat(4_000)],
    ] as const) {
      const { status, body } = await ask(url, 'POST', `${v3}/login`, passwordAuth(user, password));
      answers.push(JSON.stringify([status, body]));
    }
    expect(new Set(answers).size).toBe(1);
    expect(answers[0]).toContain('[403,{"errcode":"M_FORBIDDEN"');
  });

  it('continues a device under its id, ending the tokens that it had', async () => {
    await using running = await startTestServer();
    const { url } = running;
    const before = await register(url, 'ada', { device_id: 'PHONE' });
    const { body } = await ask(url, 'POST', `${v3}/login`, {
      ...passwordAuth('ada', passwordOf('ada')),
      device_id: 'PHONE',
    });
    expect(body.device_id).toBe('PHONE');
    const old = await ask(url, 'GET', `${v3}/account/whoami`, undefined, bearer(before.access_token));
    expect([old.status, old.body.errcode]).toEqual([401, 'M_UNKNOWN_TOKEN']);
    expect(await rowCounts(running.server)).toMatchObject({ devices: 1, token_pairs: 1 });
  });

  it('limits attempts on one account from whatever address', async () => {
    await using running = await startTestServer({
      listen: { trustedProxies: ['127.0.0.1'] },
      rateLimits: { login: { burst: 3, perMinute: 1 } },
    });
    const attempt = (address: string) =>
      ask(running.url, 'POST', `${v3}/login`, passwordAuth('ada', 'wrong'), { 'x-forwarded-for': address });
    for (const address of ['192.0.2.1', '192.0.2.2', '192.0.2.3']) {
      expect((await attempt(address)).status).toBe(403);
    }
    const limited = await attempt('192.0.2.4');
    expect(limited).toMatchObject({
      status: 429,
      body: { errcode: 'M_LIMIT_EXCEEDED', retry_after_ms: expect.any(Number) },
    });
    expect(Number(limited.headers.get('retry-after'))).toBe(Math.ceil(limited.body.retry_after_ms / 1_000));
  });
});

describe('refresh', () => {
  const whoami = (url: string, token: string) =>
    ask(url, 'GET', `${v3}/account/whoami`, undefined, bearer(token)).then(({ status }) => status);
  const refresh = (url: string, token: string) =>
    ask(url, 'POST', `${v3}/refresh`, { refresh_token: token }).then(({ status, body }) => ({
      status,
      ...body,
    }));

  it('exchanges a refresh token; the old pair ends with the first use of the new one', async () => {
    await using running = await startTestServer();
    const { url } = running;
    const first = await register(url, 'ada', { refresh_token: true });
    expect(first).toMatchObject({ refresh_token: expect.any(String), expires_in_ms: 3_600_000 });
    const second = await refresh(url, first.refresh_token);
    expect(second).toMatchObject({ status: 200, expires_in_ms: 3_600_000 });
    expect(await whoami(url, first.access_token)).toBe(200);
    expect(await whoami(url, second.access_token)).toBe(200);
    expect(await whoami(url, first.access_token)).toBe(401);
  });

  it('can be repeated when the answer was lost', async () => {
    await using running = await startTestServer();
    const { url } = running;
    const first = await register(url, 'ada', { refresh_token: true });
    const lost = await refresh(url, first.refresh_token);
    const again = await refresh(url, first.refresh_token);
    expect(again.status).toBe(200);
    expect(await whoami(url, lost.access_token)).toBe(401);
    expect(await whoami(url, again.access_token)).toBe(200);
  });

  it('revokes every token of the device when an old refresh token is used after the new one', async () => {
    await using running = await startTestServer();
    const { url, server } = running;
    const first = await register(url, 'ada', { refresh_token: true, device_id: 'PHONE' });
    const other = await ask(url, 'POST', `${v3}/login`, passwordAuth('ada', passwordOf('ada')));
    const second = await refresh(url, first.refresh_token);
    const third = await refresh(url, second.refresh_token);
    expect(third.status).toBe(200);
    expect(await refresh(url, first.refresh_token)).toMatchObject({
      status: 401,
      errcode: 'M_UNKNOWN_TOKEN',
      soft_logout: true,
    });
    expect(await whoami(url, third.access_token)).toBe(401);
    expect((await refresh(url, third.refresh_token)).status).toBe(401);
    expect(await whoami(url, other.body.access_token)).toBe(200);
    expect(await rowCounts(server)).toMatchObject({ devices: 2, token_pairs: 1 });
  });

  it('is needed when the access token has expired, and ends when it has itself', async () => {
    const clock = createManualClock();
    await using running = await startTestServer(
      { accounts: { accessTokenLifetimeMs: 60_000, refreshTokenLifetimeMs: 120_000 } },
      { clock },
    );
    const { url, server } = running;
    const lasting = await register(url, 'bob');
    const first = await register(url, 'ada', { refresh_token: true });
    await clock.advance(60_000);
    const expired = await ask(url, 'GET', `${v3}/account/whoami`, undefined, bearer(first.access_token));
    expect(expired).toMatchObject({ status: 401, body: { errcode: 'M_UNKNOWN_TOKEN', soft_logout: true } });
    const second = await refresh(url, first.refresh_token);
    expect(await whoami(url, second.access_token)).toBe(200);
    await clock.advance(120_000);
    expect((await refresh(url, second.refresh_token)).status).toBe(401);
    expect(await whoami(url, lasting.access_token)).toBe(200);
    await server.accounts.sweepExpired();
    expect(await rowCounts(server)).toMatchObject({ token_pairs: 1 });
  });
});

describe('logout', () => {
  it('ends one device, and logout/all every device', async () => {
    await using running = await startTestServer();
    const { url, server } = running;
    const sessions = [await register(url, 'ada')];
    for (let i = 0; i < 2; i++) {
      sessions.push((await ask(url, 'POST', `${v3}/login`, passwordAuth('ada', passwordOf('ada')))).body);
    }
    const [one, two, three] = sessions.map((session) => bearer(session.access_token));
    expect(await ask(url, 'POST', `${v3}/logout`, undefined, one)).toMatchObject({ status: 200, body: {} });
    expect((await ask(url, 'POST', `${v3}/logout`, undefined, one)).body.errcode).toBe('M_UNKNOWN_TOKEN');
    expect(await rowCounts(server)).toMatchObject({ devices: 2, token_pairs: 2 });
    expect((await ask(url, 'POST', `${v3}/logout/all`, {}, two)).status).toBe(200);
    expect((await ask(url, 'GET', `${v3}/account/whoami`, undefined, three)).status).toBe(401);
    expect(await rowCounts(server)).toMatchObject({ accounts: 1, devices: 0, token_pairs: 0 });
  });
});

describe('account/password', () => {
  it('changes the password for its owner and ends the other devices', async () => {
    await using running = await startTestServer();
    const { url } = running;
    const mine = await register(url, 'ada');
    const other = await ask(url, 'POST', `${v3}/login`, passwordAuth('ada', passwordOf('ada')));
    const change = (body: Record<string, unknown>) =>
      ask(
        url,
        'POST',
        `${v3}/account/password`,
        { new_password: 'a new password', ...body },
        bearer(mine.access_token),
      );

    const asked = await change({});
    expect(asked).toMatchObject({ status: 401, body: { flows: [{ stages: ['m.login.password'] }] } });
    const { session } = asked.body;
    const wrong = await change({ auth: { ...passwordAuth('ada', 'wrong'), session } });
    expect(wrong).toMatchObject({ status: 401, body: { errcode: 'M_FORBIDDEN', session } });
    const someoneElse = await change({ auth: passwordAuth('bob', passwordOf('ada')) });
    expect(someoneElse.body.errcode).toBe('M_FORBIDDEN');
    expect(await change({ auth: { ...passwordAuth('ada', passwordOf('ada')), session } })).toMatchObject({
      status: 200,
      body: {},
    });

    expect((await ask(url, 'GET', `${v3}/account/whoami`, undefined, bearer(mine.access_token))).status).toBe(
      200,
    );
    expect(
      (await ask(url, 'GET', `${v3}/account/whoami`, undefined, bearer(other.body.access_token))).status,
    ).toBe(401);
    expect((await ask(url, 'POST', `${v3}/login`, passwordAuth('ada', passwordOf('ada')))).status).toBe(403);
    expect((await ask(url, 'POST', `${v3}/login`, passwordAuth('ada', 'a new password'))).status).toBe(200);
  });

  it('keeps the other devices when asked to', async () => {
    await using running = await startTestServer();
    const { url } = running;
    const mine = await register(url, 'ada');
    const other = await ask(url, 'POST', `${v3}/login`, passwordAuth('ada', passwordOf('ada')));
    const { status } = await ask(
      url,
      'POST',
      `${v3}/account/password`,
      { new_password: 'a new password', logout_devices: false, auth: passwordAuth('ada', passwordOf('ada')) },
      bearer(mine.access_token),
    );
    expect(status).toBe(200);
    expect(
      (await ask(url, 'GET', `${v3}/account/whoami`, undefined, bearer(other.body.access_token))).status,
    ).toBe(200);
  });
});

describe('account/deactivate', () => {
  it('wipes password, devices and tokens, and keeps the name taken', async () => {
    await using running = await startTestServer();
    const { url, server } = running;
    const { access_token: token } = await register(url, 'ada');
    const deactivate = (body: Record<string, unknown>) =>
      ask(url, 'POST', `${v3}/account/deactivate`, body, bearer(token));
    expect((await deactivate({})).status).toBe(401);
    expect(await deactivate({ auth: passwordAuth('ada', passwordOf('ada')), erase: true })).toMatchObject({
      status: 200,
      body: { id_server_unbind_result: 'success' },
    });
    expect((await ask(url, 'GET', `${v3}/account/whoami`, undefined, bearer(token))).status).toBe(401);
    expect((await ask(url, 'GET', `${v3}/register/available?username=ada`)).body.errcode).toBe(
      'M_USER_IN_USE',
    );
    expect(await rowCounts(server)).toMatchObject({ accounts: 1, devices: 0, token_pairs: 0 });
    const row = await server.store.db.selectFrom('accounts').selectAll().executeTakeFirstOrThrow();
    expect(row.password_hash).toBeNull();
  });
});

describe('what a client asks first', () => {
  it('is told no Matrix version, since there are no rooms, but what there is', async () => {
    await using running = await startTestServer();
    const { body } = await ask(running.url, 'GET', '/_matrix/client/versions');
    expect(body).toEqual({
      versions: [],
      unstable_features: expect.objectContaining({ 'conclave.sealed_groups': true }),
    });
  });

  it('is told where the server is', async () => {
    await using running = await startTestServer({ publicUrl: 'https://chat.example.org' });
    const { body } = await ask(running.url, 'GET', '/.well-known/matrix/client');
    expect(body).toEqual({ 'm.homeserver': { base_url: 'https://chat.example.org' } });
    expect(running.server.serverName).toBe('chat.example.org');
  });

  it('is told its capabilities when logged in', async () => {
    await using running = await startTestServer();
    const { access_token: token } = await register(running.url, 'ada');
    const { body } = await ask(running.url, 'GET', `${v3}/capabilities`, undefined, bearer(token));
    expect(body.capabilities['m.change_password']).toEqual({ enabled: true });
    expect(body.capabilities['m.set_displayname']).toEqual({ enabled: false });
    expect((await ask(running.url, 'GET', `${v3}/register/available?username=eve`)).body).toEqual({
      available: true,
    });
  });
});

describe('what the database holds of an account', () => {
  it('is neither the password nor any token', async () => {
    await using running = await startTestServer();
    const { url, server } = running;
    const { access_token, refresh_token } = await register(url, 'ada', { refresh_token: true });
    const rows = [
      await server.store.db.selectFrom('accounts').selectAll().execute(),
      await server.store.db.selectFrom('token_pairs').selectAll().execute(),
    ].map((value) =>
      JSON.stringify(value, (_, field) =>
        field instanceof Uint8Array ? Buffer.from(field).toString('latin1') : field,
      ),
    );
    for (const secret of [passwordOf('ada'), access_token, refresh_token]) {
      expect(rows.join()).not.toContain(secret);
    }
    expect(rows[0]).toContain('$argon2id$v=19$m=19456,t=2,p=1$');
  });
});
