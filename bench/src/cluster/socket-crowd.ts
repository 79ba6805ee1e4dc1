/**
 * Thousands of subscribers of one channel in one process: bare sockets that find a mark in what they receive and parse nothing, so
 * that they leave the cores to the gateway. Every publication holds the mark once.
 */
import { once } from 'node:events';
import { connect } from 'node:net';
import type { Socket } from 'node:net';

export interface CrowdRequest {
  readonly kind: 'open';
  readonly port: number;
  readonly count: number;
  readonly token: string;
  readonly channel: string;
}

export const mark = Buffer.from('@@mark@@');
/** `{}` in a frame of its own; it may also be the first or the last line of another. */
const pingFrame = Buffer.from([0x81, 2, 0x7b, 0x7d]);
const batch = 100;

if (process.send !== undefined) serve(process.send.bind(process));

function serve(tell: (message: object) => boolean): void {
  const sockets: Socket[] = [];
  let heard = 0;
  process.on('message', (message: CrowdRequest | { kind: 'count' }) => {
    if (message.kind === 'count') {
      tell({ heard, open: sockets.filter(({ destroyed }) => !destroyed).length });
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
    sockets.push(socket);
    await once(socket, 'connect');
    socket.write(
      `GET /connection/websocket HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
        'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n',
    );
    await once(socket, 'data');
    const commands = [
      { id: 1, connect: { token } },
      { id: 2, subscribe: { channel } },
    ];
    socket.write(maskedFrame(commands.map((command) => JSON.stringify(command)).join('\n')));
    let replies = '';
    while (!replies.includes('"id":2')) replies += String(((await once(socket, 'data')) as [Buffer])[0]);
    if (replies.includes('"error"')) throw new Error(replies.slice(0, 500));
    let tail: Buffer = Buffer.alloc(0);
    const pong = maskedFrame('{}');
    socket.on('data', (chunk: Buffer) => {
      // The mark may be cut in two by the network.
      const octets = tail.length === 0 ? chunk : Buffer.concat([tail, chunk]);
      let from = 0;
      for (let at = octets.indexOf(mark); at !== -1; at = octets.indexOf(mark, from)) {
        heard += 1;
        from = at + mark.length;
      }
      tail = Buffer.from(octets.subarray(Math.max(from, octets.length - mark.length + 1)));
      if (octets.includes(pingFrame) || octets.includes('\n{}') || octets.includes('{}\n'))
        socket.write(pong);
    });
    socket.on('error', () => socket.destroy());
  }
}

/** A client's frame, masked with zeros. */
function maskedFrame(text: string): Buffer {
  const payload = Buffer.from(text);
  const length =
    payload.length < 126 ? [0x80 | payload.length] : [0x80 | 126, payload.length >> 8, payload.length & 0xff];
  return Buffer.concat([Buffer.from([0x81, ...length, 0, 0, 0, 0]), payload]);
}
