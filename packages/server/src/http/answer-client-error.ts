/**
 * Answers for requests that never became one: broken HTTP, oversized headers, a body that takes too long. Node
 * hands over the bare socket.
 */
import type { Socket } from 'node:net';
import { STATUS_CODES } from 'node:http';
import type { ErrorCode } from '../errors/error-registry.ts';

export function answerClientError(error: Error & { code?: string }, socket: Socket): void {
  if (socket.destroyed || !socket.writable || error.code === 'ECONNRESET') {
    socket.destroy();
    return;
  }
  const { status, code, text } = describe(error.code);
  const body = JSON.stringify({ errcode: code, error: text });
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nContent-Type: application/json; charset=utf-8\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
    () => socket.destroy(),
  );
}

function describe(code: string | undefined): { status: number; code: ErrorCode; text: string } {
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') {
    return { status: 408, code: 'CONCLAVE_REQUEST_TIMEOUT', text: 'The request did not arrive in time' };
  }
  if (code === 'HPE_HEADER_OVERFLOW') {
    return { status: 431, code: 'CONCLAVE_HEADERS_TOO_LARGE', text: 'The headers are too large' };
  }
  return { status: 400, code: 'CONCLAVE_BAD_HTTP', text: 'This is not well-formed HTTP' };
}
