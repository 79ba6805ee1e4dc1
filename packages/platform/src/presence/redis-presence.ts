import { RedisError } from '../redis/redis-error.ts';
import type { RedisClient, RedisLink } from '../redis/redis-link.ts';
import {
  assertAnnouncement,
  assertKind,
  maxListed,
  maxPresent,
  PresenceError,
  type Presence,
} from './presence.ts';

/** Presence that all processes share. When Redis does not answer, who is there is unknown: `PRESENCE_UNAVAILABLE`. */
export function createRedisPresence({ link }: { readonly link: RedisLink }): Presence {
  const keysOf = (kind: string) => ({
    ends: `${link.prefix}presence:{${kind}}:ends`,
    data: `${link.prefix}presence:{${kind}}:data`,
  });
  const ask = async <T>(question: (redis: RedisClient) => Promise<T>): Promise<T> => {
    try {
      return await link.run(question);
    } catch (cause) {
      if (!(cause instanceof RedisError)) throw cause;
      throw new PresenceError('PRESENCE_UNAVAILABLE', 'nobody can say who is there', { cause });
    }
  };

  return {
    async announce(kind, id, data, ttlMs) {
      assertAnnouncement(kind, id, data, ttlMs);
      const announced = await ask((redis) =>
        redis.announcePresence(keysOf(kind), { id, data, ttlMs, maxPresent }),
      );
      if (announced === 0) throw new PresenceError('PRESENCE_FULL', 'too many are there');
    },
    async list(kind) {
      assertKind(kind);
      const listed = await ask((redis) => redis.listPresence(keysOf(kind), maxListed));
      const present = [];
      for (let at = 0; at + 2 < listed.length; at += 3) {
        present.push({ id: listed[at]!, data: listed[at + 1]!, expiresInMs: Number(listed[at + 2]) });
      }
      return present.toSorted((a, b) => (a.id < b.id ? -1 : 1));
    },
    async leave(kind, id) {
      assertKind(kind);
      await ask((redis) => redis.leavePresence(keysOf(kind), id));
    },
  };
}
