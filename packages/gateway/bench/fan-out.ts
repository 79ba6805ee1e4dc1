/**
 * How fast one gateway process delivers, and what an idle connection costs.
 *
 *   node --expose-gc packages/gateway/bench/fan-out.ts [--subscribers 1000] [--seconds 5] [--idle 2000] [--json]
 *
 * The gateway runs here; the subscribers run in another process, as plain WebSockets that count messages without
 * parsing them, so that the clients' own cost (they share the machine's cores) stays small. Deliveries are
 * counted by the subscribers. Three ways of publishing:
 *
 *   single    one 300-byte publication per turn of the event loop: nothing to batch
 *   batched   20 publications per turn, as after a group commit
 *   encoded   like single, but as server API commands through `handleCommand`
 */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { createGateway, issueConnectionToken, type Gateway } from '../src/index.ts';

const MESSAGE_BYTES = 300;
const CHANNEL = 'bench:fan-out';
const { values: args } = parseArgs({
  options: {
    subscribers: { type: 'string', default: '1000' },
    seconds: { type: 'string', default: '5' },
    idle: { type: 'string', default: '2000' },
    json: { type: 'boolean', default: false },
  },
});

async function measure(): Promise<void> {
  const secret = randomBytes(32);
  const gateway = createGateway(
    {
      clock: {
        nowMs: () => Date.now(),
        schedule(delayMs, task) {
          const timer = setTimeout(task, delayMs).unref();
          return { [Symbol.dispose]: () => clearTimeout(timer) };
        },
      },
      random: { bytes: (length) => randomBytes(length) },
    },
    {
      tokenSecret: secret,
      namespaces: { bench: { subscribeWithoutToken: true } },
      // Subscribers count data frames only.
      timings: { pingIntervalMs: 3_600_000, pongTimeoutMs: 3_600_000 },
      // The publisher below waits for the subscribers, so no queue grows to this.
      limits: { maxConnectionsPerAddress: 100_000, maxQueueBytes: 16 * 1024 * 1024 },
    },
  );
  const server = createServer();
  server.on('upgrade', (request, socket, head) => gateway.handleUpgrade(request, socket, head));
  server.listen({ port: 0, host: '127.0.0.1', backlog: 4096 });
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const token = await issueConnectionToken(secret, { user: '', expiresAtMs: Date.now() + 3_600_000 });

  const idle = await measureIdle(gateway, port, token);
  const child = fork(fileURLToPath(import.meta.url), [], {
    env: { ...process.env, PORT: String(port), TOKEN: token },
  });
  const subscribers = Number(args.subscribers);
  const connectMs = await open(child, subscribers, true);
  const results = {
    messageBytes: MESSAGE_BYTES,
    subscribers,
    connectMs,
    idleBytesPerConnection: idle.bytes,
    idleHeapBytesPerConnection: idle.heapBytes,
    single: await publishFor(gateway, child, 1, false),
    batched: await publishFor(gateway, child, 20, false),
    encoded: await publishFor(gateway, child, 1, true),
  };
  process.stdout.write(`${JSON.stringify(results, null, args.json ? 0 : 2)}\n`);
  child.kill();
  await gateway.close();
  server.close();
}

