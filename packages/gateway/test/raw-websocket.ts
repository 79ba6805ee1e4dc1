/**
 * A WebSocket without the official client's good manners: it sends what a test tells it to.
 */
import { once } from 'node:events';
import { WebSocket, type ClientOptions } from 'ws';
import type { Served } from './serve-gateway.ts';

export interface RawClient extends Disposable {
  readonly socket: WebSocket;
  /** Everything received, one entry per WebSocket message. */
  readonly messages: string[];
  readonly closed: Promise<{ code: number; reason: string }>;
  send(...commands: unknown[]): void;
  /** Resolves with the reply to the command with this id. */
  reply(id: number): Promise<any>;
  /** Connects at the protocol's level and returns the connect result. */
  connect(token?: string): Promise<any>;
}

export async function openRaw(served: Served, options: ClientOptions = {}): Promise<RawClient> {
  const socket = new WebSocket(`${served.url.replace('http:', 'ws:')}/connection/websocket`, options);
  const messages: string[] = [];
  const waiting = new Set<() => void>();
  socket.on('message', (data: Buffer) => {
    messages.push(data.toString());
    for (const wake of waiting) wake();
  });
  const closed = new Promise<{ code: number; reason: string }>((resolve) => {
    socket.on('close', (code, reason) => resolve({ code, reason: reason.toString() }));
  });
  socket.on('error', () => {});
  await once(socket, 'open');

  const client: RawClient = {
    socket,
    messages,
    closed,
    send: (...commands) => socket.send(commands.map((command) => JSON.stringify(command)).join('\n')),
    async reply(id) {
      for (;;) {
        const replies = messages.flatMap((message) => message.split('\n')).map((line) => JSON.parse(line));
        const found = replies.find((reply) => reply.id === id);
        if (found) return found;
        await new Promise<void>((resolve) => {
          const wake = (): void => {
            waiting.delete(wake);
            resolve();
          };
          waiting.add(wake);
        });
      }
    },
    async connect(token) {
      client.send({ id: 1, connect: { token: token ?? (await served.connectionToken()) } });
      return await client.reply(1);
    },
    [Symbol.dispose]: () => socket.terminate(),
  };
  return client;
}
