/**
 * The wire formats: each codec inside each transport's framing.
 */
import type { WireFormat } from './codec.ts';
import { jsonCodec, uniJsonCodec } from './json-codec.ts';
import { protobufCodec } from './protobuf-codec.ts';
import { encodeWebSocketFrame } from './websocket-frame.ts';

const NEWLINE = Buffer.from('\n');
const EVENT_START = Buffer.from('data: ');
const EVENT_END = Buffer.from('\n\n');
const TEXT = 0x1;
const BINARY = 0x2;

/** One text message; several replies are lines of it. */
export const webSocketJson: WireFormat = withPing({
  name: 'websocket-json',
  codec: jsonCodec,
  frame: (messages) =>
    encodeWebSocketFrame(
      TEXT,
      messages.flatMap((message, index) => (index === 0 ? [message] : [NEWLINE, message])),
    ),
});

/** One binary message; replies carry their lengths. */
export const webSocketProtobuf: WireFormat = withPing({
  name: 'websocket-protobuf',
  codec: protobufCodec,
  frame: (messages) => encodeWebSocketFrame(BINARY, messages),
});

/** Every reply is a line. */
export const httpStreamJson: WireFormat = withPing({
  name: 'http-stream-json',
  codec: jsonCodec,
  frame: (messages) => Buffer.concat(messages.flatMap((message) => [message, NEWLINE])),
});

export const httpStreamProtobuf: WireFormat = withPing({
  name: 'http-stream-protobuf',
  codec: protobufCodec,
  frame: (messages) => Buffer.concat(messages),
});

/** Every reply is an event. JSON text has no newline outside of strings, so it fits into one `data` line. */
export const sseJson: WireFormat = withPing({ name: 'sse-json', codec: jsonCodec, frame: frameEvents });

export const uniSseJson: WireFormat = withPing({
  name: 'uni-sse-json',
  codec: uniJsonCodec,
  frame: frameEvents,
});

function frameEvents(messages: readonly Buffer[]): Buffer {
  return Buffer.concat(messages.flatMap((message) => [EVENT_START, message, EVENT_END]));
}

function withPing(format: Omit<WireFormat, 'ping'>): WireFormat {
  return { ...format, ping: format.frame([format.codec.encodeReply({})]) };
}
