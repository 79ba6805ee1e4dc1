/**
 * One message from request to delivery across three processes on real PostgreSQL and NATS, each with one stage of its way:
 *
 *     p1 (api) ── PostgreSQL ──▶ p2 (relay, jobs) ── JetStream ──▶ p3 (gateway) ──▶ subscriber
 *
 * A receiver of OTLP stands in for a collector. And what metrics say while the database hangs.
 */
import { randomBytes } from 'node:crypto';
import { TestMember } from '@conclave/testkit';
import { missingCluster, startCluster, type Cluster } from '@conclave/testkit/cluster';
import { requireServer } from '@conclave/testkit/servers/require-server';
import { startTraceCollector, type TraceCollector } from '@conclave/testkit/trace-collector';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { register } from './test-server.ts';
import { collectMessage, listenAt, sayTraced, stages } from './traced-message.ts';

const roles = ['api', 'relay,jobs', 'gateway'];

requireServer(missingCluster())('a message that passes three processes', () => {
  let collector: TraceCollector;
  let cluster: Cluster;

  beforeAll(async () => {
    collector = await startTraceCollector();
    cluster = await startCluster({
      processes: 3,
      flags: {
        'tracing.endpoint': collector.url,
        'tracing.sampleRatio': '0',
        'accounts.registration': 'open',
        'log.level': 'debug',
      },
      flagsOf: (index) => ({ roles: roles[index]! }),
    });
  });
  afterAll(async () => {
    await cluster?.stop();
    await collector?.[Symbol.asyncDispose]();
  });

  const metric = async (index: number, name: string): Promise<number> => {
    const text = await (await fetch(`${cluster.servers[index]!.adminUrl}/metrics`)).text();
    const line = text.split('\n').find((candidate) => candidate.startsWith(`${name} `));
    return Number(line?.slice(name.length + 1));
  };

  it('is one trace in all of them, and its age is measured where it arrives', async () => {
    const [api, relay, gateway] = cluster.servers;
    const { url } = api!;
    const { access_token: accessToken, user_id: userId } = await register(url, 'ada');
    const origin = String(userId).slice(String(userId).indexOf(':') + 1);
    const member = await TestMember.create({ url, name: 'alice', accessToken, origin });
    const heard = await listenAt(gateway!.url, member);
    const traceId = randomBytes(16).toString('hex');
    const { seq, requestId } = await sayTraced(url, member, 'hello', traceId);
    await expect.poll(() => heard, { timeout: 20_000 }).toContain(seq);

    const spans = await collectMessage(collector, traceId);
    const processOf = (name: string) => spans.get(name)?.resource['service.instance.id'];
    const byProcess = Map.groupBy(Object.keys(stages), processOf);
    expect([...byProcess.values()]).toEqual([
      [
        'POST /_conclave/sealed/v1/groups/:groupId/frames',
        'proof queue',
        'proof verification',
        'store write',
        'store batch',
      ],
      ['relay publish'],
      ['bus receive', 'gateway deliver'],
    ]);
    // The process's lines of the log carry the id that its spans do.
    const line = api!.output.split('\n').find((text) => text.includes(requestId));
    expect(JSON.parse(line ?? '{}')).toMatchObject({
      process: processOf('store write'),
      requestId,
      traceId,
    });

    await expect.poll(() => metric(1, 'conclave_relay_delay_seconds_count')).toBeGreaterThan(0);
    await expect.poll(() => metric(2, 'conclave_delivery_duration_seconds_count')).toBeGreaterThan(0);
    expect(await metric(2, 'conclave_delivery_duration_seconds_sum')).toBeLessThan(60);
    expect(await metric(0, 'conclave_outbox_parked')).toBeNaN();
    expect(await metric(1, 'conclave_outbox_parked')).toBe(0);
    expect(relay!.output).not.toContain(member.groupId);
  });

  it('metrics are answered while the database hangs, without what only it knows', async () => {
    const { postgres } = cluster.engines;
    expect(await metric(1, 'conclave_outbox_pending')).toBe(0);
    postgres.pause();
    try {
      expect(await metric(1, 'conclave_outbox_pending')).toBeNaN();
      expect(await metric(1, 'conclave_relay_publications')).toBe(0);
      expect(await metric(1, 'conclave_metrics_unread_total{metric="outbox_pending"}')).toBeGreaterThan(0);
    } finally {
      postgres.resume();
    }
    await expect.poll(() => metric(1, 'conclave_outbox_pending'), { timeout: 30_000 }).toBe(0);
  });
});
