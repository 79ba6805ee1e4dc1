/** What is below frames: bodies that are too large, too short or too slow, types and routes that do not exist, garbage on the gateway. */
import { setTimeout as sleep } from 'node:timers/promises';
import { systemRandom } from '@conclave/platform';
import { frameLimits } from '@conclave/sealed-group';
import { WebSocket } from 'ws';
import { assault } from '../assault.ts';
import { rawRequest, requestHead } from '../raw-http.ts';
import { openArena } from '../stage.ts';
import type { Stage } from '../stage.ts';

const octetStream = { 'content-type': 'application/octet-stream' };
const json = { 'content-type': 'application/json' };

export async function abuseHttp(stage: Stage): Promise<void> {
  const arena = await openArena(stage, 'the group behind HTTP', { people: [] });
  const mallory = arena.founder;
  const frames = `${mallory.member.path}/frames`;
  const { url } = stage;
  const text = (content: string, encoding: BufferEncoding = 'utf8') =>
    rawRequest(url, (socket) => void socket.write(content, encoding));

  const requests: readonly (readonly [
    name: string,
    expects: readonly string[],
    run: () => Promise<string>,
  ])[] = [
    ['a frame as JSON', ['415 CONCLAVE_UNSUPPORTED_MEDIA_TYPE'], () => text(withBody(frames, json, '{}'))],
    [
      'a frame as text',
      ['415 CONCLAVE_UNSUPPORTED_MEDIA_TYPE'],
      () => text(withBody(frames, { 'content-type': 'text/plain' }, 'hello')),
    ],
    [
      'a frame of no type',
      ['415 CONCLAVE_UNSUPPORTED_MEDIA_TYPE'],
      () => text(withBody(frames, {}, 'hello')),
    ],
    [
      'a frame as a form',
      ['415 CONCLAVE_UNSUPPORTED_MEDIA_TYPE'],
      () => text(withBody(frames, { 'content-type': 'multipart/form-data; boundary=x' }, '--x--')),
    ],
    [
      'a good frame, compressed',
      ['400 CONCLAVE_FRAME_MALFORMED', '415 CONCLAVE_UNSUPPORTED_MEDIA_TYPE'],
      () =>
        text(
          withBody(frames, { ...octetStream, 'content-encoding': 'gzip' }, '\u001f\u008b\u0008not really'),
        ),
    ],
    [
      'a body that ends early',
      ['400 CONCLAVE_BAD_HTTP', 'closed'],
      () =>
        rawRequest(url, (socket) => {
          socket.end(`${requestHead('POST', frames, { ...octetStream, 'content-length': 1_000 })}half of it`);
        }),
    ],
    [
      'a body that arrives one byte at a time',
      ['408 CONCLAVE_REQUEST_TIMEOUT', 'closed'],
      () =>
        rawRequest(url, async (socket) => {
          socket.write(requestHead('POST', frames, { ...octetStream, 'content-length': 1_000 }));
          await drip(socket);
        }),
    ],
    [
      'headers that arrive one byte at a time',
      ['408 CONCLAVE_REQUEST_TIMEOUT', 'closed'],
      () =>
        rawRequest(url, async (socket) => {
          socket.write(`POST ${frames} HTTP/1.1\r\nx-slow: `);
          await drip(socket);
        }),
    ],
    [
      'a body without a length and without an end',
      ['413 M_TOO_LARGE'],
      () =>
        rawRequest(url, async (socket) => {
          socket.write(requestHead('POST', frames, { ...octetStream, 'transfer-encoding': 'chunked' }));
          const chunk = (length: number): Buffer =>
            Buffer.concat([
              Buffer.from(`${length.toString(16)}\r\n`),
              Buffer.alloc(length),
              Buffer.from('\r\n'),
            ]);
          for (let sent = 0; sent < frameLimits.maxFrameBytes; sent += 65_536) {
            socket.write(chunk(65_536));
            await sleep(1);
          }
          // What crosses the limit is small, and the last: who goes on writing may meet the end of the connection before it reads the answer.
          socket.write(chunk(2));
        }),
    ],
    [
      'a length of 10 GiB',
      ['413 M_TOO_LARGE'],
      () => text(requestHead('POST', frames, { ...octetStream, 'content-length': 10 * 2 ** 30 })),
    ],
    [
      'a negative length',
      ['400 CONCLAVE_BAD_HTTP'],
      () => text(requestHead('POST', frames, { ...octetStream, 'content-length': -1 })),
    ],
    [
      'a length and chunks, as smugglers do',
      ['400 CONCLAVE_BAD_HTTP'],
      () =>
        text(
          `${requestHead('POST', frames, { ...octetStream, 'content-length': 5, 'transfer-encoding': 'chunked' })}0\r\n\r\n`,
        ),
    ],
    [
      'headers of 64 KiB',
      ['431 CONCLAVE_HEADERS_TOO_LARGE'],
      () => text(requestHead('GET', '/', { 'x-large': 'x'.repeat(65_536) })),
    ],
    ['no HTTP at all', ['400 CONCLAVE_BAD_HTTP'], () => text('\u0016\u0003\u0001\u0002\u0000 hello\r\n\r\n')],
    [
      'a path of 100,000 characters',
      ['414 M_TOO_LARGE', '431 CONCLAVE_HEADERS_TOO_LARGE'],
      () => text(requestHead('GET', `/${'x'.repeat(100_000)}`, {})),
    ],
    [
      'a group id of 2,000 characters',
      ['414 M_TOO_LARGE'],
      () => text(withBody(`/_conclave/sealed/v1/groups/${'A'.repeat(2_000)}/frames`, octetStream, 'x')),
    ],
    [
      'a path that climbs out',
      ['404 M_UNRECOGNIZED'],
      () => text(requestHead('GET', '/../../../etc/passwd', {})),
    ],
    [
      'a route that is not there',
      ['404 M_UNRECOGNIZED'],
      () => text(requestHead('GET', '/_conclave/sealed/v1/secrets', {})),
    ],
    ['a method that is not there', ['405 M_UNRECOGNIZED'], () => text(requestHead('DELETE', frames, {}))],
    [
      'JSON of 1,000 brackets',
      ['400 M_NOT_JSON', '413 M_TOO_LARGE', '400 M_BAD_JSON'],
      () => text(withBody(`${mallory.member.path}/token`, json, '['.repeat(1_000))),
    ],
    [
      'JSON of the wrong types',
      ['400 M_BAD_JSON'],
      () =>
        text(withBody(`${mallory.member.path}/token`, json, '{"challenge":[],"node":"1","signature":{}}')),
    ],
    [
      'JSON that is no UTF-8',
      ['400 M_NOT_JSON'],
      () =>
        text(withBody(`${mallory.member.path}/token`, json, '{"challenge":"\u00ff"}', 'latin1'), 'latin1'),
    ],
    [
      'JSON with a prototype',
      ['400 M_BAD_JSON', '400 M_MISSING_PARAM'],
      () =>
        text(
          withBody(
            `${mallory.member.path}/token`,
            json,
            '{"__proto__":{"challenge":"x","node":1,"signature":"x"}}',
          ),
        ),
    ],
    [
      'an upgrade where there is none',
      ['404 M_UNRECOGNIZED', '400 CONCLAVE_BAD_HTTP', '404', '400', 'closed'],
      () =>
        text(
          requestHead('GET', frames, {
            connection: 'upgrade',
            upgrade: 'websocket',
            'sec-websocket-version': 13,
            'sec-websocket-key': 'AAAAAAAAAAAAAAAAAAAAAA==',
          }),
        ),
    ],
  ];
  const control = async (): Promise<string | undefined> => {
    const frame = Buffer.from(mallory.member.prepareText('as it should be').frame);
    const answer = await rawRequest(url, (socket) => {
      socket.write(requestHead('POST', frames, { ...octetStream, 'content-length': frame.length }));
      socket.write(frame);
    });
    return answer === '200' ? undefined : `answered ${answer}`;
  };
  // Half of them wait for the server's patience to end: all at once.
  await Promise.all(
    requests.map(([name, expects, run]) =>
      assault(stage, { part: 'HTTP', name, target: 'surface/http', expects, run, control }),
    ),
  );
}

