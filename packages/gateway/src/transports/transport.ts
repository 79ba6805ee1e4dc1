/**
 * What carries one connection's bytes: a WebSocket, or an HTTP response with requests beside it.
 */
import type { Disconnect } from '../codes.ts';
import type { WireFormat } from '../wire/codec.ts';

export interface Transport {
  readonly name: 'websocket' | 'http_stream' | 'sse' | 'uni_sse';
  readonly format: WireFormat;
  /** Commands come as requests to the emulation endpoint. */
  readonly emulation: boolean;
  /** The client sends nothing after its connect request, so it cannot answer pings. */
  readonly unidirectional: boolean;
  /** Writes in one system call where the socket takes it. */
  write(frames: readonly Buffer[]): void;
  /** Bytes written that the operating system has not taken yet. */
  bufferedBytes(): number;
  /** Ends the stream after what was written, telling the reason if the transport has a way of its own. */
  close(disconnect: Disconnect): void;
  /** Destroys the socket, whatever is still to be sent. */
  destroy(): void;
}
