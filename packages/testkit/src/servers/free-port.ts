/**
 * Ports for servers that cannot choose one themselves and must keep it over a restart.
 *
 * They are taken from below the range that the system gives to outgoing connections (32768 and up on Linux): while a
 * server is down, no connection may take its port, and no client that tries again connects to itself.
 */
import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';

const lowest = 10_000;
const aboveHighest = 32_000;

/** A port of 127.0.0.1 on which nobody listens now. Another program may still be faster: see `onFreePort`. */
export async function findFreePort(): Promise<number> {
  for (let attempt = 0; attempt < 100; attempt++) {
    const port = randomInt(lowest, aboveHighest);
    if (await isFree(port)) return port;
  }
  throw new Error(`no free port was found between ${lowest} and ${aboveHighest}`);
}

/** Starts something on a free port, up to three times, since another program may take the port in between. */
export async function onFreePort<T>(start: (port: number) => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    const port = await findFreePort();
    try {
      return await start(port);
    } catch (error) {
      if (attempt === 3 || (await isFree(port))) throw error;
    }
  }
}

async function isFree(port: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const probe = createServer();
  probe.once('error', () => resolve(false));
  probe.listen({ port, host: '127.0.0.1', exclusive: true }, () => probe.close(() => resolve(true)));
  return promise;
}
