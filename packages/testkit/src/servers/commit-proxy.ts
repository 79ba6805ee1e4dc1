/**
 * A proxy between a store and PostgreSQL that knows one message of the protocol, COMMIT, and decides what becomes of it and of its
 * answer.
 */
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/** What becomes of the next COMMIT that a client sends. */
export type CommitFate =
  /** It arrives; its answer does not. */
  | 'answer lost'
  /** It does not arrive; the database hears that the client is gone. */
  | 'commit lost'
  /** It does not arrive, and the database hears of nothing: the transaction stays open with all its locks. */
  | 'left open';

const commitMessage = Buffer.from('commit\0');

export class CommitProxy implements AsyncDisposable {
  readonly #listener = createServer((client) => this.#join(client));
  readonly #sockets = new Set<Socket>();
  readonly #target: URL;
  /** Each holds for one COMMIT. */
  readonly fates: CommitFate[] = [];
  /** Called when a COMMIT has met its fate. */
  onFate: () => void = () => {};
  /** New connections are refused. */
  isDown = false;

  constructor(target: string) {
    this.#target = new URL(target);
  }

  async listen(): Promise<string> {
    this.#listener.listen(0, '127.0.0.1');
    await once(this.#listener, 'listening');
    const url = new URL(this.#target);
    url.port = String((this.#listener.address() as AddressInfo).port);
    return url.href;
  }

  cutAll(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.cutAll();
    this.#listener.close();
    await once(this.#listener, 'close');
  }

  #join(client: Socket): void {
    if (this.isDown) {
      client.destroy();
      return;
    }
    const server = connect(Number(this.#target.port), this.#target.hostname);
    for (const socket of [client, server]) {
      this.#sockets.add(socket);
      socket.on('error', () => socket.destroy());
      socket.on('close', () => this.#sockets.delete(socket));
    }
    let isDeaf = false;
    server.on('data', (chunk) => isDeaf || client.write(chunk));
    client.on('data', (chunk: Buffer) => {
      const fate = chunk.includes(commitMessage) ? this.fates.shift() : undefined;
      if (fate === undefined) {
        server.write(chunk);
        return;
      }
      isDeaf = true;
      if (fate === 'answer lost') {
        server.once('data', () => {
          client.destroy();
          this.onFate();
        });
        server.write(chunk);
        return;
      }
      if (fate === 'commit lost') server.destroy();
      client.destroy();
      this.onFate();
    });
    client.on('close', () => isDeaf || server.destroy());
    server.on('close', () => client.destroy());
  }
}
