import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startLink, type Link } from './link.ts';

describe('a link', () => {
  let echoPort: number;
  let link: Link;
  const closers: (() => void)[] = [];

  beforeEach(async () => {
    const sockets = new Set<Socket>();
    const echo = createServer((socket) => {
      sockets.add(socket);
      socket.on('error', () => socket.destroy());
      socket.pipe(socket);
    });
    echo.listen(0, '127.0.0.1');
    await once(echo, 'listening');
    echoPort = (echo.address() as AddressInfo).port;
    closers.push(() => {
      for (const socket of sockets) socket.destroy();
      echo.close();
    });
    link = await startLink('process to echo', { host: '127.0.0.1', port: echoPort });
  });
  afterEach(async () => {
    await link[Symbol.asyncDispose]();
    for (const close of closers.splice(0)) close();
  });

  async function open(): Promise<Socket> {
    const socket = connect({ host: '127.0.0.1', port: link.port });
    closers.push(() => socket.destroy());
    await once(socket, 'connect');
    return socket;
  }
  async function echoed(socket: Socket, text: string): Promise<string> {
    socket.write(text);
    const [answer] = (await once(socket, 'data')) as [Buffer];
    return answer.toString('utf8');
  }

  it('passes octets both ways, and the end of one side', async () => {
    const socket = await open();
    expect(await echoed(socket, 'one')).toBe('one');
    socket.end();
    await once(socket, 'end');
    await expect.poll(() => link.connections).toBe(0);
  });

  it('resets connections when it is cut, old and new, until it is restored', async () => {
    const socket = await open();
    expect(await echoed(socket, 'one')).toBe('one');
    link.cut();
    await expect(once(socket, 'data')).rejects.toMatchObject({ code: 'ECONNRESET' });
    const second = connect({ host: '127.0.0.1', port: link.port });
    await expect(once(second, 'data')).rejects.toMatchObject({ code: 'ECONNRESET' });
    expect(link.connections).toBe(0);
    link.restore();
    expect(await echoed(await open(), 'two')).toBe('two');
  });

  it('keeps everything back while it is stalled, and lets it pass after', async () => {
    const socket = await open();
    expect(await echoed(socket, 'one')).toBe('one');
    link.stall();
    const late = await open();
    let heard = '';
    for (const each of [socket, late]) each.on('data', (chunk: Buffer) => (heard += chunk.toString('utf8')));
    socket.write('old ');
    late.write('new ');
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(heard).toBe('');
    link.restore();
    await expect.poll(() => [...heard.matchAll(/old |new /g)].length).toBe(2);
  });

  it('resets the client when there is no engine', async () => {
    const nowhere = await startLink('process to nothing', { host: '127.0.0.1', port: 1 });
    const socket = connect({ host: '127.0.0.1', port: nowhere.port });
    await expect(once(socket, 'data')).rejects.toMatchObject({ code: 'ECONNRESET' });
    await nowhere[Symbol.asyncDispose]();
  });
});
