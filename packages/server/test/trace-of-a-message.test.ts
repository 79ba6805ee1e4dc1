/** One message from request to delivery within one process. A receiver of OTLP stands in for a collector. */
import { randomBytes } from 'node:crypto';
import { createLog } from '@conclave/platform';
import { TestMember } from '@conclave/testkit';
import { startTraceCollector } from '@conclave/testkit/trace-collector';
import { expect, it, onTestFinished } from 'vitest';
import { register, startTestServer } from './test-server.ts';
import { collectMessage, listenAt, sayTraced } from './traced-message.ts';

async function setUp() {
  const collector = await startTraceCollector();
  let text = '';
  const log = createLog({ level: 'debug', destination: { write: (line) => void (text += line) } });
  const running = await startTestServer(
    { tracing: { endpoint: collector.url, sampleRatio: 0 } },
    { log, processId: 'p1' },
  );
  onTestFinished(async () => {
    await running[Symbol.asyncDispose]();
    await collector[Symbol.asyncDispose]();
  });
  const { access_token: accessToken } = await register(running.url, 'ada');
  const member = await TestMember.create({
    url: running.url,
    name: 'canary-alice',
    accessToken,
    origin: running.server.serverName,
  });
  const metric = async (name: string) => {
    const lines = (await running.server.metrics.exposition()).split('\n');
    return Number(lines.find((line) => line.startsWith(`${name} `))?.slice(name.length + 1));
  };
  return { collector, running, member, accessToken, metric, logged: () => text };
}

it('is one trace, whose stages stand below one another; its request’s lines of the log name it', async () => {
  const { collector, running, member, metric, logged } = await setUp();
  const heard = await listenAt(running.url, member);
  const traceId = randomBytes(16).toString('hex');
  const { seq, requestId } = await sayTraced(running.url, member, 'hello', traceId);
  await expect.poll(() => heard).toContain(seq);

  const spans = await collectMessage(collector, traceId);
  expect(spans.get('gateway deliver')?.attributes).toEqual({ 'conclave.subscribers': 1 });
  expect(spans.get('store batch')?.attributes).toEqual({ 'conclave.batch.size': 1 });
  expect(spans.get('proof verification')?.attributes).toEqual({
    'conclave.proof.lane': 'express',
    'conclave.batch.size': 1,
  });
  for (const { startedAtNs, endedAtNs, hasFailed, resource } of spans.values()) {
    expect(endedAtNs).toBeGreaterThanOrEqual(startedAtNs);
    expect(hasFailed).toBe(false);
    expect(resource['service.instance.id']).toBe('p1');
  }
  const answered = logged()
    .split('\n')
    .find((line) => line.includes(requestId) && line.includes('request answered'));
  expect(JSON.parse(answered ?? '{}')).toMatchObject({ requestId, traceId });

  // What is measured needs no trace.
  await expect.poll(() => metric('conclave_delivery_duration_seconds_count')).toBeGreaterThan(0);
  expect(await metric('conclave_delivery_duration_seconds_sum')).toBeLessThan(60);
  expect(await metric('conclave_relay_delay_seconds_count')).toBeGreaterThan(0);
});

it('messages that share a batch link it: one unit, and each its own trace', async () => {
  const { collector, running, member } = await setUp();
  const traceIds = Array.from({ length: 12 }, () => randomBytes(16).toString('hex'));
  await Promise.all(traceIds.map((traceId, index) => sayTraced(running.url, member, `${index}`, traceId)));
  const named = (name: string) => collector.spans.filter((span) => span.name === name);
  await expect.poll(() => named('relay publish').length, { timeout: 20_000 }).toBe(traceIds.length);
  const batches = named('store batch');
  // Each message is in exactly one batch: above it, or linked by it.
  const writes = new Map(named('store write').map((span) => [span.spanId, span.traceId]));
  const members = batches.flatMap(({ parentSpanId, links }) => [
    parentSpanId!,
    ...links.map((link) => link.spanId),
  ]);
  expect(members.toSorted()).toEqual([...writes.keys()].toSorted());
  expect([...writes.values()].toSorted()).toEqual(traceIds.toSorted());
  const sizes = batches.map(({ attributes }) => Number(attributes['conclave.batch.size']));
  expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(traceIds.length);
});

it('tells the collector nothing of groups, members, tokens, addresses and texts', async () => {
  const { collector, running, member, accessToken } = await setUp();
  const heard = await listenAt(running.url, member);
  const traceId = randomBytes(16).toString('hex');
  const traceparent = `00-${traceId}-00f067aa0ba902b7-01`;
  const { seq } = await sayTraced(running.url, member, 'canary-text', traceId);
  await expect.poll(() => heard).toContain(seq);
  // Refusals and reads, too.
  for (const [path, authorization] of [
    [`/_conclave/sealed/v1/groups/${member.groupId}/log?after=0`, 'Bearer canary-token'],
    ['/_matrix/client/v3/account/whoami', `Bearer ${accessToken}`],
    ['/canary-path?canary=query', `Bearer ${accessToken}`],
  ] as const) {
    await fetch(running.url + path, {
      headers: { traceparent, authorization, 'user-agent': 'canary-agent' },
    });
  }
  await running.server.close();
  const sent = collector.text();
  expect(sent).toContain('whoami');
  expect(collector.spans.length).toBeGreaterThan(8);
  const frame = member.prepareText('x').frame;
  for (const secret of [
    'canary',
    accessToken,
    member.groupId,
    Buffer.from(member.groupId, 'base64url').toString('hex'),
    '@ada',
    Buffer.from(frame).subarray(0, 24).toString('base64'),
    running.dataDirectory,
    'user-agent":"node',
  ]) {
    expect(sent).not.toContain(secret);
  }
  // The only address is that of the collector, in the header that HTTP asks for.
  expect(sent.replaceAll(new URL(collector.url).host, '')).not.toMatch(/127\.0\.0\.1|::1/);
});
