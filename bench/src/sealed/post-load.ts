/** The load of both sides of the comparison: the same client posts the same octets, to Conclave and to the bare route. */
import { Agent, request } from 'node:http';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

export interface PostLoad {
  /** Requests answered per second, from the first sent to the last answered. */
  readonly ratePerSecond: number;
  /** Per body, in their order: when it was sent and when it was answered, in ms of the machine's monotonic clock. */
  readonly sentAtMs: readonly number[];
  readonly answeredAtMs: readonly number[];
  readonly answers: readonly { readonly status: number; readonly body: string }[];
}

export interface PostLoadOptions {
  readonly url: string;
  readonly bodies: readonly Uint8Array[];
  /** Requests under way at once, each on a connection of its own that is kept. */
  readonly concurrency: number;
  /** Sends at this pace instead of as fast as answers come (open loop: a slow answer does not slow the load). */
  readonly pacePerSecond?: number;
}

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** Milliseconds of a clock that all processes of the machine share. */
export function machineMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

export async function postLoad({
  url,
  bodies,
  concurrency,
  pacePerSecond,
}: PostLoadOptions): Promise<PostLoad> {
  // The connection used last goes first (Node's default), so that no more are in use than are needed.
  const agent = new Agent({ keepAlive: true, maxSockets: concurrency });
  const target = new URL(url);
  const sentAtMs = new Float64Array(bodies.length);
  const answeredAtMs = new Float64Array(bodies.length);
  // Numbers and strings while it runs: objects that outlive their request are what pauses for collecting garbage are made of.
  const statuses = new Uint16Array(bodies.length);
  const answers: string[] = [];

  const post = (index: number): Promise<void> =>
    new Promise((resolve, reject) => {
      const body = bodies[index]!;
      sentAtMs[index] = machineMs();
      const outgoing = request(
        {
          agent,
          host: target.hostname,
          port: target.port,
          path: target.pathname,
          method: 'POST',
          headers: { 'content-type': 'application/octet-stream', 'content-length': body.length },
        },
        (incoming) => {
          let text = '';
          incoming.setEncoding('latin1');
          incoming.on('data', (chunk: string) => (text += chunk));
          incoming.on('error', reject);
          incoming.on('end', () => {
            answeredAtMs[index] = machineMs();
            statuses[index] = incoming.statusCode ?? 0;
            answers[index] = text;
            resolve();
          });
        },
      );
      outgoing.on('error', reject);
      outgoing.end(body);
    });

  // What was left by building the bodies is collected now, not while this measures.
  collectGarbage();
  try {
    if (pacePerSecond === undefined) {
      let next = 0;
      const worker = async (): Promise<void> => {
        while (next < bodies.length) await post(next++);
      };
      await Promise.all(Array.from({ length: concurrency }, worker));
    } else {
      await paced(bodies.length, pacePerSecond, post);
    }
  } finally {
    agent.destroy();
  }
  const seconds = (answeredAtMs.reduce((a, b) => Math.max(a, b)) - (sentAtMs[0] ?? 0)) / 1_000;
  return {
    ratePerSecond: bodies.length / seconds,
    sentAtMs: Array.from(sentAtMs),
    answeredAtMs: Array.from(answeredAtMs),
    answers: answers.map((body, index) => ({ status: statuses[index] ?? 0, body })),
  };
}

async function paced(
  count: number,
  perSecond: number,
  send: (index: number) => Promise<void>,
): Promise<void> {
  const startMs = machineMs();
  const underWay: Promise<void>[] = [];
  for (let index = 0; index < count;) {
    const due = Math.min(count, Math.floor(((machineMs() - startMs) / 1_000) * perSecond) + 1);
    while (index < due) underWay.push(send(index++));
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  await Promise.all(underWay);
}
