/** What deploy/ promises and can be seen without a container engine: settings, pinned versions, users, health checks. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseConfig, type Config, type ConfigInput } from '@conclave/server';
import { serverNodeFlags } from '@conclave/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';

const deploy = fileURLToPath(new URL('../../../deploy', import.meta.url));
const read = (name: string): string => readFileSync(join(deploy, name), 'utf8');

/** Settings in the style of what the files hold; throws with every problem. */
const parsed = (text: string): Config => parseConfig(parse(text) as ConfigInput);

describe('compose.yaml', () => {
  const compose = parse(read('compose.yaml'), { merge: true });
  const services: [string, any][] = Object.entries(compose.services);
  const running = services.filter(([name]) => name !== 'prepare');

  it('pins every image by its version', () => {
    for (const [name, { image }] of services) {
      expect([name, image]).toEqual([
        name,
        expect.stringMatching(/:(?:\$\{CONCLAVE_VERSION:-)?v?[A-Z.]*\d+[.-]\d+/),
      ]);
    }
    for (const from of read('Dockerfile').matchAll(/^FROM (\S+)/gm))
      expect(from[1]).toMatch(/:\d+\.\d+\.\d+-/);
  });

  it('checks the health of every service that stays', () => {
    for (const [name, service] of running) {
      const checked = service.healthcheck?.test !== undefined || service.image.startsWith('conclave:');
      expect([name, checked]).toEqual([name, true]);
    }
    expect(read('Dockerfile')).toMatch(/^HEALTHCHECK /m);
  });

  it('runs nothing as root but what ends, and takes every right from what stays', () => {
    for (const [name, service] of running) {
      const ownUser = /^(?:conclave|haproxy):/.test(service.image); // the image says which
      expect([name, ownUser || /^[1-9]\d*:[1-9]\d*$/.test(service.user)]).toEqual([name, true]);
      expect([name, service.cap_drop]).toEqual([name, ['ALL']]);
    }
    expect(read('Dockerfile').trimEnd()).toMatch(/\nUSER node\n/);
  });

  it('starts the server with the flags with which it is tested, as the launcher does', () => {
    const entry = /^ENTRYPOINT (.*)$/m.exec(read('Dockerfile'))?.[1] ?? '[]';
    expect(JSON.parse(entry)).toEqual(['node', ...serverNodeFlags, '/app/apps/server/src/main.ts']);
    const launcher = read('../conclave');
    const flagsOf = (name: string) =>
      [
        ...(new RegExp(`^${name}\\(\\) \\{(.*)\\}$`, 'm').exec(launcher)?.[1] ?? '').matchAll(/--\S+=\S+/g),
      ].map(([flag]) => flag);
    expect([...flagsOf('run'), ...flagsOf('serve')]).toEqual([...serverNodeFlags]);
  });

  it('has no secret in it, and publishes engines on this machine only', () => {
    for (const [name, { environment = {}, ports = [] }] of services) {
      for (const key of Object.keys(environment)) {
        const allowed = !/PASSWORD|SECRET|KEY|TOKEN/.test(key) || key.endsWith('_FILE');
        expect([name, key, allowed]).toEqual([name, key, true]);
      }
      for (const port of ports as string[])
        expect(port).toMatch(/^(?:127\.0\.0\.1|\$\{PUBLISH:-127\.0\.0\.1\}):/);
    }
  });

  it('mounts only what exists and is declared', () => {
    for (const [, { volumes = [] }] of services) {
      for (const volume of volumes as (string | { source: string })[]) {
        const source = typeof volume === 'string' ? volume.split(':')[0]! : volume.source;
        if (source === './secrets') continue; // made by start.sh
        const known = source.startsWith('.') ? existsSync(join(deploy, source)) : source in compose.volumes;
        expect([source, known]).toEqual([source, true]);
      }
    }
  });

  it('gives processes more time to stop than they take', () => {
    const { shutdown } = parsed(read('conclave.yaml'));
    const takes = shutdown.drainMs + 2 * shutdown.graceMs + 10_000;
    expect(Number.parseInt(compose.services.conclave.stop_grace_period, 10) * 1_000).toBeGreaterThanOrEqual(
      takes,
    );
  });
});

describe('the kubernetes manifests', () => {
  const folder = join(deploy, 'kubernetes');
  let objects: any[];
  const kind = (name: string): any => objects.find((each) => each.kind === name);

  beforeAll(async () => {
    const files = (await readdir(folder)).filter((name) => name.endsWith('.yaml'));
    objects = files.flatMap((name) =>
      parseAllDocuments(readFileSync(join(folder, name), 'utf8')).map((each) => each.toJS()),
    );
  });

  it('has settings that the program takes, with files that the secret has', () => {
    const config = parsed(kind('ConfigMap').data['conclave.yaml']);
    const secret = readFileSync(join(folder, 'make-secret.sh'), 'utf8');
    const files = [
      config.secretsFile,
      config.store.passwordFile,
      config.bus.passwordFile,
      config.redis.passwordFile,
      config.blobs.secretAccessKeyFile,
      config.blobs.masterKeysFile,
    ];
    for (const file of files) {
      expect(dirname(file!)).toBe('/run/secrets/conclave');
      expect(secret).toContain(file!.split('/').at(-1));
    }
  });

  it('lets pods reach every engine that their settings name, and the collector of traces of the sample', () => {
    const text = kind('ConfigMap').data['conclave.yaml'] as string;
    const config = parsed(text.replaceAll(/^# ((?:tracing:| {2}).*)$/gm, '$1'));
    const { egress } = kind('NetworkPolicy').spec;
    const allowed = egress.flatMap(({ to, ports }: any) =>
      to.flatMap(({ podSelector, namespaceSelector }: any) =>
        ports.map(({ port }: any) => ({
          port,
          names: podSelector.matchExpressions?.[0].values ?? [],
          namespace: namespaceSelector?.matchLabels?.['kubernetes.io/metadata.name'] ?? '',
        })),
      ),
    );
    const { store, bus, redis, blobs, tracing } = config;
    expect(tracing.endpoint).not.toBe(null);
    for (const url of [store.url, bus.url, redis.url, blobs.endpoint, tracing.endpoint]) {
      const { hostname, port } = new URL(url!);
      const [name, namespace = ''] = hostname.split('.');
      expect(allowed).toContainEqual({
        port: Number(port),
        names: expect.arrayContaining([name]),
        namespace,
      });
    }
  });

  it('gives pods more time to stop than they take, and takes no more than one away', () => {
    const { shutdown } = parsed(kind('ConfigMap').data['conclave.yaml']);
    const { spec } = kind('Deployment').spec.template;
    expect(spec.terminationGracePeriodSeconds * 1_000).toBeGreaterThanOrEqual(
      shutdown.drainMs + 2 * shutdown.graceMs + 10_000,
    );
    const [{ readinessProbe }] = spec.containers;
    expect(shutdown.drainMs / 2).toBeGreaterThan(
      readinessProbe.periodSeconds * readinessProbe.failureThreshold * 1_000,
    );
    // Clients are told to let go of a connection that was idle for 15 s: before the process closes it.
    expect(shutdown.drainMs).toBeGreaterThan(15_000);
    expect(kind('PodDisruptionBudget').spec.maxUnavailable).toBe(1);
  });

  it('runs without root and without rights, and selects what it deploys', () => {
    const { template, selector } = kind('Deployment').spec;
    expect(template.spec.securityContext).toMatchObject({ runAsNonRoot: true, runAsUser: 1000 });
    expect(template.spec.containers[0].securityContext).toMatchObject({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    });
    // A Service called conclave would set CONCLAVE_PORT, which is no setting.
    expect(template.spec.enableServiceLinks).toBe(false);
    expect(template.metadata.labels).toMatchObject(selector.matchLabels);
    expect(kind('Service').spec.selector).toEqual(selector.matchLabels);
    expect(kind('NetworkPolicy').spec.podSelector.matchLabels).toEqual(selector.matchLabels);
  });
});

describe('start.sh --secrets-only', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'conclave-deploy-'));
    execFileSync('cp', ['-R', deploy, folder]);
    execFileSync('rm', ['-rf', join(folder, 'deploy/secrets'), join(folder, 'deploy/.env')]);
  });
  afterAll(() => rm(folder, { recursive: true }));

  const start = (...args: string[]): string =>
    execFileSync('bash', [join(folder, 'deploy/start.sh'), '--secrets-only', ...args], {
      encoding: 'utf8',
      stdio: 'pipe',
    });
  const secretsOf = (): string =>
    execFileSync('sh', ['-c', 'cd deploy/secrets && stat -c "%a %n" . * && cat *'], {
      cwd: folder,
      encoding: 'utf8',
    });

  it('makes secrets that only their owner can read, once, and settings without secrets', () => {
    start('--server-name', 'chat.example.org');
    const first = secretsOf();
    const modes = [...first.matchAll(/^(\d{3}) (\S+)$/gm)];
    expect(modes.length).toBe(9);
    for (const [, mode, name] of modes) expect([name, mode]).toEqual([name, name === '.' ? '700' : '600']);
    start('--gateway', 'centrifugo');
    expect(secretsOf()).toBe(first);
    const settings = readFileSync(join(folder, 'deploy/.env'), 'utf8');
    expect(settings).toContain('CONCLAVE_SERVER_NAME=chat.example.org\n');
    expect(settings).toContain('COMPOSE_PROFILES=centrifugo\n');
    expect(settings).not.toMatch(/PASSWORD|SECRET|TOKEN/);
  });

  it('refuses to change the server name, and what it does not understand', () => {
    expect(() => start('--server-name', 'other.example.org')).toThrow(
      /the server name is chat\.example\.org and cannot change/,
    );
    expect(() => start('--gateway', 'other')).toThrow(/embedded or centrifugo/);
    expect(() => start('--colour')).toThrow(/not understood: --colour/);
  });

  it('makes what the Secret of Kubernetes is made of', () => {
    const script = join(folder, 'deploy/kubernetes/make-secret.sh');
    const secrets = join(folder, 'deploy/secrets');
    expect(() => execFileSync('bash', [script, secrets], { stdio: 'pipe' })).toThrow(
      /master-keys\.json is missing/,
    );
    execFileSync('sh', ['-c', `echo '{}' > ${secrets}/master-keys.json`]);
    const secret = parse(execFileSync('bash', [script, secrets], { encoding: 'utf8' }));
    expect(secret.kind).toBe('Secret');
    const given = Buffer.from(secret.data['postgres-password'], 'base64').toString('utf8');
    expect(given).toBe(readFileSync(join(secrets, 'postgres-password'), 'utf8'));
  });
});

it('settings of the containers are settings that the program takes', () => {
  const config = parsed(read('conclave.yaml'));
  expect(config.store.engine).toBe('postgres');
  // Everything that it names is handed out by prepare.sh.
  const handedOut = /^hand_out 1000 conclave (.*)$/m.exec(read('prepare.sh'))?.[1]?.split(' ');
  const named = read('conclave.yaml').matchAll(/\/run\/handed-out\/conclave\/(\S+)/g);
  expect(new Set([...named].map(([, name]) => name))).toEqual(new Set(handedOut));
});

it('every script is one that the shell understands', async () => {
  const scripts = (await readdir(deploy, { recursive: true })).filter((name) => name.endsWith('.sh'));
  expect(scripts.length).toBeGreaterThan(4);
  for (const name of scripts) {
    const shell = read(name).startsWith('#!/bin/sh') ? 'sh' : 'bash';
    execFileSync(shell, ['-n', join(deploy, name)]);
  }
});
