/**
 * deploy/prometheus and deploy/grafana with a real Prometheus, which scrapes a real process and a real Centrifugo:
 *
 *   member ─▶ p1 ─▶ NATS ─▶ Centrifugo ─▶ subscriber
 *              ▲               ▲
 *              └─ prometheus.yml ─┘ ◀── every expression of the dashboard on Centrifugo, every alert about it
 *
 * A metric or label that this Centrifugo does not have gives an empty answer, which fails here. What the dashboard Conclave and
 * alerts.yml name is compared with the program's own metrics in packages/server/test/dashboards.test.ts.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ask, TestMember } from '@conclave/testkit';
import { missingCluster, startCluster, type Cluster } from '@conclave/testkit/cluster';
import { findFreePort, missingProgram, startRealServer, type RealServer } from '@conclave/testkit/servers';
import { requireServer } from '@conclave/testkit/servers/require-server';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';

const deploy = fileURLToPath(new URL('../../../deploy', import.meta.url));
const prometheusFolder = join(deploy, 'prometheus');

interface Sample {
  readonly metric: Readonly<Record<string, string>>;
  readonly value: readonly [number, string];
}
interface Alert {
  readonly labels: Readonly<Record<string, string>>;
  readonly state: 'pending' | 'firing';
}
interface Target {
  readonly expr: string;
  readonly legendFormat: string;
}

requireServer(missingProgram('promtool'))('promtool', () => {
  it('accepts every configuration and every file of rules', async () => {
    const files = (await readdir(prometheusFolder)).map((name) => join(prometheusFolder, name));
    const [rules, configurations] = [true, false].map((isRules) =>
      files.filter((name) => name.endsWith('alerts.yml') === isRules),
    );
    expect([rules!.length, configurations!.length]).toEqual([2, 2]);
    const check = (...line: string[]): string => execFileSync('promtool', line, { encoding: 'utf8' });
    expect(check('check', 'rules', '--lint-fatal', ...rules!)).toContain('SUCCESS');
    for (const name of configurations!) {
      expect(check('check', 'config', name)).toContain('is valid prometheus config file syntax');
      // A file of rules that no configuration names would never fire.
      const named = parse(await readFile(name, 'utf8')).rule_files as string[];
      expect(named.map((file) => join(prometheusFolder, file)).toSorted()).toEqual(rules!.toSorted());
    }
  });

  /** Ten minutes of samples a minute apart, and the names of the alerts that fire then. */
  async function firing(series: Readonly<Record<string, string>>): Promise<string[]> {
    const folder = await mkdtemp(join(tmpdir(), 'conclave-rules-'));
    try {
      const names = ['ConclaveCentrifugoUnscraped', 'ConclaveCentrifugoConsumesNothing'];
      const fires = (alertname: string): boolean => {
        const question = {
          rule_files: [join(prometheusFolder, 'centrifugo-alerts.yml')],
          tests: [
            {
              interval: '1m',
              input_series: Object.entries(series).map(([name, values]) => ({ series: name, values })),
              alert_rule_test: [{ eval_time: '12m', alertname, exp_alerts: [] }],
            },
          ],
        };
        const file = join(folder, 'question.yml');
        writeFileSync(file, JSON.stringify(question));
        const { status, stdout, stderr } = spawnSync('promtool', ['test', 'rules', file], {
          encoding: 'utf8',
        });
        // It answers 1 when an alert fires that was not expected, and says which; anything else is no answer.
        if (status !== 0 && !`${stdout}${stderr}`.includes(`alertname: ${alertname}`))
          throw new Error(`promtool: ${status} ${stdout} ${stderr}`);
        return status !== 0;
      };
      return names.filter(fires);
    } finally {
      await rm(folder, { recursive: true });
    }
  }
  const scraped = 'up{job="centrifugo",instance="c"}';
  const published = 'conclave_bus_published_total{instance="p1"}';
  const processed = 'centrifugo_consumers_messages_processed_total{consumer_name="centrifugo_consumer"}';
  const inUse = { 'conclave_gateway_up{instance="p1"}': '1x15' };

  it.each([
    ['all is well', { [scraped]: '1x15', [published]: '0+9x15', [processed]: '0+9x15' }, []],
    ['nothing is said', { [scraped]: '1x15', [published]: '7x15', [processed]: '7x15' }, []],
    ['it is gone', { [scraped]: '0x15', [published]: '7x15' }, ['ConclaveCentrifugoUnscraped']],
    [
      'it takes nothing from the bus',
      { [scraped]: '1x15', [published]: '0+9x15', [processed]: '7x15' },
      ['ConclaveCentrifugoConsumesNothing'],
    ],
  ])('fires what it should when %s, and nothing with the embedded gateway', async (_what, series, alerts) => {
    expect(await firing({ ...series, ...inUse })).toEqual(alerts);
    expect(await firing(series)).toEqual([]);
  });
});

