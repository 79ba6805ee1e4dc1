/** The one-read store over real sockets. */
import { connect } from 'node:net';
import { once } from 'node:events';
import { createManualClock } from '@conclave/platform/testing';
import { describe, expect, it } from 'vitest';
import { rowCounts, startTestServer, type TestServer } from './test-server.ts';

const path = '/_conclave/transfer/v1';
const octets = { 'content-type': 'application/octet-stream' };

async function create({ url }: TestServer, body: string, query = '') {
  const response = await fetch(`${url}${path}${query}`, { method: 'POST', headers: octets, body });
  return { status: response.status, body: await response.json() };
}

async function read({ url }: TestServer, id: string) {
  const response = await fetch(`${url}${path}/${id}/read`, { method: 'POST' });
  return { status: response.status, type: response.headers.get('content-type'), text: await response.text() };
}

const nothing = { transfers: 0, transferBytes: 0, transferCount: 0 };

describe('a transfer', () => {
  it('is handed out once, and then is as if it had never been', async () => {
    await using running = await startTestServer();
    const { status, body } = await create(running, 'a sealed invite', '?ttl_ms=60000');
    expect(status).toBe(201);
    expect(body).toEqual({
      id: expect.stringMatching(/^[A-Za-z0-9_-]{22}$/),
      expires_at: expect.any(Number),
    });
    expect(await read(running, body.id)).toEqual({
      status: 200,
      type: 'application/octet-stream',
      text: 'a sealed invite',
    });
    const second = await read(running, body.id);
    const never = await read(running, 'AAAAAAAAAAAAAAAAAAAAAA');
    expect(second).toEqual(never);
    expect(second.status).toBe(404);
    expect(JSON.parse(second.text).errcode).toBe('CONCLAVE_TRANSFER_GONE');
    expect(await rowCounts(running.server)).toMatchObject(nothing);
  });

  it('goes to exactly one of fifty who read at the same time', async () => {
    await using running = await startTestServer();
    const { body } = await create(running, 'for one of you');
    const answers = await Promise.all(Array.from({ length: 50 }, () => read(running, body.id)));
    expect(answers.filter(({ status, text }) => status === 200 && text === 'for one of you')).toHaveLength(1);
    expect(answers.filter(({ status }) => status === 404)).toHaveLength(49);
    expect(await rowCounts(running.server)).toMatchObject(nothing);
  });

  it('cannot be had with GET, listed, or read by the hash that the table holds', async () => {
    await using running = await startTestServer();
    const { body } = await create(running, 'x');
    expect((await fetch(`${running.url}${path}/${body.id}/read`)).status).toBe(405);
    expect((await fetch(`${running.url}${path}`)).status).toBe(405);
    const row = await running.server.store.db
      .selectFrom('transfers')
      .select('id_hash')
      .executeTakeFirstOrThrow();
    expect((await read(running, Buffer.from(row.id_hash).toString('base64url'))).status).toBe(404);
    expect((await read(running, body.id)).status).toBe(200);
  });

  it('keeps octets as they are', async () => {
    await using running = await startTestServer();
    const sent = Uint8Array.from({ length: 256 }, (_, value) => value);
    const response = await fetch(running.url + path, { method: 'POST', headers: octets, body: sent });
    const { id } = (await response.json()) as { id: string };
    const received = await fetch(`${running.url}${path}/${id}/read`, { method: 'POST' });
    expect(new Uint8Array(await received.arrayBuffer())).toEqual(sent);
  });

  it('expires at its time for readers, and is then swept away', async ({ skip }) => {
    const clock = createManualClock();
    await using running = await startTestServer({ jobs: { sweepIntervalMs: 10_000 } }, { clock });
    skip(
      running.server.store.engine !== 'sqlite',
      'sweeps begin with a lease there, which comes in real time',
    );
    const short = await create(running, 'short', '?ttl_ms=1000');
    const long = await create(running, 'longer', '?ttl_ms=50000');
    expect(short.body.expires_at).toBe(clock.nowMs() + 1_000);
    await clock.advance(1_000);
    expect((await read(running, short.body.id)).status).toBe(404);
    expect(await rowCounts(running.server)).toMatchObject({ transfers: 2, transferBytes: 11 });
    await clock.advance(9_000);
    await expect
      .poll(() => rowCounts(running.server), { timeout: 20_000 })
      .toMatchObject({
        transfers: 1,
        transferBytes: 6,
        transferCount: 1,
      });
    expect((await read(running, long.body.id)).text).toBe('longer');
  });

  it('is swept in batches however many there are', async () => {
    const clock = createManualClock();
    await using running = await startTestServer({}, { clock });
    await Promise.all(Array.from({ length: 510 }, () => create(running, 'x', '?ttl_ms=1')));
    await clock.advance(60_000);
    await expect.poll(() => rowCounts(running.server), { timeout: 20_000 }).toMatchObject(nothing);
  });
});

