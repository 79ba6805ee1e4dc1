/**
 * Presence in Redis: per kind, a sorted set of ids by the end of their time (Redis's own clock, milliseconds) and a hash of
 * what they said. Both expire with the last of them.
 */
import { defineScript, type CommandParser } from '@redis/client';

const now = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
`;

/** Forgets some of those whose time is over, so that no call has to forget very many. */
const forget = `
local over = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'LIMIT', 0, 100)
if #over > 0 then
  redis.call('ZREM', KEYS[1], unpack(over))
  redis.call('HDEL', KEYS[2], unpack(over))
end
`;

export interface PresenceKeys {
  readonly ends: string;
  readonly data: string;
}

export interface Announcement {
  readonly id: string;
  readonly data: string;
  readonly ttlMs: number;
  readonly maxPresent: number;
}

export const presenceScripts = {
  /** 1, or 0 when there are too many. */
  announcePresence: defineScript({
    NUMBER_OF_KEYS: 2,
    SCRIPT: `${now}${forget}
local id, data, ttlMs, maxPresent = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
if not redis.call('ZSCORE', KEYS[1], id) and redis.call('ZCARD', KEYS[1]) >= maxPresent then return 0 end
redis.call('ZADD', KEYS[1], now + ttlMs, id)
redis.call('HSET', KEYS[2], id, data)
local keptMs = math.max(ttlMs, redis.call('PTTL', KEYS[1]))
redis.call('PEXPIRE', KEYS[1], keptMs)
redis.call('PEXPIRE', KEYS[2], keptMs)
return 1
`,
    parseCommand(parser: CommandParser, keys: PresenceKeys, { id, data, ttlMs, maxPresent }: Announcement) {
      pushKeys(parser, keys);
      parser.push(id, data, String(ttlMs), String(maxPresent));
    },
    transformReply: (reply: number) => reply,
  }),

  /** id, data, milliseconds left, id, data, … */
  listPresence: defineScript({
    NUMBER_OF_KEYS: 2,
    SCRIPT: `${now}
local found = redis.call('ZRANGEBYSCORE', KEYS[1], '(' .. string.format('%.0f', now), '+inf', 'WITHSCORES', 'LIMIT', 0, ARGV[1])
local listed = {}
for i = 1, #found, 2 do
  listed[#listed + 1] = found[i]
  listed[#listed + 1] = redis.call('HGET', KEYS[2], found[i]) or ''
  listed[#listed + 1] = string.format('%.0f', found[i + 1] - now)
end
return listed
`,
    parseCommand(parser: CommandParser, keys: PresenceKeys, maxListed: number) {
      pushKeys(parser, keys);
      parser.push(String(maxListed));
    },
    transformReply: (reply: readonly (string | Buffer)[]) => reply.map(String),
  }),

  leavePresence: defineScript({
    NUMBER_OF_KEYS: 2,
    SCRIPT: `
redis.call('ZREM', KEYS[1], ARGV[1])
return redis.call('HDEL', KEYS[2], ARGV[1])
`,
    parseCommand(parser: CommandParser, keys: PresenceKeys, id: string) {
      pushKeys(parser, keys);
      parser.push(id);
    },
    transformReply: (reply: number) => reply,
  }),
};

function pushKeys(parser: CommandParser, { ends, data }: PresenceKeys): void {
  parser.pushKey(ends);
  parser.pushKey(data);
}