requireServer(missingCluster('centrifugo'), missingProgram('prometheus'))('what watches Centrifugo', () => {
  let folder: string;
  let cluster: Cluster;
  let prometheus: RealServer;
  let url: string;
  let subscriber: WebSocket;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'conclave-prometheus-'));
    cluster = await startCluster({
      processes: 1,
      gateway: 'centrifugo',
      flags: { 'accounts.registration': 'open' },
    });
    const port = await findFreePort();
    url = `http://127.0.0.1:${port}`;
    await cp(prometheusFolder, folder, { recursive: true });
    const settings = join(folder, 'prometheus.yml');
    await writeFile(settings, await settingsFor(cluster));
    prometheus = await startRealServer({
      name: 'prometheus',
      program: 'prometheus',
      arguments: [
        `--config.file=${settings}`,
        `--storage.tsdb.path=${join(folder, 'data')}`,
        `--web.listen-address=127.0.0.1:${port}`,
      ],
      folder,
      async probe() {
        const ready = await fetch(`${url}/-/ready`);
        const flags = JSON.stringify(await api('status/flags'));
        if (!ready.ok || !flags.includes(settings)) throw new Error('not ready, or another Prometheus');
      },
    });
  });
  afterAll(async () => {
    subscriber?.close();
    await prometheus?.[Symbol.asyncDispose]();
    await cluster?.stop();
    await rm(folder, { recursive: true, maxRetries: 5 });
  });

  /** prometheus.yml, once a second and with the targets of this cluster. */
  async function settingsFor({ servers, engines }: Cluster): Promise<string> {
    const hostOf = (text: string): string => new URL(text).host;
    const changes: readonly (readonly [string, string])[] = [
      ['scrape_interval: 15s', 'scrape_interval: 1s'],
      ['evaluation_interval: 15s', 'evaluation_interval: 1s'],
      ['scrape_timeout: 10s', 'scrape_timeout: 1s'],
      ["'localhost:8009'", `'${hostOf(servers[0]!.adminUrl)}'`],
      ["'localhost:9000'", `'${hostOf(engines.centrifugo!.apiUrl)}'`],
    ];
    let text = await readFile(join(prometheusFolder, 'prometheus.yml'), 'utf8');
    for (const [from, to] of changes) {
      expect(text).toContain(from);
      text = text.replace(from, to);
    }
    return text;
  }

  async function api<T>(path: string): Promise<T> {
    const answer = (await (await fetch(`${url}/api/v1/${path}`)).json()) as { data: T; error?: string };
    if (answer.error !== undefined) throw new Error(`${path}: ${answer.error}`);
    return answer.data;
  }
  const query = async (expression: string): Promise<readonly Sample[]> =>
    (await api<{ result: readonly Sample[] }>(`query?${new URLSearchParams({ query: expression })}`)).result;
  const alerts = async (): Promise<readonly string[]> =>
    (await api<{ alerts: readonly Alert[] }>('alerts')).alerts.map(({ labels }) => labels['alertname'] ?? '');

  const dashboardTargets = async (): Promise<readonly Target[]> => {
    const text = await readFile(join(deploy, 'grafana/dashboards/centrifugo.json'), 'utf8');
    const { panels } = JSON.parse(text) as { panels: { targets?: Target[] }[] };
    return panels.flatMap(({ targets = [] }) => targets);
  };
  /** As Grafana sends it. */
  const filledIn = (expression: string): string =>
    expression.replaceAll('$centrifugo', '.*').replaceAll('$__rate_interval', '1m');

  it('finds both at the ports that prometheus.yml says', async () => {
    const both = async () =>
      (await query('up == 1')).map(({ metric }) => metric['job']).toSorted((a, b) => (a! < b! ? -1 : 1));
    await expect.poll(both, { timeout: 30_000 }).toEqual(['centrifugo', 'conclave']);
  });

  it('has an answer for every panel, with the labels that its legend shows', async () => {
    subscriber = await converse(cluster);
    const targets = await dashboardTargets();
    expect(targets.length).toBeGreaterThan(10);
    for (const { expr, legendFormat } of targets) {
      await expect.poll(() => query(filledIn(expr)), { timeout: 20_000, message: expr }).not.toEqual([]);
      for (const { metric } of await query(filledIn(expr))) {
        for (const [, label] of legendFormat.matchAll(/\{\{(\w+)\}\}/g))
          expect([expr, label, metric[label!] ?? '']).toEqual([expr, label, expect.stringMatching(/./)]);
      }
    }
  });

  it('counts what passed: one connection, one subscription, one message from the bus', async () => {
    const valueOf = async (expression: string): Promise<number> =>
      Number((await query(expression))[0]?.value[1]);
    await expect
      .poll(() => valueOf('sum(centrifugo_client_connections_inflight)'), { timeout: 20_000 })
      .toBe(1);
    // Centrifugo counts these every few seconds.
    await expect
      .poll(() => valueOf('sum(centrifugo_node_num_subscriptions)'), { timeout: 30_000 })
      .toBeGreaterThan(0);
    expect(
      await valueOf('sum(centrifugo_transport_messages_sent{frame_type="push_publication"})'),
    ).toBeGreaterThan(0);
    expect(await valueOf('sum(centrifugo_consumers_messages_processed_total)')).toBe(
      await valueOf('sum(conclave_bus_published_total)'),
    );
  });

  it('has the metrics that its alerts name, and none of them fires', async () => {
    const rules = parse(await readFile(join(prometheusFolder, 'centrifugo-alerts.yml'), 'utf8')) as {
      groups: { rules: { expr: string }[] }[];
    };
    const expressions = rules.groups.flatMap(({ rules: each }) => each.map(({ expr }) => expr));
    const names = new Set(
      expressions.flatMap((text) => text.match(/\b(?:up|(?:centrifugo|conclave)_\w+)/g) ?? []),
    );
    expect(names.size).toBeGreaterThan(3);
    for (const name of names) expect([name, (await query(name)).length]).not.toEqual([name, 0]);
    expect((await alerts()).filter((name) => name.startsWith('ConclaveCentrifugo'))).toEqual([]);
  });

  describe('when Centrifugo dies', () => {
    it('says so', async () => {
      await cluster.engines.centrifugo!.kill();
      await expect.poll(alerts, { timeout: 20_000 }).toContain('ConclaveCentrifugoUnscraped');
    });
  });
});

