/**
 * Checks a decoded command: the boundary between what a client sent and what the gateway trusts the shape of.
 *
 * Never throws. As in the protocol, the first request found in a command counts, and unknown fields are
 * ignored: newer clients send more than this gateway speaks.
 */
import type { Command, RecoverRequest } from './protocol.ts';

export type ParsedCommand = { readonly ok: true; readonly command: Command } | { readonly ok: false };

const INVALID = { ok: false } as const;
const MAX_ID = 0xffff_ffff;

type Fields = Readonly<Record<string, unknown>>;

/** A field that has a value of the wrong type makes the whole command invalid. */
class WrongType extends Error {}

export function parseCommand(input: unknown): ParsedCommand {
  if (!isObject(input)) return INVALID;
  try {
    const id = integer(input, 'id');
    if (id < 0 || id > MAX_ID) return INVALID;
    const command = parseRequest(id, input);
    // Only a pong and a one-way message carry no id: there would be nothing to match the reply to.
    if (command === undefined || (id === 0 && command.method !== 'pong' && command.method !== 'send')) {
      return INVALID;
    }
    return { ok: true, command };
  } catch (error) {
    if (error instanceof WrongType) return INVALID;
    throw error;
  }
}

/** `connect`, as unidirectional transports send it: the request alone. */
export function parseConnectRequest(input: unknown): ParsedCommand {
  return parseCommand({ id: 1, connect: input });
}

function parseRequest(id: number, input: Fields): Command | undefined {
  const connect = object(input, 'connect');
  if (connect) {
    const subs = new Map(
      Object.entries(object(connect, 'subs') ?? {}).map(([channel, sub]) => {
        if (!isObject(sub)) throw new WrongType();
        return [channel, recovery(sub)];
      }),
    );
    return { method: 'connect', id, request: { token: string(connect, 'token'), subs } };
  }
  const subscribe = object(input, 'subscribe');
  if (subscribe) {
    return {
      method: 'subscribe',
      id,
      request: {
        ...recovery(subscribe),
        channel: string(subscribe, 'channel'),
        token: string(subscribe, 'token'),
        positioned: boolean(subscribe, 'positioned'),
        recoverable: boolean(subscribe, 'recoverable'),
        join_leave: boolean(subscribe, 'join_leave'),
        type: integer(subscribe, 'type'),
        flag: integer(subscribe, 'flag'),
      },
    };
  }
  for (const method of ['unsubscribe', 'publish', 'presence', 'presence_stats'] as const) {
    const request = object(input, method);
    if (request) return { method, id, request: { channel: string(request, 'channel') } };
  }
  const history = object(input, 'history');
  if (history) {
    const since = object(history, 'since');
    return {
      method: 'history',
      id,
      request: {
        channel: string(history, 'channel'),
        limit: integer(history, 'limit'),
        since: since && { offset: offset(since), epoch: string(since, 'epoch') },
        reverse: boolean(history, 'reverse'),
      },
    };
  }
  for (const method of ['ping', 'send', 'rpc'] as const) {
    if (object(input, method)) return { method, id };
  }
  const refresh = object(input, 'refresh');
  if (refresh) return { method: 'refresh', id, request: { token: string(refresh, 'token') } };
  const subRefresh = object(input, 'sub_refresh');
  if (subRefresh) {
    const request = { channel: string(subRefresh, 'channel'), token: string(subRefresh, 'token') };
    return { method: 'sub_refresh', id, request };
  }
  return id === 0 && Object.keys(input).every((key) => key === 'id') ? { method: 'pong', id: 0 } : undefined;
}

function recovery(fields: Fields): RecoverRequest {
  return { recover: boolean(fields, 'recover'), offset: offset(fields), epoch: string(fields, 'epoch') };
}

function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function object(fields: Fields, name: string): Fields | undefined {
  const value = fields[name];
  if (value === undefined || value === null) return undefined;
  if (!isObject(value)) throw new WrongType();
  return value;
}

function string(fields: Fields, name: string): string {
  const value = fields[name] ?? '';
  if (typeof value !== 'string') throw new WrongType();
  return value;
}

function boolean(fields: Fields, name: string): boolean {
  const value = fields[name] ?? false;
  if (typeof value !== 'boolean') throw new WrongType();
  return value;
}

function integer(fields: Fields, name: string): number {
  const value = fields[name] ?? 0;
  if (!Number.isSafeInteger(value)) throw new WrongType();
  return value as number;
}

function offset(fields: Fields): number {
  const value = integer(fields, 'offset');
  if (value < 0) throw new WrongType();
  return value;
}
