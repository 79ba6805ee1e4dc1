/**
 * A codec turns messages into bytes and back; a wire format adds what a transport puts around them.
 *
 * ```
 *   Reply ──codec.encodeReply──▶ message bytes ──format.frame──▶ bytes for the socket
 * ```
 *
 * Both are stateless, so that one publication is encoded and framed once per format for all its subscribers.
 */
import type { Publication, Reply } from '../protocol.ts';

export type DecodedFrame =
  | { readonly ok: true; readonly commands: readonly unknown[] }
  | { readonly ok: false };

export interface Codec {
  readonly name: 'json' | 'protobuf';
  encodeReply(reply: Reply): Buffer;
  /** The same bytes as `encodeReply({ push: { channel, pub } })`, without its cost. */
  encodePublication(channel: string, publication: Publication): Buffer;
  /** Splits a frame into commands in the protocol's JSON form, not validated yet. Never throws. */
  decodeCommands(frame: Uint8Array, maxCommands: number): DecodedFrame;
}

export interface WireFormat {
  readonly name: string;
  readonly codec: Codec;
  /** Joins messages into one piece for the transport. `messages` is not empty. */
  frame(messages: readonly Buffer[]): Buffer;
  /** A server ping, framed. */
  readonly ping: Buffer;
}
