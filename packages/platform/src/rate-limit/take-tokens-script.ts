/**
 * A token bucket as one number: *when the bucket will be full again*, in microseconds of Redis's own clock, so that the clocks
 * of processes do not matter. The tokens missing now are the time until then, times the rate.
 *
 *   now           fullAt                     now + burst/rate
 *    ├──────────────┼───────────────────────────┤
 *      missing         what can still be taken
 *
 * Taking `cost` moves `fullAt` by cost/rate; beyond now + burst/rate it is refused and nothing is written. A full bucket is no
 * key at all, and the key expires exactly then: Redis remembers only who took something lately.
 */
import { defineScript, type CommandParser } from '@redis/client';

export interface Take {
  readonly key: string;
  /** What one token takes to come back; an integer, so that a whole burst adds up. */
  readonly tokenUs: number;
  readonly burst: number;
  readonly cost: number;
}

export const takeTokensScript = defineScript({
  NUMBER_OF_KEYS: 1,
  SCRIPT: `
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local tokenUs, burst, cost = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local fullAt = math.max(now, tonumber(redis.call('GET', KEYS[1]) or 0))
-- Redis's own clock may be set back: nobody waits longer for it than an empty bucket takes.
fullAt = math.min(fullAt, now + burst * tokenUs)
local after = math.floor(fullAt + cost * tokenUs)
local waitUs = after - (now + burst * tokenUs)
if waitUs > 0 then return math.ceil(waitUs / 1000) end
if cost > 0 then redis.call('SET', KEYS[1], string.format('%.0f', after), 'PX', math.ceil((after - now) / 1000)) end
return 0
`,
  parseCommand(parser: CommandParser, { key, tokenUs, burst, cost }: Take) {
    parser.pushKey(key);
    parser.push(String(tokenUs), String(burst), String(cost));
  },
  /** 0: taken. Else the milliseconds until there would be enough. */
  transformReply: (reply: number) => reply,
});
