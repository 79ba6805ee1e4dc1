/** What the client of Centrifugo's API does with answers of all kinds; against a real Centrifugo it is tested elsewhere. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { systemClock } from '@conclave/platform';
import { describe, expect, it } from 'vitest';
import { createCentrifugoApi, type CentrifugoApi } from './centrifugo-api.ts';

interface Asked {
  readonly path: string;
  readonly key: string | undefined;
  readonly body: unknown;
}

/** An HTTP server that answers as told, one answer after the other; the last one again and again. */
async function serve(
  timeoutMs: number,
  ...answers: ((response: ServerResponse) => void)[]
): Promise<{ api: CentrifugoApi; asked: Asked[] } & AsyncDisposable> {
  const asked: Asked[] = [];
  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    asked.push({
      path: request.url ?? '',
      key: request.headers['x-api-key'] as string | undefined,
      body: JSON.parse(Buffer.concat(chunks).toString()),
    });
    const answer = answers[Math.min(asked.length, answers.length) - 1];
    answer?.(response);
  };
  const server = createServer((request, response) => void handle(request, response));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    api: createCentrifugoApi({
      apiUrl: `http://127.0.0.1:${port}/`,
      apiKey: 'the-key',
      clock: systemClock,
      timeoutMs,
      attempts: 3,
      pauseMs: 1,
    }),
    asked,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

const ok = (result: object) => (response: ServerResponse) => void response.end(JSON.stringify({ result }));
const status = (code: number) => (response: ServerResponse) => void response.writeHead(code).end('secret?');
const text = (body: string) => (response: ServerResponse) => void response.end(body);
const refusal = (code: number) => text(JSON.stringify({ error: { code, message: 'x' } }));
const silence = (): void => {};
const cut = (response: ServerResponse): void => void response.destroy();

describe('a call', () => {
  it('names what is to be done, with the key', async () => {
    await using served = await serve(10_000, ok({}));
    await served.api.unsubscribe({ channel: 'group:a.0', user: '' });
    await served.api.disconnect({ user: '', client: 'c1' });
    expect(served.asked).toEqual([
      { path: '/api/unsubscribe', key: 'the-key', body: { channel: 'group:a.0', user: '' } },
      { path: '/api/disconnect', key: 'the-key', body: { user: '', client: 'c1' } },
    ]);
  });

  it('reads nodes and channels, and takes what is left out for nothing', async () => {
    await using served = await serve(
      10_000,
      ok({ nodes: [{ uid: 'u', name: 'n', version: '6', num_clients: 3, num_channels: 2, uptime: 5 }] }),
      ok({ channels: { 'group:a.0': { num_clients: 3 }, 'group:b.0': {} } }),
    );
    expect(await served.api.info()).toEqual([
      { name: 'n', version: '6', clients: 3, channels: 2, subscriptions: 0, uptimeSeconds: 5 },
    ]);
    expect([...(await served.api.channels('group:*'))]).toEqual([
      ['group:a.0', 3],
      ['group:b.0', 0],
    ]);
    expect(served.asked[1]?.body).toEqual({ pattern: 'group:*' });
  });
});

describe('a failure', () => {
  it.each([
    ['a 503', status(503)],
    ['an internal error', refusal(100)],
    ['a cut connection', cut],
    ['no answer', silence],
  ])('that may pass (%s) is tried again', async (_, failure) => {
    await using served = await serve(200, failure, failure, ok({}));
    await served.api.unsubscribe({ channel: 'group:a.0', user: '' });
    expect(served.asked).toHaveLength(3);
  });

  it.each([
    ['no answer', silence, 'CENTRIFUGO_UNREACHABLE'],
    ['a 500', status(500), 'CENTRIFUGO_REFUSED'],
  ])('that does not pass (%s) is told after the last attempt', async (_, failure, code) => {
    await using served = await serve(200, failure);
    await expect(served.api.info()).rejects.toMatchObject({ code, isTransient: true });
    expect(served.asked).toHaveLength(3);
  });

  it.each([
    ['a wrong key', status(401), 'CENTRIFUGO_REFUSED'],
    ['an unknown channel', refusal(102), 'CENTRIFUGO_REFUSED'],
    ['no JSON', text('<html>'), 'CENTRIFUGO_BAD_ANSWER'],
    ['no answer of the API', text('[]'), 'CENTRIFUGO_BAD_ANSWER'],
    ['another shape', ok({ nodes: 'many' }), 'CENTRIFUGO_BAD_ANSWER'],
    ['too much', text('x'.repeat(5 * 1024 * 1024)), 'CENTRIFUGO_BAD_ANSWER'],
    [
      'a redirection',
      (response: ServerResponse) => void response.writeHead(302, { location: '/elsewhere' }).end(),
      'CENTRIFUGO_UNREACHABLE',
    ],
  ])('that will stay (%s) is told without the key', async (_, failure, code) => {
    await using served = await serve(10_000, failure);
    const error: unknown = await served.api.info().catch((caught: unknown) => caught);
    expect(error).toMatchObject({ code });
    expect(String((error as Error).stack)).not.toContain('the-key');
  });
});
