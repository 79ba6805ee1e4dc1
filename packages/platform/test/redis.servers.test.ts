/** What Conclave keeps in Redis, on a real one that is killed, paused, filled and restarted. */
import { inspect } from 'node:util';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { cacheContract, presenceContract, rateLimiterContract } from '@conclave/testkit/contracts';
import { missingRedis, startLink, startRedis, type Link, type RedisServer } from '@conclave/testkit/servers';
import { requireServer } from '@conclave/testkit/servers/require-server';
import { createClient } from '@redis/client';
import { createMetrics, silentLog, systemClock, type Log } from '@conclave/platform';
import { openRedis } from '@conclave/platform/redis';

const texts = {
  name: 'texts',
  maxBytes: 100,
  maxValueBytes: 40,
  maxSharedBytes: 10_000,
  ttlMs: 500,
  sizeOf: (text: string) => text.length,
  codec: {
    encode: (text: string) => new TextEncoder().encode(text),
    decode: (octets: Uint8Array) => new TextDecoder().decode(octets),
  },
};

let server: RedisServer;
let prefixes = 0;

/** On a prefix of its own, unless one is given. */
async function open(
  options: { log?: Log; prefix?: string; to?: Pick<RedisServer, 'url' | 'password'> } = {},
) {
  const metrics = createMetrics();
  const { url, password } = options.to ?? server;
  const redis = await openRedis({
    url,
    password,
    prefix: options.prefix ?? `test-${(prefixes += 1)}:`,
    clock: systemClock,
    log: options.log ?? silentLog,
    metrics,
  });
  return { redis, metrics };
}

requireServer(missingRedis())('redis', () => {
  beforeAll(async () => {
    server = await startRedis();
  });
  afterAll(() => server[Symbol.asyncDispose]());

  rateLimiterContract('Redis', async () => {
    const { redis } = await open();
    const perSecond = 4;
    return {
      limiter: redis.createRateLimiter({ name: 'contract', perSecond, burst: 5 }),
      perSecond,
      nowMs: () => performance.now(),
      pass: (ms) => delay(ms + 5),
      destroy: () => redis.close(),
    };
  });

  presenceContract('Redis', async () => {
    const { redis } = await open();
    return {
      presence: redis.presence,
      pass: (ms) => delay(ms + 2),
      destroy: () => redis.close(),
    };
  });

  cacheContract('Redis', async () => {
    const { redis } = await open();
    return {
      cache: await redis.createCache(texts),
      pass: (ms) => delay(ms + 5),
      destroy: () => redis.close(),
    };
  });

  describe('a cache of several processes', () => {
    const lasting = { ...texts, ttlMs: 60_000 };
    const never = () => Promise.reject(new Error('loaded'));

    test('what one has loaded, all have, until one of them deletes it', async () => {
      const { redis: a } = await open({ prefix: 'shared:' });
      const { redis: b } = await open({ prefix: 'shared:' });
      const [cacheA, cacheB] = [await a.createCache(lasting), await b.createCache(lasting)];
      expect(await cacheA.getOrLoad('key', async () => 'one')).toBe('one');
      expect(await cacheB.getOrLoad('key', never)).toBe('one');
      await cacheA.delete('key');
      // B hears of it in a moment.
      await expect.poll(() => cacheB.get('key')).toBeUndefined();
      expect(await cacheB.getOrLoad('key', async () => 'two')).toBe('two');
      expect(await (await b.createCache({ ...lasting, name: 'other' })).get('key')).toBeUndefined();
      await a.close();
      await b.close();
    });

    test('a load of one that began before the deletion by another is kept by nobody', async () => {
      const { redis: a } = await open({ prefix: 'raced:' });
      const { redis: b } = await open({ prefix: 'raced:' });
      const [cacheA, cacheB] = [await a.createCache(lasting), await b.createCache(lasting)];
      const stale = await cacheB.getOrLoad('key', async () => {
        await cacheA.delete('key');
        return 'old';
      });
      expect(stale).toBe('old');
      expect(await cacheB.get('key')).toBeUndefined();
      expect(await cacheA.get('key')).toBeUndefined();
      await a.close();
      await b.close();
    });

    test('adds no more to Redis than it may, and goes on by itself', async () => {
      const { redis } = await open({ prefix: 'bounded:' });
      const cache = await redis.createCache({ ...lasting, maxSharedBytes: 80 });
      for (const key of ['a', 'b', 'c']) await cache.getOrLoad(key, async () => key.repeat(30));
      const looking = createClient({ url: server.url, password: server.password });
      await looking.connect();
      expect(await looking.keys('bounded:cache:*')).toEqual(['bounded:cache:texts:a']);
      await looking.close();
      expect(await cache.getOrLoad('c', never)).toBe('c'.repeat(30));
      await redis.close();
    });

    test('what is no value of ours is loaded anew', async () => {
      const { redis } = await open({ prefix: 'odd:' });
      const cache = await redis.createCache({
        ...lasting,
        codec: { ...texts.codec, decode: () => undefined },
      });
      const looking = createClient({ url: server.url, password: server.password });
      await looking.connect();
      await looking.set('odd:cache:texts:a', 'from another version');
      await looking.hSet('odd:cache:texts:b', 'no', 'text');
      await looking.close();
      for (const key of ['a', 'b']) expect(await cache.getOrLoad(key, async () => 'fresh')).toBe('fresh');
      expect(redis.isUp).toBe(true);
      await redis.close();
    });
  });

  test('processes share limits and presence under one prefix, and nothing under another', async () => {
    const [a, b, other] = [await open({ prefix: 'one:' }), await open({ prefix: 'one:' }), await open()];
    const slow = { name: 'login', perSecond: 0.001, burst: 2 };
    const limiters = [a, b, other].map(({ redis }) => redis.createRateLimiter(slow));
    const verdicts = [];
    for (const limiter of [...limiters, ...limiters]) verdicts.push((await limiter.take('address')).ok);
    expect(verdicts).toEqual([true, true, true, false, false, true]);
    // Another limit is another bucket.
    expect(await a.redis.createRateLimiter({ ...slow, name: 'request' }).take('address')).toEqual({
      ok: true,
    });
    await a.redis.presence.announce('process', 'a', '', 60_000);
    expect(await b.redis.presence.list('process')).toMatchObject([{ id: 'a' }]);
    expect(await other.redis.presence.list('process')).toEqual([]);
    for (const { redis } of [a, b, other]) await redis.close();
  });

  test('what nobody uses any more is no key', async () => {
    const own = await startRedis();
    const { redis } = await open({ to: own });
    const limiter = redis.createRateLimiter({ name: 'short', perSecond: 100, burst: 5 });
    for (let n = 0; n < 20; n++) await limiter.take(`key ${n}`, 5);
    await redis.presence.announce('process', 'a', 'data', 20);
    const looking = createClient({ url: own.url, password: own.password });
    await looking.connect();
    await expect.poll(() => looking.keys('*limit*')).toEqual([]);
    await expect.poll(() => looking.keys('*')).toEqual([]);
    await looking.close();
    await redis.close();
    await own[Symbol.asyncDispose]();
  });
});

