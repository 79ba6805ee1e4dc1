/**
 * `conclave bench sealed`: a real server on SQLite, real frames, real WebSockets, each side a process of its own.
 *
 *   this process ──POST frame──▶ server ──verify, append, relay──▶ gateway ──WebSocket──▶ subscribers' process
 *        └────────POST the same octets──▶ bare fastify route
 *
 * Frames are built beforehand, so that the client's work is not measured. Everything shares the machine's cores: rates
 * are what one machine does with server, load and subscribers together.
 */
import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startServerProcess } from '@conclave/testkit';
import type { ServerProcess } from '@conclave/testkit';
import { atLeast, atMost, measured, percentile, reportOf } from '../metric.ts';
import type { Metric, Report } from '../metric.ts';
import { readCpuShares } from './cpu-profile.ts';
import { BenchGroup, registerAccount } from './bench-group.ts';
import { measureDiskAlone } from './disk-alone.ts';
import { postLoad } from './post-load.ts';
import type { PostLoad } from './post-load.ts';
import type { Arrivals, SubscribeRequest } from './subscribers.ts';

type Say = (line: string) => void;

/** Requests under way at once, on both sides: with 64 they wait for each other, and server and client take turns. */
const concurrency = 256;
/**
 * Frames per run, fewer where each is delivered to many, and how many before it, for the compiler's sake. At half load for
 * fifteen seconds, in stretches of three (`stretches`).
 */
const rounds = [
  { subscribers: 1, frames: 12_000, warmUp: 24_000, paced: 45_000 },
  { subscribers: 100, frames: 1_000, warmUp: 200, paced: 1_000 },
  { subscribers: 1_000, frames: 300, warmUp: 200, paced: 300 },
] as const;
/**
 * At half load the promise is of all that was sent. Each stretch also has a percentile of its own, and the median one is printed
 * beside it: disks stop for a tenth of a second now and then, whoever syncs, which is more than the hundredth part of fifteen
 * seconds, and the two tell whether it was once or all the time.
 */
const stretches = 5;
/** What is promised for one subscriber. */
const targets = { shareOfBareRoute: 0.4, p99Ms: 30 } as const;

