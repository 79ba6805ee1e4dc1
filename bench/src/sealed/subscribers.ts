/**
 * Subscribers, a process of their own: bare WebSockets that speak just enough of Centrifugo's client protocol, so that
 * what is measured is the server and not a client library. Tells its parent when each publication reached the first and
 * the last of them.
 */
import { WebSocket } from 'ws';
import { machineMs } from './post-load.ts';

export interface SubscribeRequest {
  readonly kind: 'subscribe';
  readonly url: string;
  readonly count: number;
  readonly channel: string;
  readonly connectionToken: string;
  readonly subscriptionToken: string;
}

/** Arrivals since the last `take`, by sequence number: when the first and the last subscriber had it, and how many had. */
export interface Arrivals {
  readonly kind: 'arrivals';
  readonly bySeq: readonly (readonly [seq: number, firstMs: number, lastMs: number, count: number])[];
}

let arrivals = new Map<number, { firstMs: number; lastMs: number; count: number }>();
const sockets: WebSocket[] = [];

process.on('message', (message: SubscribeRequest | { kind: 'take' }) => {
  if (message.kind === 'take') {
    const bySeq = [...arrivals].map(
      ([seq, { firstMs, lastMs, count }]) => [seq, firstMs, lastMs, count] as const,
    );
    arrivals = new Map();
    process.send?.({ kind: 'arrivals', bySeq } satisfies Arrivals);
    return;
  }
  void subscribeAll(message).then(
    () => process.send?.({ kind: 'ready' }),
    (error: unknown) => process.send?.({ kind: 'failed', reason: String(error) }),
  );
});
process.on('disconnect', () => process.exit(0));

async function subscribeAll(request: SubscribeRequest): Promise<void> {
  for (let opened = 0; opened < request.count; opened += 50) {
    const batch = Math.min(50, request.count - opened);
    await Promise.all(Array.from({ length: batch }, () => subscribe(request)));
  }
}

function subscribe({ url, channel, connectionToken, subscriptionToken }: SubscribeRequest): Promise<void> {
  const socket = new WebSocket(url, { perMessageDeflate: false });
  sockets.push(socket);
  return new Promise((resolve, reject) => {
    socket.on('error', reject);
    socket.on('close', (code, reason) => reject(new Error(`closed ${code} ${reason.toString()}`)));
    socket.on('open', () => {
      socket.send(
        `${JSON.stringify({ id: 1, connect: { token: connectionToken } })}\n${JSON.stringify({
          id: 2,
          subscribe: { channel, token: subscriptionToken },
        })}`,
      );
    });
    socket.on('message', (data: Buffer) => {
      const nowMs = machineMs();
      for (const line of data.toString('utf8').split('\n')) {
        if (line === '{}') {
          socket.send('{}');
        } else if (line.startsWith('{"push"')) {
          const seq = Number(/"seq":(\d+)/.exec(line)?.[1]);
          const seen = arrivals.get(seq);
          if (seen === undefined) arrivals.set(seq, { firstMs: nowMs, lastMs: nowMs, count: 1 });
          else {
            seen.lastMs = nowMs;
            seen.count++;
          }
        } else {
          const reply = JSON.parse(line) as { id?: number; error?: { message: string } };
          if (reply.error !== undefined) reject(new Error(reply.error.message));
          else if (reply.id === 2) resolve();
        }
      }
    });
  });
}
