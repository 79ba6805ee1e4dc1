/** Read-only mode of a whole server: what is refused, what goes on, and that it ends by itself. */
import { writeFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { createOperatorClient, createServer, parseConfig } from '../src/index.ts';
import { moveRecordFile, writeMoveRecord } from '../src/migrate-store/move-record.ts';
import { ask, bearer, register, rowCounts, startTestServer, type TestServer } from './test-server.ts';

function operatorOf({ dataDirectory, adminUrl }: TestServer) {
  const { hostname, port } = new URL(adminUrl);
  return createOperatorClient({
    dataDirectory,
    secretsFile: null,
    admin: { enabled: true, host: hostname, port: Number(port) },
  });
}

const postTransfer = async (url: string) => {
  const answer = await fetch(`${url}/_conclave/transfer/v1`, {
    method: 'POST',
    headers: { 'content-type': 'application/octet-stream' },
    body: 'x',
  });
  return [
    answer.status,
    ((await answer.json()) as { errcode?: string }).errcode,
    answer.headers.get('retry-after'),
  ];
};

describe('read-only mode', () => {
  test('refuses what would change something, answers the rest, and stays ready', async () => {
    await using running = await startTestServer();
    const { url } = running;
    const { access_token: token } = await register(url, 'ada');
    const operator = operatorOf(running);
    expect(await operator.readOnly()).toEqual({ readOnly: false, session: null, endsInMs: null });
    const { session, endsInMs } = await operator.beginReadOnly(60_000);
    expect(endsInMs).toBeGreaterThan(50_000);
    const before = await rowCounts(running.server);
    expect(await postTransfer(url)).toEqual([503, 'CONCLAVE_READ_ONLY', '2']);
    const whoami = await ask(url, 'GET', '/_matrix/client/v3/account/whoami', undefined, bearer(token));
    expect(whoami.status).toBe(200);
    expect((await ask(url, 'GET', '/ready')).status).toBe(200);
    expect(await rowCounts(running.server)).toEqual(before);
    expect(await operator.endReadOnly('another')).toBe(false);
    expect(await operator.endReadOnly(session!)).toBe(true);
    expect((await postTransfer(url))[0]).toBe(201);
  });

  test('ends by itself when nobody prolongs it', async () => {
    await using running = await startTestServer();
    const operator = operatorOf(running);
    const first = await operator.beginReadOnly(100);
    await expect.poll(async () => (await postTransfer(running.url))[0], { timeout: 10_000 }).toBe(201);
    const second = await operator.beginReadOnly(60_000);
    expect(second.session).not.toBe(first.session);
  });
});

describe('a database that was moved', () => {
  test('takes nothing more, and the server does not start on it again', async () => {
    await using running = await startTestServer();
    const { dataDirectory } = running;
    const operator = operatorOf(running);
    const { session } = await operator.beginReadOnly(60_000);
    await expect(operator.retireMoved(session!, 'postgres://db/conclave')).rejects.toThrow('refused');
    writeMoveRecord(dataDirectory, { move: 'A'.repeat(16), state: 'moving', to: '' });
    expect(await operator.retireMoved('another', 'postgres://db/conclave')).toBe(false);
    expect(await operator.retireMoved(session!, 'postgres://db/conclave')).toBe(true);
    expect(await operator.endReadOnly(session!)).toBe(false);
    expect(await operator.readOnly()).toEqual({ readOnly: true, session, endsInMs: null });
    expect((await postTransfer(running.url))[1]).toBe('CONCLAVE_READ_ONLY');
    await running.server.close();

    await expect(createServer(parseConfig({ dataDirectory }))).rejects.toMatchObject({
      problems: [
        expect.objectContaining({
          problem: expect.stringContaining('moved to postgres://db/conclave'),
          remedy: expect.stringContaining(moveRecordFile(dataDirectory)),
        }),
      ],
    });
    await writeFile(moveRecordFile(dataDirectory), '{"state":');
    await expect(createServer(parseConfig({ dataDirectory }))).rejects.toMatchObject({
      problems: [expect.objectContaining({ problem: expect.stringContaining('cannot be understood') })],
    });
    writeMoveRecord(dataDirectory, { move: 'A'.repeat(16), state: 'moving', to: '' });
    await (await createServer(parseConfig({ dataDirectory, serverName: '127.0.0.1' }))).close();
  });
});