requireServer(missingRedis())('a Redis that fails', () => {
  /** What was logged, once per change. */
  function listening() {
    const said: string[] = [];
    const say = (_fields: unknown, message: string) => void said.push(message.split(':', 1)[0]!);
    return { said, log: { ...silentLog, info: say, warn: say, error: say } satisfies Log };
  }

  const limit = { name: 'test', perSecond: 0.001, burst: 3 };

  interface Stage {
    readonly redis: RedisServer;
    readonly link: Link;
  }

  test.each<[string, (stage: Stage) => unknown, (stage: Stage) => unknown]>([
    ['killed', ({ redis }) => redis.kill(), ({ redis }) => redis.restart()],
    ['paused', ({ redis }) => redis.pause(), ({ redis }) => redis.resume()],
    ['cut off', ({ link }) => link.cut(), ({ link }) => link.restore()],
    ['out of reach, without a word', ({ link }) => link.stall(), ({ link }) => link.restore()],
  ])('%s: the process limits by itself, at once, and shares again after', async (_, strike, heal) => {
    await using own = await startRedis();
    await using link = await startLink('redis', { host: '127.0.0.1', port: Number(new URL(own.url).port) });
    const stage = { redis: own, link };
    const { said, log } = listening();
    const to = { url: `redis://127.0.0.1:${link.port}`, password: own.password };
    const { redis, metrics } = await open({ to, log });
    const limiter = redis.createRateLimiter(limit);
    expect(await limiter.take('a')).toEqual({ ok: true });
    await strike(stage);
    // The first to ask may have to wait for the answer that does not come; what it is told comes from here.
    expect(await limiter.take('a')).toEqual({ ok: true });
    expect(redis.isUp).toBe(false);
    // From now on nobody waits at all: the answer is there when the call returns.
    const verdicts = [limiter.take('a'), limiter.take('a'), limiter.take('a')];
    expect(verdicts).toEqual([{ ok: true }, { ok: true }, { ok: false, retryAfterMs: expect.any(Number) }]);
    await expect(redis.presence.list('process')).rejects.toMatchObject({ code: 'PRESENCE_UNAVAILABLE' });
    expect(await metrics.exposition()).toContain('conclave_rate_limit_fallbacks_total{limit="test"} 4');
    expect(await metrics.exposition()).toContain('conclave_redis_up 0');
    await heal(stage);
    await expect.poll(() => redis.isUp, { timeout: 20_000 }).toBe(true);
    // A restarted Redis knows neither buckets nor scripts.
    expect(await limiter.take('b')).toEqual({ ok: true });
    expect(await metrics.exposition()).toContain('conclave_rate_limit_fallbacks_total{limit="test"} 4');
    expect(said).toEqual(['Redis is answering', 'Redis is not answering', 'Redis is answering']);
    await redis.close();
  });

  test('while it is away nothing is cached, and copies from before are not believed after', async () => {
    await using own = await startRedis();
    const { redis: a } = await open({ to: own, prefix: 'p:' });
    const { redis: b } = await open({ to: own, prefix: 'p:' });
    const cacheA = await a.createCache({ ...texts, ttlMs: 600_000 });
    const cacheB = await b.createCache({ ...texts, ttlMs: 600_000 });
    let loads = 0;
    const load = async () => `load ${(loads += 1)}`;
    expect(await cacheA.getOrLoad('key', load)).toBe('load 1');
    expect(await cacheB.getOrLoad('key', load)).toBe('load 1');
    await own.kill();
    await expect.poll(() => a.isUp || b.isUp).toBe(false);
    expect(await cacheA.getOrLoad('key', load)).toBe('load 2');
    expect(await cacheA.getOrLoad('key', load)).toBe('load 3');
    expect(await cacheB.delete('key')).toBe(false);
    await own.restart();
    await expect.poll(() => a.isUp && b.isUp, { timeout: 20_000 }).toBe(true);
    expect(await cacheA.get('key')).toBeUndefined();
    expect(await cacheA.getOrLoad('key', load)).toBe('load 4');
    expect(await cacheB.getOrLoad('key', load)).toBe('load 4');
    // Messages are heard again.
    await cacheB.delete('key');
    await expect.poll(() => cacheA.get('key')).toBeUndefined();
    await a.close();
    await b.close();
  });

  test('a process that was busy itself does not take Redis for silent', async () => {
    await using own = await startRedis();
    const { said, log } = listening();
    const { redis } = await open({ to: own, log });
    const limiter = redis.createRateLimiter(limit);
    const asked = limiter.take('a');
    for (const untilMs = performance.now() + 600; performance.now() < untilMs;);
    expect(await asked).toEqual({ ok: true });
    expect(redis.isUp).toBe(true);
    expect(said).toEqual(['Redis is answering']);
    await redis.close();
  });

  test('a process starts without Redis, and finds it later', async () => {
    await using own = await startRedis();
    await own.kill();
    const { said, log } = listening();
    const { redis } = await open({ to: own, log });
    expect(redis.isUp).toBe(false);
    expect(redis.createRateLimiter(limit).take('a')).toEqual({ ok: true });
    await own.restart();
    await expect.poll(() => redis.isUp, { timeout: 20_000 }).toBe(true);
    expect(said).toEqual(['Redis cannot be reached', 'Redis is answering']);
    await redis.close();
  });

  test('a wrong password is no Redis, and is said without the password', async () => {
    await using own = await startRedis();
    const lines: string[] = [];
    const say = (fields: Readonly<Record<string, unknown>>, message: string) =>
      void lines.push(inspect({ fields, message }, { depth: 10 }));
    const log = { ...silentLog, warn: say, error: say } satisfies Log;
    const { redis } = await open({ to: { url: own.url, password: 'not-the-password' }, log });
    expect(redis.isUp).toBe(false);
    expect(lines.join()).toContain('WRONGPASS');
    expect(lines.join()).not.toContain('not-the-password');
    await redis.close();
  });

  test('one that is full answers nothing: the process limits by itself until there is room', async () => {
    await using own = await startRedis({ settings: ['maxmemory 3mb', 'maxmemory-policy noeviction'] });
    const { redis } = await open({ to: own });
    const filling = createClient({ url: own.url, password: own.password });
    await filling.connect();
    const limiter = redis.createRateLimiter(limit);
    let n = 0;
    while (redis.isUp) {
      const fill = async () => {
        for (;;) await filling.set(`filler ${(n += 1)}`, 'x'.repeat(n < 40 ? 50_000 : 100));
      };
      await expect(fill()).rejects.toThrow('OOM');
      expect(await limiter.take(`key ${n}`)).toEqual({ ok: true });
    }
    await filling.flushAll();
    await expect.poll(() => redis.isUp, { timeout: 20_000 }).toBe(true);
    await filling.close();
    await redis.close();
  });

  test('a command that it refuses costs nobody else anything', async () => {
    await using own = await startRedis();
    const { said, log } = listening();
    const { redis } = await open({ to: own, log, prefix: 'p:' });
    const meddling = createClient({ url: own.url, password: own.password });
    await meddling.connect();
    await meddling.hSet('p:limit:test:a', 'field', 'value');
    await meddling.close();
    const limiter = redis.createRateLimiter(limit);
    expect(await limiter.take('a')).toEqual({ ok: true });
    expect(await limiter.take('b')).toEqual({ ok: true });
    expect(redis.isUp).toBe(true);
    expect(said).toEqual(['Redis is answering', 'Redis refused to count a rate limit']);
    await redis.close();
  });

  test('closing waits for nothing, whatever state Redis is in', async () => {
    await using own = await startRedis();
    const { redis } = await open({ to: own });
    own.pause();
    const asked = redis.presence.list('process').catch((error: unknown) => error);
    await redis.close();
    expect(await asked).toMatchObject({ code: 'PRESENCE_UNAVAILABLE' });
    expect(redis.createRateLimiter(limit).take('a')).toEqual({ ok: true });
    own.resume();
  });
});
