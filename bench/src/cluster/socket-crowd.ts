/**
 * Thousands of subscribers of one channel in one process: bare sockets that cut what they receive into frames (RFC 6455, section 5.2),
 * find a mark in them and parse nothing, so that they leave the cores to the gateway. Every publication holds the mark once.
 */
import { once } from 'node:events';
import { connect } from 'node:net';

export interface CrowdRequest {
  readonly kind: 'open';
  readonly port: number;
  readonly count: number;
  readonly token: string;
  readonly channel: string;
}

/** Publications heard by all subscribers together, and how many subscribers were lost, by reason. */
export interface CrowdCount {
  readonly heard: number;
  readonly ended: Readonly<Record<string, number>>;
}

export const mark = Buffer.from('@@mark@@');
const ping = Buffer.from('{}');
const newLine = 0x0a;
const batch = 100;

if (process.send !== undefined) serve(process.send.bind(process));

function serve(tell: (message: object) => boolean): void {
  const ended = new Map<string, number>();
  let heard = 0;
  process.on('message', (message: CrowdRequest | { kind: 'count' }) => {
    if (message.kind === 'count') {
      tell({ heard, ended: Object.fromEntries(ended) } satisfies CrowdCount);
      return;
    }
    void openAll(message).then(
      () => tell({ kind: 'ready' }),
      (error: unknown) => tell({ kind: 'failed', reason: String(error) }),
    );
  });
  process.on('disconnect', () => process.exit(0));

  async function openAll(request: CrowdRequest): Promise<void> {
    for (let opened = 0; opened < request.count; opened += batch) {
      const some = Math.min(batch, request.count - opened);
      await Promise.all(Array.from({ length: some }, () => openOne(request)));
    }
  }

  async function openOne({ port, token, channel }: CrowdRequest): Promise<void> {
    const socket = connect(port, '127.0.0.1');
    await once(socket, 'connect');
    socket.write(
      `GET /connection/websocket HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
        'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n',
    );
    let greeting = '';
    while (!greeting.includes('\r\n\r\n')) greeting += String(((await once(socket, 'data')) as [Buffer])[0]);
    if (!greeting.startsWith('HTTP/1.1 101')) throw new Error(`not upgraded: ${greeting.slice(0, 200)}`);
    const commands = [
      { id: 1, connect: { token } },
      { id: 2, subscribe: { channel } },
    ];
    socket.write(maskedFrame(commands.map((command) => JSON.stringify(command)).join('\n')));
    let replies = '';
    while (!replies.includes('"id":2')) replies += String(((await once(socket, 'data')) as [Buffer])[0]);
    if (replies.includes('"error"')) throw new Error(replies.slice(0, 500));
    const pong = maskedFrame('{}');
    const frames = new FrameReader();
    socket.on('data', (chunk: Buffer) => {
      for (const payload of frames.read(chunk)) {
        for (let at = payload.indexOf(mark); at !== -1; at = payload.indexOf(mark, at + mark.length))
          heard += 1;
        // One pong for each ping, never one more: Centrifugo ends a connection that answers what it did not ask.
        if (holdsPing(payload)) socket.write(pong);
      }
    });
    let why = 'closed by the gateway';
    socket.on('error', ({ message }) => (why = message));
    socket.on('close', () => ended.set(why, (ended.get(why) ?? 0) + 1));
  }
}

/** Cuts what a server sends into the payloads of its frames, which come unmasked and unfragmented. */
class FrameReader {
  #rest: Buffer = Buffer.alloc(0);

  *read(chunk: Buffer): Iterable<Buffer> {
    let octets = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    for (;;) {
      const short = octets.length < 2 ? 0 : (octets[1] ?? 0);
      const header = short < 126 ? 2 : short === 126 ? 4 : 10;
      if (octets.length < header) break;
      const length =
        short < 126 ? short : short === 126 ? octets.readUInt16BE(2) : Number(octets.readBigUInt64BE(2));
      if (octets.length < header + length) break;
      yield octets.subarray(header, header + length);
      octets = octets.subarray(header + length);
    }
    this.#rest = Buffer.from(octets);
  }
}

/** A gateway's ping is a line `{}`, which may share its frame with others. */
function holdsPing(payload: Buffer): boolean {
  for (let at = payload.indexOf(ping); at !== -1; at = payload.indexOf(ping, at + ping.length)) {
    const end = at + ping.length;
    const begins = at === 0 || payload[at - 1] === newLine;
    if (begins && (end === payload.length || payload[end] === newLine)) return true;
  }
  return false;
}

/** A client's frame, masked with zeros. */
function maskedFrame(text: string): Buffer {
  const payload = Buffer.from(text);
  const length =
    payload.length < 126 ? [0x80 | payload.length] : [0x80 | 126, payload.length >> 8, payload.length & 0xff];
  return Buffer.concat([Buffer.from([0x81, ...length, 0, 0, 0, 0]), payload]);
}
