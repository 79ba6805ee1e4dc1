/**
 * The protobuf form of the protocol: length-delimited messages, one after the other.
 *
 * Commands are mapped to the JSON form's field names, so that one parser checks both (command-parser.ts).
 */
import { create, fromBinary, toBinary, type MessageInitShape } from '@bufbuild/protobuf';
import { BinaryReader } from '@bufbuild/protobuf/wire';
import {
  CommandSchema,
  EmulationRequestSchema,
  ReplySchema,
  type Command,
  type ClientInfoSchema,
  type PublicationSchema,
  type PushSchema,
  type SubscribeRequest,
  type SubscribeResultSchema,
} from '../gen/client_pb.ts';
import type { ClientInfo, Publication, Push, Reply, SubscribeResult } from '../protocol.ts';
import type { Codec, DecodedFrame } from './codec.ts';

export const protobufCodec: Codec = {
  name: 'protobuf',
  encodeReply: (reply) => encode(replyInit(reply)),
  encodePublication: (channel, publication) =>
    encode({ push: { channel, pub: publicationInit(publication) } }),
  decodeCommands,
};

/** `undefined`: not such a message. */
export function decodeEmulationRequest(
  bytes: Uint8Array,
): { readonly node: string; readonly session: string; readonly data: Uint8Array } | undefined {
  try {
    return fromBinary(EmulationRequestSchema, bytes);
  } catch {
    return undefined;
  }
}

// ---- commands --------------------------------------------------------------------------------------------

function decodeCommands(frame: Uint8Array, maxCommands: number): DecodedFrame {
  const commands: unknown[] = [];
  try {
    const reader = new BinaryReader(frame);
    while (reader.pos < reader.len) {
      if (commands.length === maxCommands) return { ok: false };
      commands.push(commandFields(fromBinary(CommandSchema, reader.bytes())));
    }
  } catch {
    return { ok: false };
  }
  return commands.length > 0 ? { ok: true, commands } : { ok: false };
}

function commandFields(command: Command): Record<string, unknown> {
  const { id, connect, subscribe, history, subRefresh, presenceStats } = command;
  const fields: Record<string, unknown> = {
    connect: connect && {
      token: connect.token,
      subs: Object.fromEntries(
        Object.entries(connect.subs).map(([name, sub]) => [name, subscribeFields(sub)]),
      ),
    },
    subscribe: subscribe && subscribeFields(subscribe),
    unsubscribe: command.unsubscribe,
    publish: command.publish,
    presence: command.presence,
    presence_stats: presenceStats,
    history: history && {
      channel: history.channel,
      limit: history.limit,
      reverse: history.reverse,
      since: history.since && { epoch: history.since.epoch, offset: Number(history.since.offset) },
    },
    ping: command.ping,
    send: command.send,
    rpc: command.rpc,
    refresh: command.refresh,
    sub_refresh: subRefresh,
  };
  // A command without a request is a pong; it must not have other keys.
  return Object.values(fields).some((value) => value !== undefined) ? { id, ...fields } : { id };
}

function subscribeFields(request: SubscribeRequest): Record<string, unknown> {
  const { joinLeave, offset, flag, ...rest } = request;
  return { ...rest, join_leave: joinLeave, offset: Number(offset), flag: Number(flag) };
}

// ---- replies ---------------------------------------------------------------------------------------------

function encode(init: MessageInitShape<typeof ReplySchema>): Buffer {
  const message = toBinary(ReplySchema, create(ReplySchema, init));
  const prefix = varint(message.length);
  return Buffer.concat([prefix, message]);
}

function varint(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 0x7f; rest >>>= 7) bytes.push((rest & 0x7f) | 0x80);
  bytes.push(rest);
  return Uint8Array.from(bytes);
}

function replyInit(reply: Reply): MessageInitShape<typeof ReplySchema> {
  if ('push' in reply) return { push: pushInit(reply.push) };
  if (!('id' in reply)) return {};
  const body = reply as Exclude<Reply, { push: Push } | Record<string, never>>;
  const { id } = body;
  if ('error' in body) return { id, error: body.error };
  if ('connect' in body) {
    const { subs = {}, ...rest } = body.connect;
    const entries = Object.entries(subs).map(([name, sub]) => [name, subscribeResultInit(sub)]);
    return { id, connect: { ...rest, subs: Object.fromEntries(entries) } };
  }
  if ('subscribe' in body) return { id, subscribe: subscribeResultInit(body.subscribe) };
  if ('unsubscribe' in body) return { id, unsubscribe: {} };
  if ('ping' in body) return { id, ping: {} };
  if ('refresh' in body) return { id, refresh: body.refresh };
  if ('sub_refresh' in body) return { id, subRefresh: body.sub_refresh };
  if ('presence_stats' in body) {
    const { num_clients: numClients, num_users: numUsers } = body.presence_stats;
    return { id, presenceStats: { numClients, numUsers } };
  }
  if ('presence' in body) {
    const entries = Object.entries(body.presence.presence).map(([client, info]) => [
      client,
      clientInfoInit(info),
    ]);
    return { id, presence: { presence: Object.fromEntries(entries) } };
  }
  const { publications, epoch, offset } = body.history;
  return { id, history: { publications: publications.map(publicationInit), epoch, offset: BigInt(offset) } };
}

function pushInit(push: Push): MessageInitShape<typeof PushSchema> {
  if ('disconnect' in push) return { disconnect: push.disconnect };
  if ('refresh' in push) return { refresh: push.refresh };
  const { channel } = push;
  if ('pub' in push) return { channel, pub: publicationInit(push.pub) };
  if ('join' in push) return { channel, join: { info: clientInfoInit(push.join.info) } };
  if ('leave' in push) return { channel, leave: { info: clientInfoInit(push.leave.info) } };
  if ('unsubscribe' in push) return { channel, unsubscribe: push.unsubscribe };
  const { recoverable = false, positioned = false, epoch = '', offset = 0 } = push.subscribe;
  return { channel, subscribe: { recoverable, positioned, epoch, offset: BigInt(offset) } };
}

function publicationInit({ data, offset, tags }: Publication): MessageInitShape<typeof PublicationSchema> {
  return {
    data: Buffer.from(data.text),
    ...(offset !== undefined && { offset: BigInt(offset) }),
    ...(tags && { tags: { ...tags } }),
  };
}

function clientInfoInit(info: ClientInfo): MessageInitShape<typeof ClientInfoSchema> {
  return {
    user: info.user,
    client: info.client,
    ...(info.conn_info && { connInfo: Buffer.from(info.conn_info.text) }),
    ...(info.chan_info && { chanInfo: Buffer.from(info.chan_info.text) }),
  };
}

function subscribeResultInit(result: SubscribeResult): MessageInitShape<typeof SubscribeResultSchema> {
  const { publications = [], offset = 0, was_recovering: wasRecovering = false, ...rest } = result;
  return { ...rest, wasRecovering, offset: BigInt(offset), publications: publications.map(publicationInit) };
}
