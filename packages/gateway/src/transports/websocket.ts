/**
 * WebSocket: `ws` does the handshake and reads; frames are written to its socket as they were built.
 *
 * Writing beside `ws` is sound because nothing here is compressed: `ws` then writes its own frames (pong, close)
 * at once and whole, so frames cannot interleave.
 */
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer, type WebSocket } from 'ws';
import type { Disconnect } from '../codes.ts';
import { Connection } from '../connection.ts';
import type { GatewayContext } from '../context.ts';
import type { WireFormat } from '../wire/codec.ts';
import { webSocketJson, webSocketProtobuf } from '../wire/formats.ts';
import type { Transport } from './transport.ts';

const PROTOBUF_SUBPROTOCOL = 'centrifuge-protobuf';
const JSON_SUBPROTOCOL = 'centrifuge-json';

export interface WebSocketEndpoint {
  accept(request: IncomingMessage, socket: Duplex, head: Buffer, place: Disposable): void;
}

export function createWebSocketEndpoint(context: GatewayContext): WebSocketEndpoint {
  const server = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    maxPayload: context.limits.maxFrameBytes,
    handleProtocols: (offered) =>
      [PROTOBUF_SUBPROTOCOL, JSON_SUBPROTOCOL].find((protocol) => offered.has(protocol)) ?? false,
  });
  return {
    accept(request, socket, head, place) {
      // Also when the handshake fails and no WebSocket comes of it.
      socket.once('close', () => place[Symbol.dispose]());
      server.handleUpgrade(request, socket, head, (webSocket) => {
        const format = webSocket.protocol === PROTOBUF_SUBPROTOCOL ? webSocketProtobuf : webSocketJson;
        serve(context, webSocket, socket, format);
      });
    },
  };
}

function serve(context: GatewayContext, webSocket: WebSocket, socket: Duplex, format: WireFormat): void {
  const connection = new Connection(context, new WebSocketTransport(webSocket, socket, format));
  // Node.js gives buffers: `binaryType` is its default.
  webSocket.on('message', (data: Buffer) => connection.receive(data));
  // A frame that violates the protocol; `ws` answers with the right close code itself (1002, 1007, 1009).
  webSocket.on('error', (error: Error & { code?: string }) => {
    context.log?.debug({ client: connection.clientId, error: error.code ?? error.name }, 'websocket error');
  });
  webSocket.on('close', () => connection.transportClosed());
}

class WebSocketTransport implements Transport {
  readonly name = 'websocket';
  readonly emulation = false;
  readonly unidirectional = false;
  readonly format: WireFormat;
  readonly #webSocket: WebSocket;
  readonly #socket: Duplex;

  constructor(webSocket: WebSocket, socket: Duplex, format: WireFormat) {
    this.#webSocket = webSocket;
    this.#socket = socket;
    this.format = format;
  }

  write(frames: readonly Buffer[]): void {
    // After a close frame no data frame may follow (RFC 6455, 5.5.1).
    if (this.#webSocket.readyState !== this.#webSocket.OPEN || !this.#socket.writable) return;
    this.#socket.cork();
    for (const frame of frames) this.#socket.write(frame);
    this.#socket.uncork();
  }

  bufferedBytes(): number {
    return this.#socket.writableLength;
  }

  close({ code, reason }: Disconnect): void {
    this.#webSocket.close(code, reason);
  }

  destroy(): void {
    this.#webSocket.terminate();
  }
}