export async function abuseGateway(stage: Stage): Promise<void> {
  const arena = await openArena(stage, 'the group behind the gateway', { people: [] });
  const other = await openArena(stage, 'the group next to it', { people: [] });
  const mine = await arena.founder.member.subscribe();
  const theirs = await other.founder.member.subscribe();
  const { url } = stage;
  const connectWith = (token: string): string => JSON.stringify({ id: 1, connect: { token } });
  const subscribeTo = (channel: string, token: string): string =>
    JSON.stringify({ id: 2, subscribe: { channel, token } });
  const good = connectWith(mine.connection_token);
  const forged = forgeToken(mine.connection_token);

  const dialogues: readonly (readonly [
    name: string,
    expects: readonly string[],
    messages: readonly (string | Uint8Array)[],
    protocol?: string,
  ])[] = [
    ['no JSON', ['closed 3501'], ['garbage']],
    ['random octets as text', ['closed 3501', 'closed 1007'], [Buffer.from(systemRandom.bytes(200))]],
    ['random octets as protobuf', ['closed 3501'], [systemRandom.bytes(200)], 'centrifuge-protobuf'],
    [
      'a command before the connection',
      ['closed 3501'],
      [subscribeTo(mine.channel, mine.subscription_token)],
    ],
    ['two connects', ['closed 3501'], [good, good]],
    ['a token that nobody issued', ['closed 3500'], [connectWith(forged)]],
    ['an unsigned token', ['closed 3500'], [connectWith(unsignedToken())]],
    [
      'a token of the log as that of the feed',
      ['closed 3500'],
      [connectWith(await arena.founder.member.newReadToken())],
    ],
    ['a message of 4 MiB', ['closed 1009', 'closed 3501'], ['x'.repeat(4 << 20)]],
    ['a thousand commands in one message', ['closed 3501'], [good, commands(1_000)]],
    [
      'five thousand commands in a burst',
      ['closed 3013'],
      [good, ...Array.from({ length: 10 }, () => commands(500))],
    ],
    ['JSON of 100,000 brackets', ['closed 3501', 'closed 1009'], ['['.repeat(100_000)]],
    ['another group’s channel without a token', ['error 103'], [good, subscribeTo(theirs.channel, '')]],
    [
      'another group’s channel with its own token',
      ['closed 3500', 'error 103'],
      [good, subscribeTo(theirs.channel, mine.subscription_token)],
    ],
    [
      'a connection token as that of the channel',
      ['closed 3500', 'error 103'],
      [good, subscribeTo(mine.channel, mine.connection_token)],
    ],
    ['a channel outside all groups', ['error 102', 'error 107'], [good, subscribeTo('secrets:1', '')]],
    [
      'to publish',
      ['error 103'],
      [good, JSON.stringify({ id: 2, publish: { channel: mine.channel, data: {} } })],
    ],
  ];
  const control = async (): Promise<string | undefined> => {
    const answer = await talk(url, [good, subscribeTo(mine.channel, mine.subscription_token)]);
    return answer === 'subscribed' ? undefined : answer;
  };
  for (const [name, expects, messages, protocol] of dialogues) {
    await assault(stage, {
      part: 'the gateway',
      name,
      target: 'surface/gateway',
      expects,
      run: () => talk(url, messages, protocol),
      control,
    });
  }
}

