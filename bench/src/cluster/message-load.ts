/**
 * Messages in several groups at once, with one subscriber each: how many are accepted and delivered in a second, how long it takes
 * at half of that, and what a message costs each component in CPU time.
 *
 *   this process ──POST──▶ load balancer ─▶ p1, p2, p3 ─▶ PostgreSQL ─▶ relay ─▶ JetStream ─▶ gateways ──▶ listeners' process
 *
 * Frames are built beforehand. Several groups, because one group's messages are put in order one after the other, whatever
 * number of processes there is.
 */
import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { measured, percentile } from '../metric.ts';
import type { Metric } from '../metric.ts';
import { BenchGroup, registerAccount } from '../sealed/bench-group.ts';
import { postLoad } from '../sealed/post-load.ts';
import type { PostLoad } from '../sealed/post-load.ts';
import { readCpuSeconds } from './cpu-time.ts';
import type { Installation } from './installation.ts';
import type { Arrival, ListenRequest } from './listeners.ts';
import { medianRelayDelayMs, readRelayDelays } from './relay-delay.ts';

type Say = (line: string) => void;

const groupCount = 8;
const concurrencyPerGroup = 8;
const warmUpPerGroup = 250;
const framesPerGroup = 400;
/** Sent first in paced runs, while connections are opened, and not counted. */
const opening = 50;
/** For latencies without queues, and for what outbox and relay add. */
const quietPerSecond = 40;
const quietFrames = 300;
const patienceMs = 60_000;

export interface MessageLoadResult {
  readonly metrics: readonly Metric[];
  /** From the answer to the arrival at the subscriber under a quiet load: the median, in ms. */
  readonly answerToArrivalMs: number;
  /** A request that does nothing (`/health`), there and back on the same way: the median, in ms. */
  readonly emptyRequestMs: number;
  /** From acceptance until the bus acknowledged it, as the servers measured it under the same load: the median, in ms. */
  readonly relayDelayMs: number;
}

export async function measureMessages(installation: Installation, say: Say): Promise<MessageLoadResult> {
  const { name, url } = installation;
  say(`${name}: ${groupCount} groups`);
  const account = await registerAccount(installation);
  const groups: BenchGroup[] = [];
  for (let index = 0; index < groupCount; index++) groups.push(await BenchGroup.create(url, account));
  using listeners = await Listeners.start(url, groups);
  await loadAll(groups, warmUpPerGroup, listeners);
  say(`${name}: as fast as possible`);
  const before = await readCpuSeconds(installation.components);
  const full = await loadAll(groups, framesPerGroup, listeners);
  const after = await readCpuSeconds(installation.components);
  const total = groupCount * framesPerGroup;
  const startMs = Math.min(...full.flatMap(({ load }) => load.sentAtMs));
  const answeredMs = Math.max(...full.flatMap(({ load }) => load.answeredAtMs));
  const arrivedMs = Math.max(...full.flatMap(({ arrivedAtMs }) => arrivedAtMs));
  const acceptedRate = total / ((answeredMs - startMs) / 1_000);

  say(`${name}: at half that load`);
  const half = await loadAll(groups, opening + framesPerGroup, listeners, acceptedRate / 2 / groupCount);
  say(`${name}: one group, ${quietPerSecond} messages a second`);
  const delaysBefore = await readRelayDelays(installation.adminUrls);
  const [quiet] = await loadAll([groups[0]!], opening + quietFrames, listeners, quietPerSecond);
  const relayDelayMs = medianRelayDelayMs(delaysBefore, await readRelayDelays(installation.adminUrls));

  const emptyRequestMs = await measureEmptyRequest(url);

  const accepting = sorted(half.flatMap(({ load }) => differences(load.sentAtMs, load.answeredAtMs)));
  const arriving = sorted(half.flatMap(({ load, arrivedAtMs }) => differences(load.sentAtMs, arrivedAtMs)));
  const quietArriving = sorted(differences(quiet!.load.sentAtMs, quiet!.arrivedAtMs));
  const answerToArrivalMs = percentile(
    sorted(differences(quiet!.load.answeredAtMs, quiet!.arrivedAtMs)),
    0.5,
  );
  const at = (what: string): string => `${name}: ${what}`;
  return {
    answerToArrivalMs,
    emptyRequestMs,
    relayDelayMs,
    metrics: [
      measured(at('accepted'), acceptedRate, 'messages/s'),
      measured(at('accepted and delivered'), total / ((arrivedMs - startMs) / 1_000), 'messages/s'),
      measured(at('accepted at half load, p50'), percentile(accepting, 0.5), 'ms'),
      measured(at('accepted at half load, p99'), percentile(accepting, 0.99), 'ms'),
      measured(at('delivered at half load, p50'), percentile(arriving, 0.5), 'ms'),
      measured(at('delivered at half load, p99'), percentile(arriving, 0.99), 'ms'),
      measured(at(`delivered at ${quietPerSecond} messages/s, p50`), percentile(quietArriving, 0.5), 'ms'),
      measured(at(`delivered at ${quietPerSecond} messages/s, p99`), percentile(quietArriving, 0.99), 'ms'),
      ...installation.components.map(({ name: component }) =>
        measured(
          at(`CPU of ${component} per message`),
          (((after.get(component) ?? 0) - (before.get(component) ?? 0)) * 1_000) / total,
          'ms',
        ),
      ),
    ],
  };

  async function loadAll(
    targets: readonly BenchGroup[],
    frames: number,
    to: Listeners,
    pacePerSecond?: number,
  ): Promise<{ load: PostLoad; arrivedAtMs: number[] }[]> {
    const bodies = targets.map((group) => group.buildMessages(frames));
    const loads = await Promise.all(
      targets.map((group, index) =>
        postLoad({
          url: group.framesUrl,
          bodies: bodies[index]!,
          concurrency: concurrencyPerGroup * (pacePerSecond === undefined ? 1 : 8),
          ...(pacePerSecond !== undefined && { pacePerSecond }),
        }),
      ),
    );
    for (const { answers } of loads) {
      const refused = answers.find(({ status }) => status !== 200);
      if (refused !== undefined) throw new Error(`a frame was refused: ${refused.status} ${refused.body}`);
    }
    const arrived = await to.takeAll(targets.length * frames);
    return loads.map((load, index) => ({
      load,
      arrivedAtMs: load.answers.map(({ body }) => {
        const { seq } = JSON.parse(body) as { seq: number };
        return arrived.get(`${index} ${seq}`) ?? Number.NaN;
      }),
    }));
  }
}

