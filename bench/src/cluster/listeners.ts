/**
 * One subscriber for each of several channels, a process of its own: bare WebSockets that speak just enough of the gateway's
 * protocol, so that what is measured is the server. Tells its parent when each publication arrived.
 */
import { WebSocket } from 'ws';
import { machineMs } from '../sealed/post-load.ts';

export interface ListenRequest {
  readonly kind: 'listen';
  readonly url: string;
  readonly subscriptions: readonly {
    readonly channel: string;
    readonly connectionToken: string;
    readonly subscriptionToken: string;
  }[];
}

/** Since the last `take`: the index of the channel, the number of the frame, when it came (`machineMs`). */
export type Arrival = readonly [channel: number, seq: number, atMs: number];

let arrivals: Arrival[] = [];
const sockets: WebSocket[] = [];

process.on('message', (message: ListenRequest | { kind: 'take' }) => {
  if (message.kind === 'take') {
    process.send?.({ kind: 'arrivals', arrivals });
    arrivals = [];
    return;
  }
  const { url, subscriptions } = message;
  void Promise.all(subscriptions.map((subscription, index) => listen(url, index, subscription))).then(
    () => process.send?.({ kind: 'ready' }),
    (error: unknown) => process.send?.({ kind: 'failed', reason: String(error) }),
  );
});
process.on('disconnect', () => process.exit(0));

function listen(
  url: string,
  index: number,
  { channel, connectionToken, subscriptionToken }: ListenRequest['subscriptions'][number],
): Promise<void> {
  const socket = new WebSocket(url, { perMessageDeflate: false });
  sockets.push(socket);
  return new Promise((resolve, reject) => {
    socket.on('error', reject);
    socket.on('close', (code, reason) => reject(new Error(`closed ${code} ${reason.toString()}`)));
    socket.on('open', () => {
      const connect = { id: 1, connect: { token: connectionToken } };
      const subscribe = { id: 2, subscribe: { channel, token: subscriptionToken } };
      socket.send(`${JSON.stringify(connect)}\n${JSON.stringify(subscribe)}`);
    });
    socket.on('message', (data: Buffer) => {
      const atMs = machineMs();
      for (const line of data.toString('utf8').split('\n')) {
        if (line === '{}') socket.send('{}');
        else if (line.startsWith('{"push"'))
          arrivals.push([index, Number(/"seq":(\d+)/.exec(line)?.[1]), atMs]);
        else {
          const reply = JSON.parse(line) as { id?: number; error?: { message: string } };
          if (reply.error !== undefined) reject(new Error(reply.error.message));
          else if (reply.id === 2) resolve();
        }
      }
    });
  });
}