describe('creating a transfer', () => {
  it('is refused when it is empty, too large, of another type, or wanted for too long, and leaves nothing', async () => {
    await using running = await startTestServer({ transfers: { maxBytes: 100, maxTtlMs: 86_400_000 } });
    const post = async (query: string, headers: Record<string, string>, body: string) => {
      const response = await fetch(running.url + path + query, { method: 'POST', headers, body });
      return [response.status, (await response.json()).errcode];
    };
    expect(await post('', octets, '')).toEqual([400, 'CONCLAVE_TRANSFER_EMPTY']);
    expect(await post('', octets, 'x'.repeat(101))).toEqual([413, 'M_TOO_LARGE']);
    expect(await post('', { 'content-type': 'application/json' }, '{}')).toEqual([
      415,
      'CONCLAVE_UNSUPPORTED_MEDIA_TYPE',
    ]);
    expect(await post('', { 'content-type': 'text/plain' }, 'x')).toEqual([
      415,
      'CONCLAVE_UNSUPPORTED_MEDIA_TYPE',
    ]);
    for (const ttl of ['0', '-1', '1.5', '86400001', 'soon', '9'.repeat(30)]) {
      expect(await post(`?ttl_ms=${ttl}`, octets, 'x')).toEqual([400, 'M_INVALID_PARAM']);
    }
    expect(await rowCounts(running.server)).toMatchObject(nothing);
    expect((await create(running, 'x'.repeat(100))).status).toBe(201);
  });

  it('respects both quotas under concurrency, and frees them by reading', async () => {
    await using running = await startTestServer({
      transfers: { maxBytes: 10, quotaBytes: 55, quotaCount: 7 },
    });
    const large = await Promise.all(Array.from({ length: 20 }, () => create(running, '0123456789')));
    const stored = large.filter(({ status }) => status === 201);
    expect(stored).toHaveLength(5);
    expect(large.filter(({ body }) => body.errcode === 'CONCLAVE_TRANSFER_QUOTA')).toHaveLength(15);
    const small = await Promise.all(Array.from({ length: 5 }, () => create(running, 'x')));
    expect(small.filter(({ status }) => status === 201)).toHaveLength(2);
    expect(await rowCounts(running.server)).toMatchObject({
      transfers: 7,
      transferBytes: 52,
      transferCount: 7,
    });
    await read(running, stored[0]?.body.id);
    expect((await create(running, '0123456789')).status).toBe(201);
  });

  it('that is broken off leaves nothing', async () => {
    await using running = await startTestServer();
    const socket = connect(running.server.port, '127.0.0.1');
    await once(socket, 'connect');
    socket.write(
      `POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/octet-stream\r\nContent-Length: 1000\r\n\r\nhalf`,
    );
    // Answered requests on another connection show that the first part was taken in meanwhile.
    await create(running, 'other');
    socket.destroy();
    await create(running, 'other');
    expect(await rowCounts(running.server)).toMatchObject({ transfers: 2, transferBytes: 10 });
  });

  it('that is too slow is cut off with a code and leaves nothing', async () => {
    await using running = await startTestServer({ listen: { requestTimeoutMs: 200 } });
    const socket = connect(running.server.port, '127.0.0.1');
    let answer = '';
    socket.setEncoding('utf8').on('data', (text: string) => (answer += text));
    socket.write(
      `POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/octet-stream\r\nContent-Length: 1000\r\n\r\nslow`,
    );
    await once(socket, 'close');
    expect(answer).toMatch(/^HTTP\/1\.1 408 Request Timeout\r\n/);
    expect(answer).toContain('"errcode":"CONCLAVE_REQUEST_TIMEOUT"');
    expect(await rowCounts(running.server)).toMatchObject(nothing);
  });
});
