import { create, toBinary } from '@bufbuild/protobuf';
import { parseCommand } from '../../../packages/gateway/src/command-parser.ts';
import { CommandSchema } from '../../../packages/gateway/src/gen/client_pb.ts';
import { decodeEmulationRequest, protobufCodec } from '../../../packages/gateway/src/wire/protobuf-codec.ts';
import { leb128 } from '../engine/encodings.ts';
import { demand } from '../engine/target.ts';
import type { FuzzTarget } from '../engine/target.ts';

const commands = [
  create(CommandSchema, {
    id: 1,
    connect: { token: 't', subs: { 'group:x': { recover: true, offset: 7n } } },
  }),
  create(CommandSchema, { id: 2, subscribe: { channel: 'c', token: 't', recoverable: true, flag: 1n } }),
  create(CommandSchema, { id: 3, history: { channel: 'c', limit: 5, since: { epoch: 'e', offset: 3n } } }),
  create(CommandSchema, { id: 4, publish: { channel: 'c' } }),
  create(CommandSchema, { id: 5, subRefresh: { channel: 'c', token: 't' } }),
  create(CommandSchema, { id: 6, rpc: {} }),
  create(CommandSchema, {}),
].map((command) => toBinary(CommandSchema, command));

/** Input: one command, without the length before it; lengths have a target of their own in the mutations. */
export const target: FuzzTarget = {
  about: 'commands of the gateway in protobuf, and the envelope around them',
  format: 'protobuf',
  maxBytes: 64 * 1024,
  runs: 25_000,
  prepare: () => ({
    seeds: commands,
    check(bytes) {
      decodeEmulationRequest(bytes);
      protobufCodec.decodeCommands(bytes, 16);
      const frame = Buffer.concat([leb128(BigInt(bytes.length)), bytes]);
      const decoded = protobufCodec.decodeCommands(frame, 16);
      if (!decoded.ok) return;
      demand(decoded.commands.length === 1, 'one length is one command');
      const parsed = parseCommand(decoded.commands[0]);
      if (parsed.ok) demand(Number.isSafeInteger(parsed.command.id), 'a command has a number');
    },
  }),
};
