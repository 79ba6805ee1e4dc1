/**
 * What a message takes when it is given to the gateway directly, without database, outbox, relay and bus: the yardstick for what
 * these add. One subscriber, at the pace of the quiet load.
 *
 *   product   POST frame ─▶ commit ─▶ answer        direct   POST publish ─▶ gateway ─▶ answer
 *                              └▶ outbox ─▶ relay ─▶ bus ─▶ gateway ─▶ arrival   └▶ arrival
 *
 *   added = median(arrival − answer, product) − median(arrival − answer, direct)
 *
 * A slow answer hides as much of the relay's time as passes before it: run.ts judges by the larger of this and what the servers
 * say of their relays themselves (relay-delay.ts).
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { issueConnectionToken } from '@conclave/gateway';
import { percentile } from '../metric.ts';
import { machineMs } from '../sealed/post-load.ts';
import { fanOutChannel } from './fan-out.ts';
import type { GatewayUnderTest } from './fan-out.ts';
import type { Arrival, ListenRequest } from './listeners.ts';

const publications = 300;
const everyMs = 25;

/** The median from the answer to the arrival, in ms; negative when the arrival comes first. */
export async function measureDirectPublish(gateway: GatewayUnderTest): Promise<number> {
  const connectionToken = await issueConnectionToken(gateway.tokenSecret, {
    user: '',
    expiresAtMs: Date.now() + 3_600_000,
  });
  const child = fork(fileURLToPath(new URL('./listeners.ts', import.meta.url)));
  try {
    const request: ListenRequest = {
      kind: 'listen',
      url: `ws://127.0.0.1:${gateway.port}/connection/websocket`,
      subscriptions: [{ channel: fanOutChannel, connectionToken, subscriptionToken: '' }],
    };
    child.send(request);
    const [ready] = (await once(child, 'message')) as [{ kind: string; reason?: string }];
    if (ready.kind !== 'ready') throw new Error(`the subscriber failed: ${ready.reason ?? ''}`);
    const answeredAtMs: number[] = [];
    for (let seq = 0; seq < publications; seq++) {
      const answer = await fetch(`${gateway.apiUrl}/api/publish`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...gateway.apiHeaders },
        body: JSON.stringify({ channel: fanOutChannel, data: { seq, text: 'x'.repeat(300) } }),
      });
      await answer.arrayBuffer();
      answeredAtMs.push(machineMs());
      await sleep(everyMs);
    }
    child.send({ kind: 'take' });
    const [{ arrivals }] = (await once(child, 'message')) as [{ arrivals: readonly Arrival[] }];
    if (arrivals.length !== publications)
      throw new Error(`${arrivals.length} of ${publications} publications arrived`);
    const differences = arrivals.map(([, seq, atMs]) => atMs - answeredAtMs[seq]!);
    return percentile(
      differences.sort((a, b) => a - b),
      0.5,
    );
  } finally {
    child.kill();
  }
}
