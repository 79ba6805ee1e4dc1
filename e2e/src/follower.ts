/**
 * Follows a group's log as the protocol wants it: publications of the official client as they come, and the log by cursor
 * wherever they have a gap. Notes every sequence number when it is first known, in order, and hands its frame on.
 */
import type { TestMember } from '@conclave/testkit';
import { Centrifuge } from 'centrifuge';
import { WebSocket } from 'ws';
import { persistently } from './persistent.ts';

export interface Follower extends Disposable {
  /** In the order in which they became known; without gaps from the cursor on. */
  readonly seqs: readonly number[];
  /** How many came as publications, in order, with nothing missing before them. */
  readonly live: number;
  /** How often the client was subscribed: once, and after every loss of the server. */
  readonly subscriptions: number;
  /** Resolves once `seq` is known. */
  reached(seq: number): Promise<void>;
}

/** @param onFrame is handed each frame once, in the order of the log. */
export async function followGroup(
  member: TestMember,
  after: number,
  onFrame: (frame: Uint8Array, seq: number) => void = () => {},
): Promise<Follower> {
  const seqs: number[] = [];
  const waiting = new Set<{ readonly seq: number; readonly resolve: () => void }>();
  let cursor = after;
  let live = 0;
  let subscriptions = 0;
  let queue: Promise<void> = Promise.resolve();

  const learn = (seq: number, frame: Uint8Array): void => {
    if (seq !== cursor + 1) throw new Error(`the log jumps from ${cursor} to ${seq}`);
    cursor = seq;
    seqs.push(seq);
    onFrame(frame, seq);
    for (const waiter of waiting) if (waiter.seq <= seq) waiter.resolve();
  };
  const catchUp = async (): Promise<void> => {
    for (;;) {
      const { frames } = await persistently(() => member.readLog(cursor));
      if (frames.length === 0) return;
      for (const { seq, frame } of frames) learn(seq, frame);
    }
  };
  const hear = async ({ seq, frame }: { seq: number; frame?: string }): Promise<void> => {
    if (seq <= cursor) return;
    // Large frames are announced without their octets.
    if (seq > cursor + 1 || frame === undefined) return await catchUp();
    live++;
    learn(seq, Uint8Array.from(Buffer.from(frame, 'base64')));
    return undefined;
  };
  // One thing at a time, in the order in which it came.
  const then = (task: () => Promise<void>): void => {
    queue = queue.then(task);
  };

  const grant = await member.subscribe();
  const gateway = (grant.gateway_url ?? member.url).replace('http', 'ws');
  const client = new Centrifuge(`${gateway}/connection/websocket`, {
    token: grant.connection_token,
    getToken: async () => (await member.subscribe()).connection_token,
    websocket: WebSocket,
    minReconnectDelay: 20,
    maxReconnectDelay: 200,
  });
  const subscription = client.newSubscription(grant.channel, {
    token: grant.subscription_token,
    getToken: async () => (await member.subscribe()).subscription_token,
  });
  const ready = Promise.withResolvers<void>();
  subscription.on('publication', ({ data }) => then(() => hear(data)));
  subscription.on('subscribed', ({ wasRecovering, recovered }) => {
    subscriptions++;
    if (!wasRecovering || !recovered) then(catchUp);
    ready.resolve();
  });
  subscription.subscribe();
  client.connect();
  await ready.promise;

  return {
    seqs,
    get live() {
      return live;
    },
    get subscriptions() {
      return subscriptions;
    },
    reached: (seq) =>
      new Promise((resolve, reject) => {
        const waiter = { seq, resolve };
        waiting.add(waiter);
        // What went wrong on the way is worth more than waiting.
        queue.catch(reject);
        if (cursor >= seq) resolve();
      }),
    [Symbol.dispose]() {
      client.disconnect();
    },
  };
}
