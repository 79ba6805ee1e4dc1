/**
 * The JSON form of the protocol: one object per command or reply, several separated by newlines.
 *
 * `uniJsonCodec` is what unidirectional transports speak: pushes without the reply around them, and the connect
 * result as a push.
 */
import type { Publication, Push, Reply } from '../protocol.ts';
import type { Codec, DecodedFrame } from './codec.ts';

const utf8 = new TextDecoder('utf-8', { fatal: true });

export const jsonCodec: Codec = {
  name: 'json',
  encodeReply: (reply) => Buffer.from(JSON.stringify(reply)),
  encodePublication: (channel, publication) =>
    Buffer.from(`{"push":${publicationPush(channel, publication)}}`),
  decodeCommands,
};

export const uniJsonCodec: Codec = {
  name: 'json',
  encodeReply: (reply) => Buffer.from(JSON.stringify(asPush(reply))),
  encodePublication: (channel, publication) => Buffer.from(publicationPush(channel, publication)),
  decodeCommands,
};

function publicationPush(channel: string, { data, offset, tags }: Publication): string {
  const offsetField = offset === undefined ? '' : `,"offset":${offset}`;
  const tagsField = tags === undefined ? '' : `,"tags":${JSON.stringify(tags)}`;
  return `{"channel":${JSON.stringify(channel)},"pub":{"data":${data.text}${offsetField}${tagsField}}}`;
}

/** A unidirectional client hears no errors: its connection answers them with a disconnect push instead. */
function asPush(reply: Reply): Push | { connect: unknown } | Record<string, never> {
  if ('push' in reply) return reply.push;
  if ('connect' in reply) return { connect: reply.connect };
  return {};
}

function decodeCommands(frame: Uint8Array, maxCommands: number): DecodedFrame {
  const commands: unknown[] = [];
  try {
    for (const line of utf8.decode(frame).split('\n')) {
      if (line.trim() === '') continue;
      if (commands.length === maxCommands) return { ok: false };
      commands.push(JSON.parse(line));
    }
  } catch {
    return { ok: false };
  }
  return commands.length > 0 ? { ok: true, commands } : { ok: false };
}