export async function runSealedBench(say: Say): Promise<Report> {
  const folder = await mkdtemp(join(tmpdir(), 'conclave-bench-'));
  try {
    const metrics: Metric[] = [];
    {
      await using server = await startServerProcess({ dataDirectory: join(folder, 'data') });
      const account = await registerAccount(server);
      using bare = await BareRoute.start();
      say('the disk alone');
      const disk = await measureDiskAlone(folder);
      metrics.push(
        measured('the disk alone: a sync of 80 KiB, p99', disk.syncP99Ms, 'ms'),
        measured('the disk alone: the longest sync in five seconds', disk.longestSyncMs, 'ms'),
      );
      for (const round of rounds) {
        metrics.push(...(await measureRound(say, { server, account, bare, ...round })));
      }
    }
    metrics.push(...(await measureCpuShares(say, folder)));
    return reportOf('sealed', metrics);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** The yardstick in a process of its own, kept so that it is measured beside what is compared with it. */
class BareRoute implements Disposable {
  readonly #child: ChildProcess;
  readonly #url: string;

  private constructor(child: ChildProcess, url: string) {
    this.#child = child;
    this.#url = url;
  }

  static async start(): Promise<BareRoute> {
    const child = fork(fileURLToPath(new URL('./bare-route.ts', import.meta.url)));
    const [{ port }] = (await once(child, 'message')) as [{ port: number }];
    return new BareRoute(child, `http://127.0.0.1:${port}/`);
  }

  /** Requests per second, as many as there are bodies. */
  async measure(bodies: readonly Uint8Array[]): Promise<number> {
    const load = await postLoad({ url: this.#url, concurrency, bodies });
    return load.ratePerSecond;
  }

  [Symbol.dispose](): void {
    this.#child.kill();
  }
}

async function measureRound(
  say: Say,
  round: {
    readonly server: ServerProcess;
    readonly account: string;
    readonly bare: BareRoute;
    readonly subscribers: number;
    readonly frames: number;
    readonly warmUp: number;
    readonly paced: number;
  },
): Promise<Metric[]> {
  const { server, account, bare, subscribers, frames, warmUp, paced } = round;
  const group = await BenchGroup.create(server.url, account);
  const child = fork(fileURLToPath(new URL('./subscribers.ts', import.meta.url)));
  try {
    say(`${subscribers} subscribers: connecting`);
    await subscribe(child, { ...(await group.subscribe()), count: subscribers, url: server.url });
    say(`${subscribers} subscribers: building ${warmUp + frames} frames`);
    const url = group.framesUrl;
    const warming = group.buildMessages(warmUp);
    const bodies = group.buildMessages(frames);
    await bare.measure(warming);
    requireAccepted(await postLoad({ url, concurrency, bodies: warming }));
    await takeArrivals(child, warmUp, subscribers);

    say(`${subscribers} subscribers: as fast as possible, the bare route before and after`);
    const bareBefore = await bare.measure(bodies);
    const full = await postLoad({ url, concurrency, bodies });
    requireAccepted(full);
    const arrived = await takeArrivals(child, frames, subscribers);
    const bareRate = (bareBefore + (await bare.measure(bodies))) / 2;
    const seconds = (Math.max(...arrived.map(([, , lastMs]) => lastMs)) - Math.min(...full.sentAtMs)) / 1_000;

    say(`${subscribers} subscribers: at half that load`);
    const pacePerSecond = full.ratePerSecond / 2;
    // The first second opens connections; it is sent and not counted.
    const opening = Math.ceil(pacePerSecond);
    const pacedBodies = group.buildMessages(opening + paced);
    const half = await postLoad({ url, concurrency, bodies: pacedBodies, pacePerSecond });
    requireAccepted(half);
    const delivered = await takeArrivals(child, opening + paced, subscribers);
    const sentAtMs = half.sentAtMs.slice(opening);
    const accepting = latencies(sentAtMs, half.answeredAtMs.slice(opening));
    const lastBySeq = new Map(delivered.map(([seq, , lastMs]) => [seq, lastMs]));
    const seqs = half.answers.slice(opening).map(({ body }) => (JSON.parse(body) as { seq: number }).seq);
    const delivering = latencies(
      sentAtMs,
      seqs.map((seq) => lastBySeq.get(seq) ?? Number.NaN),
    );

    const at = (name: string) => `${subscribers} subscriber${subscribers === 1 ? '' : 's'}: ${name}`;
    const share = frames / seconds / bareRate;
    const isPromised = subscribers === 1;
    /** Of what came in the order of sending. */
    const p99 = (name: string, inOrderMs: readonly number[]): Metric[] => {
      const whole = at(`${name} at half load, p99`);
      const ofAll = percentile(inAscendingOrder(inOrderMs), 0.99);
      if (!isPromised) return [measured(whole, ofAll, 'ms')];
      return [
        atMost(whole, ofAll, 'ms', targets.p99Ms),
        measured(`${whole}, median of ${stretches} stretches`, medianOfStretches(inOrderMs, 0.99), 'ms'),
      ];
    };
    const ofBare = at('accepted, committed and delivered to all, of the bare route');
    return [
      measured(at('bare fastify route, before and after'), bareRate, 'requests/s'),
      measured(at('accepted and committed'), full.ratePerSecond, 'frames/s'),
      measured(at('delivered to all'), frames / seconds, 'frames/s'),
      measured(at('deliveries'), (frames * subscribers) / seconds, 'deliveries/s'),
      isPromised
        ? atLeast(ofBare, share, 'ratio', targets.shareOfBareRoute)
        : measured(ofBare, share, 'ratio'),
      measured(at('accepted at half load, p50'), percentile(inAscendingOrder(accepting), 0.5), 'ms'),
      ...p99('accepted', accepting),
      measured(
        at('with the last subscriber at half load, p50'),
        percentile(inAscendingOrder(delivering), 0.5),
        'ms',
      ),
      ...p99('with the last subscriber', delivering),
    ];
  } finally {
    child.kill();
  }
}

/** A run of its own, since sampling costs something too. */
async function measureCpuShares(say: Say, folder: string): Promise<Metric[]> {
  say('where the time goes');
  const profiles = join(folder, 'profiles');
  await using server = await startServerProcess({
    dataDirectory: join(folder, 'profiled'),
    nodeArguments: ['--cpu-prof', `--cpu-prof-dir=${profiles}`],
  });
  const group = await BenchGroup.create(server.url, await registerAccount(server));
  const bodies = group.buildMessages(10_000);
  requireAccepted(await postLoad({ url: group.framesUrl, concurrency, bodies }));
  await server.stop();
  const shares = await readCpuShares(profiles);
  return shares.map(([owner, share]) => measured(`server time: ${owner}`, 100 * share, '%'));
}

async function subscribe(child: ChildProcess, request: Omit<SubscribeRequest, 'kind'>): Promise<void> {
  const url = `${request.url.replace(/^http/, 'ws')}/connection/websocket`;
  child.send({ ...request, kind: 'subscribe', url } satisfies SubscribeRequest);
  const [answer] = (await once(child, 'message')) as [{ kind: string; reason?: string }];
  if (answer.kind !== 'ready') throw new Error(`subscribers failed: ${answer.reason ?? ''}`);
}

/** Waits until every subscriber has every frame; fails if that takes half a minute, because then some are lost. */
async function takeArrivals(
  child: ChildProcess,
  frames: number,
  subscribers: number,
): Promise<Arrivals['bySeq']> {
  const bySeq = new Map<number, Arrivals['bySeq'][number]>();
  for (let tries = 0; tries < 300; tries++) {
    child.send({ kind: 'take' });
    const [{ bySeq: taken }] = (await once(child, 'message')) as [Arrivals];
    for (const [seq, firstMs, lastMs, count] of taken) {
      const before = bySeq.get(seq);
      bySeq.set(seq, [seq, before?.[1] ?? firstMs, lastMs, (before?.[3] ?? 0) + count]);
    }
    const complete = [...bySeq.values()].filter(([, , , count]) => count === subscribers).length;
    if (complete === frames) return [...bySeq.values()];
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error('publications were lost');
}

function requireAccepted({ answers }: PostLoad): void {
  const refused = answers.find(({ status }) => status !== 200);
  if (refused !== undefined) throw new Error(`a frame was refused: ${refused.status} ${refused.body}`);
}

function latencies(from: readonly number[], to: readonly number[]): number[] {
  return from.map((start, index) => (to[index] ?? Number.NaN) - start);
}

function inAscendingOrder(values: readonly number[]): number[] {
  return values.toSorted((a, b) => a - b);
}

/** The median of the percentiles that stretches of equal length have. */
function medianOfStretches(inOrder: readonly number[], q: number): number {
  const length = Math.ceil(inOrder.length / stretches);
  const each = Array.from({ length: stretches }, (_, index) =>
    percentile(inAscendingOrder(inOrder.slice(index * length, (index + 1) * length)), q),
  );
  return percentile(inAscendingOrder(each), 0.5);
}
