/**
 * Invalidation in one step: the value gives way to a tombstone, the empty string, and everybody hears of it. While the tombstone
 * stands nobody's load can be kept, since values are only put where there is nothing: a load that began before the change may
 * still be under way somewhere.
 */
import { defineScript, type CommandParser } from '@redis/client';

export interface Drop {
  readonly key: string;
  readonly channel: string;
  readonly message: string;
  readonly tombstoneMs: number;
}

export const dropCachedScript = defineScript({
  NUMBER_OF_KEYS: 1,
  SCRIPT: `
redis.call('SET', KEYS[1], '', 'PX', ARGV[3])
redis.call('PUBLISH', ARGV[1], ARGV[2])
return 1
`,
  parseCommand(parser: CommandParser, { key, channel, message, tombstoneMs }: Drop) {
    parser.pushKey(key);
    parser.push(channel, message, String(tombstoneMs));
  },
  transformReply: (reply: number) => reply,
});
