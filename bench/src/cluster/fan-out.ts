/**
 * Fan-out to thousands of subscribers of one channel: the same sockets, the same publications over the same HTTP call, to the embedded
 * gateway in a process of its own and to Centrifugo. What counts is deliveries per second of the gateway's CPU time, since
 * the subscribers take their share of the same cores.
 *
 *   this process ──POST /api/publish──▶ gateway ──▶ 10,000 sockets in two processes
 */
import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { issueConnectionToken } from '@conclave/gateway';
import { percentile } from '../metric.ts';
import { machineMs } from '../sealed/post-load.ts';
import { readCpuSeconds, readResidentBytes } from './cpu-time.ts';
import type { GatewayReady } from './gateway-main.ts';
import { mark } from './socket-crowd.ts';
import type { CrowdCount, CrowdRequest } from './socket-crowd.ts';

export interface GatewayUnderTest extends AsyncDisposable {
  readonly name: string;
  readonly pid: number;
  readonly port: number;
  readonly apiUrl: string;
  readonly apiHeaders: Readonly<Record<string, string>>;
  readonly tokenSecret: Uint8Array;
}

export interface FanOutResult {
  readonly deliveriesPerSecond: number;
  readonly deliveriesPerCpuSecond: number;
  readonly idleBytesPerSubscriber: number;
  /** From the call to the last of all subscribers, one publication at a time. */
  readonly lastSubscriberMs: number;
}

export const fanOutChannel = 'bench:fan-out';
const crowds = 2;
const warmUpSubscribers = 400;
/** Publications under way at once: enough to keep the gateway busy, little enough that no queue overflows. */
const window = 10;
const publicationBytes = 300;
const measuredMs = 6_000;
const singles = 20;
const patienceMs = 60_000;

export async function startEmbeddedGateway(): Promise<GatewayUnderTest> {
  const tokenSecret = randomBytes(32);
  const child = fork(fileURLToPath(new URL('./gateway-main.ts', import.meta.url)), {
    env: { ...process.env, TOKEN_SECRET: tokenSecret.toString('hex') },
    execArgv: ['--disable-warning=ExperimentalWarning'],
  });
  const [{ port }] = (await once(child, 'message')) as [GatewayReady];
  return {
    name: 'embedded gateway',
    pid: child.pid ?? 0,
    port,
    apiUrl: `http://127.0.0.1:${port}`,
    apiHeaders: {},
    tokenSecret,
    async [Symbol.asyncDispose]() {
      const gone = once(child, 'exit');
      child.kill('SIGKILL');
      await gone;
    },
  };
}

export async function measureFanOut(
  gateway: GatewayUnderTest,
  subscribers: number,
  say: (line: string) => void,
): Promise<FanOutResult> {
  const token = await issueConnectionToken(gateway.tokenSecret, {
    user: '',
    expiresAtMs: Date.now() + 3_600_000,
  });
  using crowd = new SocketCrowds();
  const open = (count: number): Promise<void> =>
    crowd.open({ kind: 'open', port: gateway.port, count, token, channel: fanOutChannel });

  // The first connections pay for code and pools.
  await open(warmUpSubscribers);
  for (let count = 0; count < 50; count++) await publish(gateway);
  await crowd.waitFor(50 * warmUpSubscribers);
  await sleep(2_000);
  const before = await readResidentBytes(gateway.pid);
  say(`${gateway.name}: ${subscribers} subscribers`);
  await open(subscribers - warmUpSubscribers);
  await sleep(5_000);
  const idleBytesPerSubscriber =
    ((await readResidentBytes(gateway.pid)) - before) / (subscribers - warmUpSubscribers);

  const lastMs: number[] = [];
  let heard = await crowd.heard();
  for (let count = 0; count < singles; count++) {
    const startMs = machineMs();
    await publish(gateway);
    heard += subscribers;
    await crowd.waitFor(heard);
    lastMs.push(machineMs() - startMs);
  }

  say(`${gateway.name}: as fast as possible`);
  const component = { name: gateway.name, pids: [gateway.pid] };
  const cpuBefore = (await readCpuSeconds([component])).get(gateway.name) ?? 0;
  const startMs = machineMs();
  let published = 0;
  while (machineMs() - startMs < measuredMs) {
    await Promise.all(Array.from({ length: window }, () => publish(gateway)));
    published += window;
    heard += window * subscribers;
    await crowd.waitFor(heard);
  }
  const seconds = (machineMs() - startMs) / 1_000;
  const cpuSeconds = ((await readCpuSeconds([component])).get(gateway.name) ?? 0) - cpuBefore;
  const deliveries = published * subscribers;
  return {
    deliveriesPerSecond: deliveries / seconds,
    deliveriesPerCpuSecond: deliveries / cpuSeconds,
    idleBytesPerSubscriber,
    lastSubscriberMs: percentile(
      lastMs.sort((a, b) => a - b),
      0.5,
    ),
  };
}

/** One publication with the mark, over the gateway's HTTP API. Resolves when it is accepted. */
export async function publish({ apiUrl, apiHeaders }: GatewayUnderTest): Promise<void> {
  const text = mark.toString() + 'x'.repeat(publicationBytes - mark.length);
  const answer = await fetch(`${apiUrl}/api/publish`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...apiHeaders },
    body: JSON.stringify({ channel: fanOutChannel, data: { text } }),
  });
  const body = await answer.text();
  if (!answer.ok || body.includes('"error"'))
    throw new Error(`publishing was answered with ${answer.status} ${body}`);
}

class SocketCrowds implements Disposable {
  readonly #children: readonly ChildProcess[];

  constructor() {
    const program = fileURLToPath(new URL('./socket-crowd.ts', import.meta.url));
    this.#children = Array.from({ length: crowds }, () =>
      fork(program, { execArgv: ['--disable-warning=ExperimentalWarning'] }),
    );
  }

  /** `count` more, shared between the processes. */
  async open(request: CrowdRequest): Promise<void> {
    const answers = this.#children.map(async (child, index) => {
      const count = Math.floor((request.count + index) / this.#children.length);
      child.send({ ...request, count });
      const [answer] = (await once(child, 'message')) as [{ kind: string; reason?: string }];
      if (answer.kind !== 'ready') throw new Error(`subscribers failed: ${answer.reason ?? ''}`);
    });
    await Promise.all(answers);
  }

  async heard(): Promise<number> {
    const counts = await Promise.all(
      this.#children.map(async (child) => {
        child.send({ kind: 'count' });
        const [count] = (await once(child, 'message')) as [CrowdCount];
        if (Object.keys(count.ended).length > 0)
          throw new Error(`subscribers were lost: ${JSON.stringify(count.ended)}`);
        return count.heard;
      }),
    );
    return counts.reduce((sum, count) => sum + count, 0);
  }

  /** Resolves when all together have heard this much. */
  async waitFor(count: number): Promise<void> {
    const deadlineMs = machineMs() + patienceMs;
    for (;;) {
      const heard = await this.heard();
      if (heard >= count) return;
      if (machineMs() > deadlineMs) throw new Error(`${count - heard} deliveries are missing`);
      await sleep(2);
    }
  }

  [Symbol.dispose](): void {
    for (const child of this.#children) child.kill('SIGKILL');
  }
}
