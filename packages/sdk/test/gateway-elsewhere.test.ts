/**
 * The gateway has an origin of its own: another process of the same installation, or Centrifugo. The SDK is told only where
 * the server is, and learns the rest from it.
 */
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { expect, it } from 'vitest';
import { foundGroup, gatherPeople, textOf } from './test-people.ts';
import { startTestServer } from './test-server.ts';

interface Door extends AsyncDisposable {
  readonly url: string;
  /** Connections that have come through it. */
  readonly count: number;
  to: number;
}

/** A TCP door to a port that is known only later. */
async function openDoor(): Promise<Door> {
  const sockets = new Set<Socket>();
  let count = 0;
  const server: Server = createServer();
  const door: Door = {
    url: '',
    get count() {
      return count;
    },
    to: 0,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
  server.removeAllListeners('connection');
  server.on('connection', (near: Socket) => {
    count += 1;
    const far = connect(door.to, '127.0.0.1');
    for (const side of [near, far]) {
      sockets.add(side);
      side.on('error', () => side.destroy());
      side.on('close', () => {
        sockets.delete(side);
        near.destroy();
        far.destroy();
      });
    }
    near.pipe(far).pipe(near);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return Object.assign(door, { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` });
}

it('is where the server says: people talk, and who is removed hears nothing more', async () => {
  await using door = await openDoor();
  await using server = await startTestServer({ gateway: { publicUrl: door.url } });
  door.to = Number(new URL(server.url).port);
  await using people = await gatherPeople(undefined, { server });
  const [ada, bob, eve] = [await people.open('Ada'), await people.open('Bob'), await people.open('Eve')];
  const [adas, bobs, eves] = await foundGroup(people, ada, 'Ada', [bob, eve]);
  const heard = bobs!.next('message', { when: (message) => textOf(message) === 'through the door' });
  await adas!.send('through the door');
  expect((await heard).sender.name).toBe('Ada');
  // Each of the three has its feed there.
  expect(door.count).toBeGreaterThanOrEqual(3);

  const lost = eves!.next('removed');
  await adas!.remove(eve.id);
  await lost;
  const after = bobs!.next('message', { when: (message) => textOf(message) === 'among us' });
  await adas!.send('among us');
  await after;
  expect((await eves!.history()).map(textOf)).not.toContain('among us');
});

it('may move: who cannot reach it for a while asks the server again', async () => {
  await using server = await startTestServer();
  await using people = await gatherPeople(undefined, { server });
  const second = await openDoor();
  await using _second = second;
  second.to = Number(new URL(server.url).port);
  const first = await openDoor();
  first.to = second.to;
  let told = first.url;
  const ada = await people.open('Ada', {
    // Half a minute without a connection is half a second.
    clock: { nowMs: () => Date.now(), schedule: (delayMs, task) => schedule(delayMs / 60, task) },
    fetch: async (input, init) => {
      const answer = await fetch(input, init);
      if (!new Request(input).url.endsWith('/subscription')) return answer;
      const body = (await answer.json()) as object;
      return Response.json({ ...body, gateway_url: told }, { status: answer.status });
    },
  });
  const bob = await people.open('Bob');
  const [adas, bobs] = await foundGroup(people, ada, 'Ada', [bob]);
  expect(first.count).toBeGreaterThan(0);
  const back = adas!.next('connection', { when: ({ state }) => state === 'online' });
  told = second.url;
  await first[Symbol.asyncDispose]();
  await back;
  expect(second.count).toBeGreaterThan(0);
  const heard = adas!.next('message', { when: (message) => textOf(message) === 'at the new place' });
  await bobs!.send('at the new place');
  await heard;
});

function schedule(delayMs: number, task: () => void): Disposable {
  const timer = setTimeout(task, delayMs);
  return { [Symbol.dispose]: () => clearTimeout(timer) };
}

it('has to be an origin, and not less protected than the server', async () => {
  await using server = await startTestServer();
  await using people = await gatherPeople(undefined, { server });
  const ada = await people.open('Ada', {
    fetch: async (input, init) => {
      const answer = await fetch(input, init);
      if (!new Request(input).url.endsWith('/subscription')) return answer;
      const body = (await answer.json()) as object;
      return Response.json({ ...body, gateway_url: 'javascript:alert(1)' }, { status: answer.status });
    },
  });
  const bob = await people.open('Bob');
  const [adas, bobs] = await foundGroup(people, ada, 'Ada', [bob]);
  const states: string[] = [];
  adas!.on('connection', ({ state }) => states.push(state));
  await bobs!.send('is in the log');
  // Without a feed the log is read all the same.
  await adas!.sync();
  expect((await adas!.history()).map(textOf)).toContain('is in the log');
  expect(states).not.toContain('online');
});
