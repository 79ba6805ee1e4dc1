/**
 * A way to a server that becomes silent just after a connection was made: what the server says passes up to the first chunk
 * for which `after` holds, and is held back from then on.
 */
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

export interface SilentProxy extends AsyncDisposable {
  /** On 127.0.0.1. */
  readonly port: number;
  /** For connections that are made from now on. */
  isSilent: boolean;
  /** Connections that are or were held back. */
  readonly silenced: number;
  /** What was held back passes. */
  releaseAll(): void;
  cutAll(): void;
  close(): Promise<void>;
}

/** `after` is asked once for each connection. */
export async function startSilentProxy(
  port: number,
  after: () => (chunk: Buffer) => boolean,
): Promise<SilentProxy> {
  let silenced = 0;
  const sockets = new Set<Socket>();
  const held = new Set<() => void>();
  const listener = createServer((client) => {
    const server = connect(port, '127.0.0.1');
    for (const socket of [client, server]) {
      sockets.add(socket);
      socket.on('error', () => socket.destroy());
      socket.on('close', () => {
        sockets.delete(socket);
        client.destroy();
        server.destroy();
      });
    }
    let waiting: Buffer[] | undefined;
    let isLast = proxy.isSilent ? after() : never;
    client.pipe(server);
    server.on('data', (chunk) => {
      if (waiting !== undefined) {
        waiting.push(chunk);
        return;
      }
      client.write(chunk);
      if (!isLast(chunk)) return;
      isLast = never;
      waiting = [];
      silenced += 1;
      const pass = () => {
        held.delete(pass);
        for (const late of waiting ?? []) client.write(late);
        waiting = undefined;
      };
      held.add(pass);
      client.on('close', () => held.delete(pass));
    });
  });
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  let closing: Promise<void> | undefined;
  const proxy: SilentProxy = {
    port: (listener.address() as AddressInfo).port,
    isSilent: false,
    get silenced() {
      return silenced;
    },
    releaseAll() {
      for (const pass of held) pass();
    },
    cutAll() {
      for (const socket of sockets) socket.destroy();
    },
    close() {
      closing ??= (async () => {
        const closed = once(listener, 'close');
        listener.close();
        proxy.cutAll();
        await closed;
      })();
      return closing;
    },
    [Symbol.asyncDispose]: () => proxy.close(),
  };
  return proxy;
}

function never(): boolean {
  return false;
}
