/**
 * Refusals over HTTP, before a connection exists. The body has Matrix's error shape and codes.
 */
import { STATUS_CODES, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';

const REFUSALS = {
  400: { errcode: 'M_BAD_JSON', error: 'A connect command is missing or malformed.' },
  403: { errcode: 'M_FORBIDDEN', error: 'This origin is not allowed.' },
  404: { errcode: 'M_NOT_FOUND', error: 'The session does not belong to this node.' },
  405: { errcode: 'M_UNRECOGNIZED', error: 'The method is not supported here.' },
  413: { errcode: 'M_TOO_LARGE', error: 'The request is too large.' },
  429: { errcode: 'M_LIMIT_EXCEEDED', error: 'Too many connections from this address.' },
  503: { errcode: 'M_UNKNOWN', error: 'The gateway takes no more connections now.' },
} as const;

export type RefusalStatus = keyof typeof REFUSALS;

export function refuseRequest(response: ServerResponse, status: RefusalStatus): void {
  const body = JSON.stringify(REFUSALS[status]);
  response.writeHead(status, {
    'Content-Type': 'application/json',
    'Content-Length': Buffer.byteLength(body),
    // A body that was not read to its end must not become the next request.
    Connection: 'close',
  });
  response.end(body);
}

export function refuseUpgrade(socket: Duplex, status: RefusalStatus): void {
  // Node.js leaves the sockets of HTTP servers half open: without this a refused client could keep its socket.
  socket.once('finish', () => socket.destroy());
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
}