/** A member says something, and a subscriber at Centrifugo hears it; resolves with the subscriber's connection. */
async function converse({ url, engines }: Cluster): Promise<WebSocket> {
  const account = await ask(url, 'POST', '/_matrix/client/v3/register', {
    json: { username: 'ada', password: 'password of ada', auth: { type: 'm.login.dummy' } },
  });
  const { access_token: accessToken, user_id: userId } = account.body as unknown as Record<string, string>;
  const origin = userId!.slice(userId!.indexOf(':') + 1);
  const member = await TestMember.create({ url, name: 'alice', accessToken: accessToken!, origin });
  const grant = await member.subscribe();
  const socket = new WebSocket(`${engines.centrifugo!.url.replace('http', 'ws')}/connection/websocket`);
  const said: string[] = [];
  const heard = async (part: string): Promise<void> => {
    await expect.poll(() => said.join('\n'), { timeout: 20_000 }).toContain(part);
  };
  socket.addEventListener('message', ({ data }) => {
    said.push(String(data));
    if (data === '{}') socket.send('{}');
  });
  await once(socket, 'open');
  const commands = [
    { id: 1, connect: { token: grant.connection_token } },
    { id: 2, subscribe: { channel: grant.channel, token: grant.subscription_token } },
  ];
  socket.send(commands.map((command) => JSON.stringify(command)).join('\n'));
  await heard('"id":2,"subscribe"');
  expect((await member.say('hello')).status).toBe(200);
  await heard('"pub":');
  return socket;
}
