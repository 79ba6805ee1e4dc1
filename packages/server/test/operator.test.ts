/** Operator commands against a running server. */
import { describe, expect, it } from 'vitest';
import { createOperatorClient, OperatorError } from '../src/index.ts';
import { ask, register, rowCounts, startTestServer, type TestServer } from './test-server.ts';

function clientOf({ dataDirectory, adminUrl }: TestServer) {
  const { hostname, port } = new URL(adminUrl);
  return createOperatorClient({
    dataDirectory,
    secretsFile: null,
    admin: { enabled: true, host: hostname, port: Number(port) },
  });
}

describe('the operator', () => {
  it('makes, lists and revokes registration tokens', async () => {
    await using running = await startTestServer({ accounts: { registration: 'token' } });
    const operator = clientOf(running);
    const { id, token } = await operator.createRegistrationToken({ usesAllowed: 3, lifetimeMs: 60_000 });
    expect(token).toMatch(/^[a-z2-7]{6}(-[a-z2-7]{6}){3}$/);
    expect(await operator.listRegistrationTokens()).toEqual([
      expect.objectContaining({ id, purpose: 'operator', uses: 0, usesAllowed: 3 }),
    ]);
    await register(running.url, 'ada', { auth: { type: 'm.login.registration_token', token } });
    expect(await operator.listRegistrationTokens()).toMatchObject([{ uses: 1 }]);
    expect(await operator.revokeRegistrationToken(id)).toBe(true);
    expect(await operator.revokeRegistrationToken(id)).toBe(false);
    expect(await running.server.accounts.registrationTokens.isValid(token)).toBe(false);
  });

  it('deactivates an account', async () => {
    await using running = await startTestServer();
    await register(running.url, 'ada');
    const operator = clientOf(running);
    expect(await operator.deactivateAccount('ada')).toBe(true);
    expect(await operator.deactivateAccount('ada')).toBe(false);
    expect(await rowCounts(running.server)).toMatchObject({ devices: 0, token_pairs: 0 });
  });

  it('sees how the gateway stands', async () => {
    await using running = await startTestServer();
    const operator = clientOf(running);
    const node = { name: 'this process', clients: 0, channels: 0, subscriptions: 0 };
    expect(await operator.describeGateway()).toEqual({ engine: 'embedded', nodes: [node] });
    await operator.disconnectClient('nobody');
  });

  it('sees how the relay stands, and decides about rows that the bus kept refusing', async () => {
    await using running = await startTestServer({ relay: { shards: 3 } });
    const operator = clientOf(running);
    const isHeld = async () => (await operator.relayStatus()).shards.every(({ holder }) => holder !== null);
    // With several processes leases come after the start, and their holders have names.
    await expect.poll(isHeld, { timeout: 20_000 }).toBe(true);
    const { shards, parked_rows } = await operator.relayStatus();
    expect(parked_rows).toBe(0);
    const own = running.server.store.engine === 'sqlite' ? 'this process' : shards[0]!.holder;
    expect(
      shards.map(({ shard, holder, token, pending_rows }) => [shard, holder, token, pending_rows]),
    ).toEqual([0, 1, 2].map((shard) => [shard, own, 1, 0]));
    await running.server.store.write(async (trx) => {
      for (let id = 1; id <= 250; id += 1) {
        const row = { id, subject: 'events.group.1', ordering_key: 'a', message_id: `m.${id}`, attempts: 10 };
        await trx
          .insertInto('outbox_parked')
          .values({ ...row, payload: new Uint8Array(), error_code: 'BUS_TOO_LARGE', parked_at_ms: 1 })
          .execute();
      }
    });
    expect((await operator.relayStatus()).parked_rows).toBe(250);
    expect((await operator.listParked()).map(({ id }) => id)).toEqual(
      Array.from({ length: 250 }, (_, i) => i + 1),
    );
    expect([await operator.discardParked(7), await operator.discardParked(7)]).toEqual([true, false]);
    expect([await operator.unpark(8), await operator.unpark(8)]).toEqual([true, false]);
    expect((await operator.relayStatus()).parked_rows).toBe(248);
    for (const id of [Number.NaN, -1, 1.5, 2 ** 60]) {
      await expect(operator.unpark(id)).rejects.toThrow('status 400');
      await expect(operator.discardParked(id)).rejects.toThrow('status 400');
    }
  });

  it('is whoever can read the secrets file, and nobody else', async () => {
    await using running = await startTestServer();
    await using other = await startTestServer();
    const path = '/_conclave/operator/v1/registration_tokens';
    for (const headers of [
      {},
      { authorization: 'Bearer x' },
      { authorization: `Bearer ${'A'.repeat(43)}` },
    ]) {
      const { status, body } = await ask(running.adminUrl, 'GET', path, undefined, headers);
      expect([status, body.errcode]).toEqual([401, 'M_MISSING_TOKEN']);
    }
    const stranger = clientOf({ ...other, adminUrl: running.adminUrl });
    await expect(stranger.listRegistrationTokens()).rejects.toThrow(OperatorError);
    expect((await ask(running.url, 'GET', path)).status).toBe(404);
  });

  it('is told when there is no server, or no data', async () => {
    await using running = await startTestServer();
    const operator = clientOf(running);
    await running.server.close();
    await expect(operator.listRegistrationTokens()).rejects.toThrow('is it running');
    expect(() => clientOf({ ...running, dataDirectory: `${running.dataDirectory}/nowhere` })).toThrow(
      OperatorError,
    );
  });
});
