/**
 * A TCP proxy that can fail: the network between one process and one engine.
 *
 * ```
 *   process ──▶ link ──▶ engine      open      octets pass
 *           ──▶ ╳                    cut()     connections are reset, new ones too
 *           ──▶ ║                    stall()   connections stay and nothing passes: what a lost route looks like
 * ```
 *
 * It is part of the process that makes it and listens on 127.0.0.1 only. It keeps nothing: octets that were under way
 * when a connection was reset are lost, as in a network.
 */
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

export interface LinkTarget {
  readonly host: string;
  readonly port: number;
}

export interface Link extends AsyncDisposable {
  readonly name: string;
  /** On 127.0.0.1; the same until the link is disposed of. */
  readonly port: number;
  /** Open connections of clients. */
  readonly connections: number;
  cut(): void;
  stall(): void;
  /** Connections that were stalled go on; those that were cut have to be made again. */
  restore(): void;
}

interface Pair {
  readonly client: Socket;
  readonly server: Socket;
}

/** @param port to listen on; 0 lets the system choose. */
export async function startLink(name: string, target: LinkTarget, port = 0): Promise<Link> {
  let state: 'open' | 'cut' | 'stalled' = 'open';
  const pairs = new Set<Pair>();

  const flow = ({ client, server }: Pair): void => {
    client.pipe(server);
    server.pipe(client);
  };
  const hold = ({ client, server }: Pair): void => {
    client.unpipe(server).pause();
    server.unpipe(client).pause();
  };
  const drop = ({ client, server }: Pair): void => {
    client.resetAndDestroy();
    server.resetAndDestroy();
  };

  const listener = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
    if (state === 'cut') {
      client.on('error', ignoreReset).resetAndDestroy();
      return;
    }
    // The engine hears of a client that came while the link was stalled, but of nothing that it says.
    const pair = { client, server: connect({ ...target, allowHalfOpen: true, noDelay: true }) };
    pairs.add(pair);
    for (const socket of [pair.client, pair.server]) {
      socket.on('error', () => drop(pair));
      socket.once('close', (hadError) => {
        pairs.delete(pair);
        if (hadError) drop(pair);
      });
    }
    if (state === 'open') flow(pair);
    else hold(pair);
  });
  listener.listen({ host: '127.0.0.1', port });
  await once(listener, 'listening');

  return {
    name,
    port: (listener.address() as AddressInfo).port,
    get connections() {
      return pairs.size;
    },
    cut() {
      state = 'cut';
      for (const pair of pairs) drop(pair);
    },
    stall() {
      if (state !== 'open') return;
      state = 'stalled';
      for (const pair of pairs) hold(pair);
    },
    restore() {
      if (state === 'stalled') for (const pair of pairs) flow(pair);
      state = 'open';
    },
    async [Symbol.asyncDispose]() {
      if (!listener.listening) return;
      const closed = once(listener, 'close');
      listener.close();
      for (const pair of pairs) drop(pair);
      await closed;
    },
  };
}

/** A socket that is being reset may report it; nobody is interested. */
function ignoreReset(): void {}
