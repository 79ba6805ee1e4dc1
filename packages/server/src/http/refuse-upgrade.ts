import type { Duplex } from 'node:stream';

/** Answers an upgrade request for a path that has none, and ends the socket. */
export function refuseUpgrade(socket: Duplex): void {
  const body = JSON.stringify({ errcode: 'M_UNRECOGNIZED', error: 'There is no such route' });
  // A reset while the refusal is being written must not end the process.
  socket.on('error', () => socket.destroy());
  socket.end(
    `HTTP/1.1 404 Not Found\r\nContent-Type: application/json; charset=utf-8\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`,
  );
}
