/**
 * A response that does not end: the server-to-client half of HTTP streaming and both kinds of SSE.
 *
 * The client's half, where there is one, comes as requests to the emulation endpoint (emulation.ts).
 */
import type { ServerResponse } from 'node:http';
import type { WireFormat } from '../wire/codec.ts';
import { Connection } from '../connection.ts';
import type { GatewayContext } from '../context.ts';
import type { Transport } from './transport.ts';

export interface HttpResponseTransportOptions {
  readonly name: 'http_stream' | 'sse' | 'uni_sse';
  readonly format: WireFormat;
  readonly contentType: string;
}

/** `undefined`: the client went away while its request was read. */
export function openStream(
  context: GatewayContext,
  response: ServerResponse,
  options: HttpResponseTransportOptions,
): Connection | undefined {
  if (response.destroyed) return undefined;
  const connection = new Connection(context, new HttpResponseTransport(response, options));
  response.once('close', () => connection.transportClosed());
  response.on('error', (error: Error & { code?: string }) => {
    context.log?.debug({ client: connection.clientId, error: error.code ?? error.name }, 'stream error');
  });
  return connection;
}

class HttpResponseTransport implements Transport {
  readonly name: 'http_stream' | 'sse' | 'uni_sse';
  readonly format: WireFormat;
  readonly emulation: boolean;
  readonly unidirectional: boolean;
  readonly #response: ServerResponse;

  /** Sends the headers at once: the client's `open` does not wait for the connect reply. */
  constructor(response: ServerResponse, { name, format, contentType }: HttpResponseTransportOptions) {
    this.#response = response;
    this.name = name;
    this.format = format;
    this.unidirectional = name === 'uni_sse';
    this.emulation = !this.unidirectional;
    response.socket?.setNoDelay(true);
    response.writeHead(200, {
      'Content-Type': contentType,
      'Cache-Control': 'private, no-cache, no-store, must-revalidate, max-age=0',
      // nginx would otherwise hold replies back until its buffer is full.
      'X-Accel-Buffering': 'no',
    });
    response.flushHeaders();
  }

  write(frames: readonly Buffer[]): void {
    // The peer may be gone before Node.js says so.
    if (this.#response.destroyed || this.#response.writableEnded) return;
    this.#response.cork();
    for (const frame of frames) this.#response.write(frame);
    this.#response.uncork();
  }

  bufferedBytes(): number {
    return this.#response.writableLength;
  }

  close(): void {
    this.#response.end();
  }

  destroy(): void {
    this.#response.destroy();
  }
}
