/** Posts a message as part of a trace, hears it, and says what the trace should be. Used within one process and across several. */
import { groupPath, ask, type TestMember } from '@conclave/testkit';
import type { CollectedSpan, TraceCollector } from '@conclave/testkit/trace-collector';
import { Centrifuge } from 'centrifuge';
import { expect, onTestFinished } from 'vitest';
import { WebSocket } from 'ws';

const callersSpan = '00f067aa0ba902b7';

/** Sequence numbers as a subscriber hears them at `gatewayUrl`. */
export async function listenAt(gatewayUrl: string, member: TestMember): Promise<number[]> {
  const grant = await member.subscribe();
  const client = new Centrifuge(`${gatewayUrl.replace('http', 'ws')}/connection/websocket`, {
    token: grant.connection_token,
    websocket: WebSocket,
  });
  onTestFinished(() => client.disconnect());
  const heard: number[] = [];
  const subscription = client.newSubscription(grant.channel, { token: grant.subscription_token });
  subscription.on('publication', ({ data }) => void heard.push((data as { seq: number }).seq));
  const subscribed = new Promise((resolve) => {
    subscription.once('subscribed', resolve);
  });
  subscription.subscribe();
  client.connect();
  await subscribed;
  return heard;
}

/** Says `text` under the trace `traceId`; the request id of the answer. */
export async function sayTraced(
  url: string,
  member: TestMember,
  text: string,
  traceId: string,
): Promise<{ readonly seq: number; readonly requestId: string }> {
  const { status, body, headers } = await ask(url, 'POST', `${groupPath(member.groupId)}/frames`, {
    octets: member.prepareText(text).frame,
    headers: { traceparent: `00-${traceId}-${callersSpan}-01` },
  });
  expect([status, body.errcode]).toEqual([200, undefined]);
  return { seq: body.seq, requestId: headers.get('x-request-id') ?? '' };
}

/** The stages of a message, each with the one that it stands below. */
export const stages: Readonly<Record<string, string | undefined>> = {
  'POST /_conclave/sealed/v1/groups/:groupId/frames': undefined,
  'proof queue': 'POST /_conclave/sealed/v1/groups/:groupId/frames',
  'proof verification': 'POST /_conclave/sealed/v1/groups/:groupId/frames',
  'store write': 'POST /_conclave/sealed/v1/groups/:groupId/frames',
  'store batch': 'store write',
  'relay publish': 'store write',
  'bus receive': 'relay publish',
  'gateway deliver': 'bus receive',
};

/** Waits until all stages of the trace have come, and checks who stands below whom. */
export async function collectMessage(
  collector: TraceCollector,
  traceId: string,
): Promise<ReadonlyMap<string, CollectedSpan>> {
  const ofTrace = () => collector.spans.filter((span) => span.traceId === traceId);
  await expect
    .poll(
      () =>
        ofTrace()
          .map(({ name }) => name)
          .toSorted(),
      { timeout: 20_000 },
    )
    .toEqual(Object.keys(stages).toSorted());
  const byName = new Map(ofTrace().map((span) => [span.name, span]));
  for (const [name, above] of Object.entries(stages)) {
    const parent = above === undefined ? callersSpan : byName.get(above)?.spanId;
    expect([name, byName.get(name)?.parentSpanId]).toEqual([name, parent]);
  }
  return byName;
}