/** What becomes of a connection on which these messages are sent: how it ends, or the first error or subscription. */
function talk(url: string, messages: readonly (string | Uint8Array)[], protocol?: string): Promise<string> {
  const socket = new WebSocket(`${url.replace('http', 'ws')}/connection/websocket`, protocol ?? [], {
    perMessageDeflate: false,
  });
  return new Promise((resolve) => {
    const timer = setTimeout(() => finish('silent'), 10_000);
    const finish = (end: string): void => {
      clearTimeout(timer);
      socket.terminate();
      resolve(end);
    };
    socket.on('open', () => {
      for (const message of messages) socket.send(message, { binary: protocol !== undefined });
    });
    socket.on('message', (data: Buffer) => {
      const text = data.toString('utf8');
      const error = /"error":\{"code":(\d+)/.exec(text)?.[1];
      // Of a burst of commands the first are answered one by one; what becomes of the connection is the answer.
      if (error !== undefined && !String(messages[1]).includes('"rpc"')) finish(`error ${error}`);
      else if (text.includes('"subscribe":')) finish('subscribed');
    });
    socket.on('close', (code) => finish(`closed ${code}`));
    socket.on('error', (error) => finish(`failed ${error.message}`));
  });
}

/** Procedure calls, which are always refused: a client that goes on with them is sent away. */
function commands(count: number): string {
  return Array.from({ length: count }, (_, index) => `{"id":${index + 9},"rpc":{"method":"x"}}`).join('\n');
}

function withBody(
  path: string,
  headers: Readonly<Record<string, string>>,
  body: string,
  encoding: BufferEncoding = 'utf8',
): string {
  return `${requestHead('POST', path, { ...headers, 'content-length': Buffer.byteLength(body, encoding) })}${body}`;
}

/** A byte every fifth of a second, until the other side has had enough. */
async function drip(socket: { readonly destroyed: boolean; write(data: string): boolean }): Promise<void> {
  while (!socket.destroyed) {
    socket.write('x');
    await sleep(200);
  }
}

/** The same claims under a key of one’s own. */
function forgeToken(token: string): string {
  const [head, claims] = token.split('.');
  return `${head}.${claims}.${Buffer.from(systemRandom.bytes(32)).toString('base64url')}`;
}

function unsignedToken(): string {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  return `${part({ alg: 'none', typ: 'JWT' })}.${part({ sub: 'anybody', exp: 4_000_000_000 })}.`;
}