async function measureEmptyRequest(url: string): Promise<number> {
  const tookMs: number[] = [];
  for (let request = 0; request < opening + quietFrames; request++) {
    const startMs = performance.now();
    const answer = await fetch(`${url}/health`);
    await answer.arrayBuffer();
    if (!answer.ok) throw new Error(`/health was answered with ${answer.status}`);
    tookMs.push(performance.now() - startMs);
  }
  return percentile(sorted(tookMs.slice(opening)), 0.5);
}

/** The process of the subscribers. */
class Listeners implements Disposable {
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess) {
    this.#child = child;
  }

  static async start(url: string, groups: readonly BenchGroup[]): Promise<Listeners> {
    const child = fork(fileURLToPath(new URL('./listeners.ts', import.meta.url)));
    const subscriptions = await Promise.all(groups.map((group) => group.subscribe()));
    const socketUrl = `${url.replace(/^http/, 'ws')}/connection/websocket`;
    child.send({ kind: 'listen', url: socketUrl, subscriptions } satisfies ListenRequest);
    const [answer] = (await once(child, 'message')) as [{ kind: string; reason?: string }];
    if (answer.kind === 'ready') return new Listeners(child);
    child.kill();
    throw new Error(`the subscribers failed: ${answer.reason ?? ''}`);
  }

  /** By `CHANNEL SEQ`: when each of `count` publications arrived first. Throws when they are not all there in time. */
  async takeAll(count: number): Promise<Map<string, number>> {
    const arrived = new Map<string, number>();
    const deadlineMs = performance.now() + patienceMs;
    for (;;) {
      this.#child.send({ kind: 'take' });
      const [{ arrivals }] = (await once(this.#child, 'message')) as [{ arrivals: readonly Arrival[] }];
      for (const [channel, seq, atMs] of arrivals) {
        const key = `${channel} ${seq}`;
        if (!arrived.has(key)) arrived.set(key, atMs);
      }
      if (arrived.size >= count) return arrived;
      if (performance.now() > deadlineMs)
        throw new Error(`${count - arrived.size} of ${count} publications did not arrive`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  [Symbol.dispose](): void {
    this.#child.kill();
  }
}

/** Without the opening. */
function differences(from: readonly number[], to: readonly number[]): number[] {
  return from.map((start, index) => (to[index] ?? Number.NaN) - start).slice(opening);
}

function sorted(values: readonly number[]): number[] {
  return [...values].sort((a, b) => a - b);
}
