/** HTTP as no honest client speaks it: octets on a socket, at whatever pace. */
import { connect } from 'node:net';
import type { Socket } from 'node:net';

export interface RawOptions {
  readonly timeoutMs?: number;
  /** The address that the server shall see. */
  readonly localAddress?: string;
}

/**
 * Opens a connection, lets `send` write to it, and gives the first answer as `400 CONCLAVE_BAD_HTTP`; `closed` if the server
 * ends the connection without one, `silent` if nothing comes within the time.
 */
export function rawRequest(
  url: string,
  send: (socket: Socket) => void | Promise<void>,
  { timeoutMs = 15_000, localAddress }: RawOptions = {},
): Promise<string> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve) => {
    const socket = connect({
      host: hostname,
      port: Number(port),
      // Half-open: what is cut off shall still be answered.
      allowHalfOpen: true,
      ...(localAddress === undefined ? {} : { localAddress }),
    });
    let received = '';
    const timer = setTimeout(() => finish('silent'), timeoutMs);
    const finish = (answer: string): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(answer);
    };
    socket.on('data', (chunk: Buffer) => {
      received += chunk.toString('latin1');
      const answer = parseAnswer(received);
      if (answer !== undefined) finish(answer);
    });
    socket.on('end', () => finish(parseAnswer(received, true) ?? 'closed'));
    socket.on('close', () => finish(parseAnswer(received, true) ?? 'closed'));
    // A server that has had enough resets the connection while we write: that is its answer.
    socket.on('error', () => finish(parseAnswer(received, true) ?? 'closed'));
    socket.on('connect', () => {
      Promise.resolve(send(socket)).catch(() => finish('closed'));
    });
  });
}

/** Undefined while the answer is not complete. */
function parseAnswer(text: string, isOver = false): string | undefined {
  const end = text.indexOf('\r\n\r\n');
  const status = /^HTTP\/1\.1 (\d{3})/.exec(text)?.[1];
  if (end === -1 || status === undefined) return undefined;
  const length = Number(/\r\ncontent-length: (\d+)/i.exec(text)?.[1] ?? 0);
  const body = text.slice(end + 4);
  if (body.length < length && !isOver) return undefined;
  const code = /"errcode":"([A-Z_]+)"/.exec(body)?.[1];
  return code === undefined ? status : `${status} ${code}`;
}

export function requestHead(
  method: string,
  path: string,
  headers: Readonly<Record<string, string | number>>,
): string {
  const lines = Object.entries({ host: 'conclave.test', ...headers }).map(
    ([name, value]) => `${name}: ${value}`,
  );
  return `${method} ${path} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`;
}
