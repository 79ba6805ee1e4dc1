/**
 * deploy/ in a container engine, by its own scripts: the image is built, everything becomes healthy, people talk through it while processes
 * are replaced, each container reads only what it was handed, and nothing is left after `--drop-volumes`.
 *
 * Needs Docker with its plugin compose, and the images that deploy/ pins (or scripts/stand-in-images.sh): ./conclave test --stage containers
 */
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { requireServer } from '@conclave/testkit/servers/require-server';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  docker,
  missingContainerEngine,
  prepareComposeInstallation,
  type ComposeInstallation,
} from '../src/compose-installation.ts';
import { startConversation } from '../src/conversation.ts';

const server = ['exec', '-T', 'conclave', 'node', '/app/apps/server/src/main.ts'];
const config = '--config=/etc/conclave/conclave.yaml';
/** HAProxy asks the engine's name server and each process every second. */
const seenByLoadBalancer = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 5_000));

requireServer(missingContainerEngine())('compose.yaml and its scripts', () => {
  let installation: ComposeInstallation;

  beforeAll(async () => {
    installation = await prepareComposeInstallation();
    await installation.start();
  });

  afterAll(() => installation[Symbol.asyncDispose]());

  async function createRegistrationToken(): Promise<string> {
    const printed = await installation.compose(...server, 'admin', 'registration-token', 'create', config);
    const token = printed.match(/^[a-z0-9]{6}(?:-[a-z0-9]{6}){3}$/m)?.[0];
    if (token === undefined) throw new Error(`no token is printed: ${printed}`);
    return token;
  }

  test('people talk while the processes are replaced one by one and become more; no request fails', async () => {
    const printed = await installation.compose('logs', '--no-log-prefix', 'conclave');
    const registrationToken = printed.match(/first account \(works once\): (\S+)/)?.[1];
    expect(registrationToken).toBeDefined();
    using conversation = await startConversation(installation.url, { registrationToken: registrationToken! });
    await conversation.goOn();
    expect(conversation.live).toBeGreaterThan(0);

    const processes = await installation.listContainers('conclave');
    expect(processes).toHaveLength(3);
    for (const name of processes) {
      await docker('restart', '--time', '45', name);
      await installation.untilHealthy(name);
      await seenByLoadBalancer();
      await conversation.goOn();
    }
    await installation.compose('up', '--detach', '--no-recreate', '--scale', 'conclave=5');
    const more = await installation.listContainers('conclave');
    expect(more).toHaveLength(5);
    await Promise.all(more.map((name) => installation.untilHealthy(name)));
    await conversation.goOn();

    await conversation.stop();
    expect(conversation.failures).toEqual([]);
    expect(conversation.heard).toEqual(conversation.said);
    expect(await installation.compose(...server, 'relay', 'status', config)).toContain('0 rows are parked');
  });

  test('nothing runs as root, may gain a right, or reads what another was handed', async () => {
    const services = ['conclave', 'load-balancer', 'postgres', 'nats', 'redis', 's3'];
    const owned = ['conclave', 'postgres', 'nats', 'redis', 's3'];
    for (const service of services) {
      const [name] = await installation.listContainers(service);
      const status = await docker('exec', name!, 'cat', '/proc/1/status');
      const line = (key: string): string => new RegExp(`^${key}:\\s+(.*)$`, 'm').exec(status)![1]!;
      expect([service, line('Uid').split('\t')]).not.toEqual([service, expect.arrayContaining(['0'])]);
      expect([service, line('CapEff'), line('CapBnd'), line('NoNewPrivs')]).toEqual([
        service,
        '0000000000000000',
        '0000000000000000',
        '1',
      ]);
      if (!owned.includes(service)) continue;
      const readable = await Promise.all(
        owned.map(async (folder) => {
          try {
            return (await docker('exec', name!, 'ls', `/run/handed-out/${folder}`)) !== '' ? [folder] : [];
          } catch (error) {
            return String(error).includes('Permission denied') ? [] : [String(error)];
          }
        }),
      );
      expect(readable.flat()).toEqual([service]);
    }
  });

  test('no secret is in a layer, an argument, a variable or a log', async () => {
    const given = join(installation.folder, 'secrets');
    const secrets = await Promise.all(
      (await readdir(given))
        .filter((file) => /-(?:password|key)$/.test(file))
        .map((file) => readFile(join(given, file), 'utf8')),
    );
    secrets.push(
      (JSON.parse(await readFile(join(given, 'secrets.json'), 'utf8')) as { rootKey: string }).rootKey,
    );
    expect(secrets.length).toBeGreaterThanOrEqual(6);
    const containers = await installation.listContainers();
    const shown = [
      await docker('inspect', ...containers),
      await installation.compose('logs'),
      ...(await Promise.all(containers.map((name) => docker('top', name, '-eo', 'pid,args')))),
    ].join('\n');
    expect(shown).toContain('/app/apps/server/src/main.ts');
    for (const secret of secrets) expect(shown).not.toContain(secret);

    // The stage that the image is built in, made from a checkout that has secrets.
    const stage = join(installation.folder, '..', 'stage.yaml');
    const image = `${installation.project}-stage`;
    await writeFile(stage, `services: { prepare: { image: '${image}', build: { target: build } } }\n`);
    try {
      await installation.compose('-f', 'compose.yaml', '-f', stage, 'build', 'prepare');
      const ls = (path: string): Promise<string> => docker('run', '--rm', '--entrypoint', 'ls', image, path);
      expect(await ls('/build/deploy')).toContain('compose.yaml');
      for (const path of ['/build/deploy/secrets', '/build/deploy/.env', '/build/.ci'])
        await expect(ls(path)).rejects.toThrow('No such file');
    } finally {
      await docker('image', 'rm', '--force', image);
    }
  });

  test('it starts again with what it had, with Centrifugo in place of the gateway of its own', async () => {
    await installation.stop();
    expect(await installation.listContainers()).toEqual([]);
    const printed = await installation.start(
      '--gateway',
      'centrifugo',
      '--gateway-url',
      installation.gatewayUrl,
    );
    expect(printed).toContain('Centrifugo admin');
    const registered = await fetch(`${installation.url}/_matrix/client/v3/register/available?username=ada`);
    expect([registered.status, await registered.json()]).toEqual([
      400,
      expect.objectContaining({ errcode: 'M_USER_IN_USE' }),
    ]);

    using conversation = await startConversation(installation.url, {
      username: 'eve',
      registrationToken: await createRegistrationToken(),
    });
    await conversation.goOn();
    // It counts every few seconds.
    const askMetrics = async (): Promise<string> =>
      await (await fetch(`${installation.centrifugoAdminUrl}/metrics`)).text();
    await expect.poll(askMetrics, { timeout: 60_000 }).toMatch(/^centrifugo_node_num_clients [1-9]/m);
    await conversation.stop();
    expect(conversation.failures).toEqual([]);
    expect(conversation.heard).toEqual(conversation.said);
    expect(conversation.live).toBeGreaterThan(0);
  });

  test('nothing is left after --drop-volumes', async () => {
    await installation.stop('--drop-volumes');
    const filter = ['--filter', `label=com.docker.compose.project=${installation.project}`];
    expect(await docker('ps', '--all', '--quiet', ...filter)).toBe('');
    expect(await docker('volume', 'ls', '--quiet', ...filter)).toBe('');
    expect(await docker('network', 'ls', '--quiet', ...filter)).toBe('');
    expect(await readdir(join(installation.folder, 'secrets'))).toContain('master-keys.json');
  });
});
