/**
 * The process of a flooder: as many requests a second as it is told, from addresses of its own, whatever is answered. It sends
 * at a steady pace and does not wait for answers, as somebody would over a network; requests that would be more than
 * `maxInFlight` at once are not sent and counted as held back.
 */
import { randomBytes } from 'node:crypto';
import { Agent, request } from 'node:http';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { performance } from 'node:perf_hooks';

export interface FloodOrder {
  readonly url: string;
  /** What the server sees: they take turns. */
  readonly localAddresses: readonly string[];
  readonly perSecond: number;
  readonly durationMs: number;
  readonly shots: readonly Shot[];
}

/** Shots are fired in turn. */
export type Shot =
  | {
      readonly kind: 'request';
      readonly method: string;
      readonly path: string;
      readonly headers: Readonly<Record<string, string>>;
      /** Base64. Undefined: nothing. */
      readonly body?: string;
      /** Where new random octets are put before every shot: no two are alike. */
      readonly freshAt?: { readonly offset: number; readonly length: number };
    }
  /** A connection that sends this and then nothing, and stays open. */
  | { readonly kind: 'connection'; readonly first: string };

export interface FloodResult {
  readonly fired: number;
  readonly heldBack: number;
  /** How often each answer came: a status, or what happened instead. */
  readonly answers: Readonly<Record<string, number>>;
  readonly perSecond: number;
}

const maxInFlight = 256;
const maxConnections = 3_000;

process.on('message', (order: FloodOrder) => {
  void flood(order).then((result) => process.send?.(result));
});
process.on('disconnect', () => process.exit(0));

async function flood(order: FloodOrder): Promise<FloodResult> {
  const { url, localAddresses, perSecond, durationMs, shots } = order;
  const maxSockets = Math.ceil(maxInFlight / localAddresses.length);
  const agents = localAddresses.map(
    (localAddress) => new Agent({ keepAlive: true, maxSockets, localAddress }),
  );
  const bodies = shots.map((shot) =>
    shot.kind === 'request' && shot.body !== undefined ? Buffer.from(shot.body, 'base64') : undefined,
  );
  const answers: Record<string, number> = {};
  const note = (answer: string): void => {
    answers[answer] = (answers[answer] ?? 0) + 1;
  };
  const sockets = new Set<Socket>();
  let inFlight = 0;
  let heldBack = 0;
  let fired = 0;

  const fire = (index: number): void => {
    const shot = shots[index % shots.length]!;
    if (shot.kind === 'connection')
      return openConnection(shot.first, localAddresses[index % localAddresses.length]!);
    const body = bodies[index % shots.length];
    if (inFlight >= maxInFlight) {
      heldBack++;
      return undefined;
    }
    if (body !== undefined && shot.freshAt !== undefined) {
      randomBytes(shot.freshAt.length).copy(body, shot.freshAt.offset);
    }
    inFlight++;
    fired++;
    const sent = request(url + shot.path, {
      method: shot.method,
      agent: agents[index % agents.length]!,
      headers: { ...shot.headers, 'content-length': body?.length ?? 0 },
    });
    let isOver = false;
    const done = (answer: string): void => {
      if (isOver) return;
      isOver = true;
      inFlight--;
      note(answer);
    };
    sent.on('response', (response) => {
      response.resume();
      response.on('close', () => done(String(response.statusCode)));
    });
    sent.on('error', () => done('connection ended'));
    // A copy: the next shot writes into the same octets.
    sent.end(body === undefined ? undefined : Buffer.from(body));
    return undefined;
  };

  const openConnection = (first: string, localAddress: string): void => {
    if (sockets.size >= maxConnections) {
      heldBack++;
      return;
    }
    fired++;
    const { hostname, port } = new URL(url);
    const socket = connect({ host: hostname, port: Number(port), localAddress });
    sockets.add(socket);
    socket.on('connect', () => {
      note('connected');
      socket.write(first);
    });
    socket.on('data', () => undefined);
    socket.on('error', () => note('connection ended'));
    socket.on('close', () => sockets.delete(socket));
  };

  const startedMs = performance.now();
  let index = 0;
  await new Promise<void>((resolve) => {
    const timer = setInterval(() => {
      const elapsedMs = performance.now() - startedMs;
      if (elapsedMs >= durationMs) {
        clearInterval(timer);
        resolve();
        return;
      }
      const due = Math.floor((elapsedMs / 1_000) * perSecond);
      for (; index < due; index++) fire(index);
    }, 5);
  });
  const seconds = (performance.now() - startedMs) / 1_000;
  // What is on its way may still be answered; what is not answered within half a second is counted so.
  await new Promise((resolve) => setTimeout(resolve, 500));
  if (inFlight > 0) answers['not answered yet'] = inFlight;
  for (const agent of agents) agent.destroy();
  for (const socket of sockets) socket.destroy();
  return { fired, heldBack, answers, perSecond: fired / seconds };
}