/** Resident and heap bytes per connection that is authenticated and subscribed to nothing. */
async function measureIdle(
  gateway: Gateway,
  port: number,
  token: string,
): Promise<{ bytes: number; heapBytes: number }> {
  const count = Number(args.idle);
  const child = fork(fileURLToPath(import.meta.url), [], {
    env: { ...process.env, PORT: String(port), TOKEN: token },
  });
  const settle = async (): Promise<NodeJS.MemoryUsage> => {
    for (let n = 0; n < 4; n += 1) {
      globalThis.gc?.();
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    return process.memoryUsage();
  };
  // The first connections pay for code and pools.
  await open(child, 200, false);
  const before = await settle();
  await open(child, count, false);
  const after = await settle();
  child.kill();
  while (gateway.stats().connections > 0) await nextTurn();
  return {
    bytes: Math.round((after.rss - before.rss) / count),
    heapBytes: Math.round((after.heapUsed + after.external - before.heapUsed - before.external) / count),
  };
}

async function open(child: ChildProcess, count: number, subscribed: boolean): Promise<number> {
  const started = performance.now();
  child.send({ open: count, subscribed });
  await once(child, 'message');
  return Math.round(performance.now() - started);
}

async function delivered(child: ChildProcess): Promise<{ bytes: number; frames: number }> {
  child.send('count');
  const [count] = await once(child, 'message');
  return count as { bytes: number; frames: number };
}

async function publishFor(
  gateway: Gateway,
  child: ChildProcess,
  perTurn: number,
  encoded: boolean,
): Promise<{ deliveriesPerSecond: number; publicationsPerSecond: number; deliveriesPerCpuSecond: number }> {
  const data = { text: 'x'.repeat(MESSAGE_BYTES - '{"text":""}'.length) };
  const command = Buffer.from(JSON.stringify({ method: 'publish', payload: { channel: CHANNEL, data } }));
  const pushBytes = Buffer.byteLength(JSON.stringify({ push: { channel: CHANNEL, pub: { data } } }));
  const before = await delivered(child);
  const cpuBefore = process.cpuUsage();
  const started = performance.now();
  let published = 0;
  while (performance.now() - started < Number(args.seconds) * 1000) {
    for (let n = 0; n < perTurn; n += 1) {
      if (encoded) gateway.handleCommand(command);
      else gateway.publish(CHANNEL, data);
      published += 1;
    }
    await nextTurn();
    // Sockets must drain: this measures delivery, not the growth of queues.
    while (gateway.stats().queuedBytes > Number(args.subscribers) * 128 * 1024) await nextTurn();
  }
  const expected = published * Number(args.subscribers);
  let received = 0;
  while (received < expected) {
    const { bytes, frames } = await delivered(child);
    // Every frame has a header of 4 bytes (126..65535 bytes), and n publications in it n-1 newlines.
    received = Math.round((bytes - before.bytes - (frames - before.frames) * 3) / (pushBytes + 1));
  }
  const seconds = (performance.now() - started) / 1000;
  const cpu = process.cpuUsage(cpuBefore);
  return {
    deliveriesPerSecond: Math.round(received / seconds),
    publicationsPerSecond: Math.round(published / seconds),
    // What one core of the gateway's process could do, when the subscribers or others take the machine's time.
    deliveriesPerCpuSecond: Math.round(received / ((cpu.user + cpu.system) / 1e6)),
  };
}

/** The other process: opens sockets when told and counts the bytes and frames they receive. */
async function subscribe(): Promise<void> {
  const sockets: Socket[] = [];
  let bytes = 0;
  let frames = 0;
  process.on('message', (message: 'count' | { open: number; subscribed: boolean }) => {
    if (message === 'count') process.send!({ bytes, frames });
    else void openAll(message.open, message.subscribed).then(() => process.send!('open'));
  });
  process.on('disconnect', () => process.exit());
  await once(process, 'disconnect');

  async function openAll(count: number, subscribed: boolean): Promise<void> {
    const batch = 100;
    for (let n = 0; n < count; n += batch) {
      await Promise.all(Array.from({ length: Math.min(batch, count - n) }, () => openOne(subscribed)));
    }
  }

  async function openOne(subscribed: boolean): Promise<void> {
    const socket = connect(Number(process.env['PORT']), '127.0.0.1');
    sockets.push(socket);
    await once(socket, 'connect');
    socket.write(
      'GET /connection/websocket HTTP/1.1\r\nHost: bench\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
        'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n',
    );
    await once(socket, 'data');
    const commands = [JSON.stringify({ id: 1, connect: { token: process.env['TOKEN'] } })];
    if (subscribed) commands.push(JSON.stringify({ id: 2, subscribe: { channel: CHANNEL } }));
    socket.write(maskedFrame(commands.join('\n')));
    let replies = '';
    while (!replies.includes(subscribed ? '"id":2' : '"id":1'))
      replies += String((await once(socket, 'data'))[0]);
    const counter = new FrameCounter();
    socket.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      frames += counter.count(chunk);
    });
  }
}

/** A client's frame, masked with zeros. */
function maskedFrame(text: string): Buffer {
  const payload = Buffer.from(text);
  const header = Buffer.from([0x81, 0x80 | 126, payload.length >> 8, payload.length & 0xff, 0, 0, 0, 0]);
  return Buffer.concat([header, payload]);
}

/** Counts frame headers by walking over the payloads; publications here are 126 to 65,535 bytes long. */
class FrameCounter {
  readonly #header = Buffer.alloc(4);
  #headerBytes = 0;
  #skip = 0;

  count(chunk: Buffer): number {
    let frames = 0;
    let index = 0;
    while (index < chunk.length) {
      if (this.#skip > 0) {
        const step = Math.min(this.#skip, chunk.length - index);
        this.#skip -= step;
        index += step;
        continue;
      }
      this.#header.writeUInt8(chunk.readUInt8(index), this.#headerBytes);
      this.#headerBytes += 1;
      index += 1;
      if (this.#headerBytes < 4) continue;
      this.#headerBytes = 0;
      this.#skip = this.#header.readUInt16BE(2);
      frames += 1;
    }
    return frames;
  }
}

if (process.send) await subscribe();
else await measure();
