/** deploy/ with the real programs: the load balancers' samples, the engines' files that start.sh and prepare.sh make. */
import { execFile, execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { chmod, cp, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer, request, type Server } from 'node:http';
import { type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import {
  findFreePort,
  findProgram,
  missingPostgres,
  missingProgram,
  startPostgres,
  startRealServer,
} from '@conclave/testkit/servers';
import { requireServer } from '@conclave/testkit/servers/require-server';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { isRoot, requireRoot } from './require-root.ts';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const deploy = join(root, 'deploy');
const run = promisify(execFile);

let folder: string;
const closers: (() => unknown)[] = [];
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'conclave-deploy-'));
  await chmod(folder, 0o755);
});
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});
afterAll(() => rm(folder, { recursive: true }));

/** A process as a load balancer sees it: says who it is, what it was told, and accepts WebSockets. */
async function startBackend(name: string): Promise<{ readonly port: number; isReady: boolean }> {
  const server: Server = createServer((request, response) => {
    if (request.url === '/ready' && !backend.isReady) response.statusCode = 503;
    response.end(JSON.stringify({ name, forwardedFor: request.headers['x-forwarded-for'] }));
  });
  server.on('upgrade', (request, socket) => {
    const key = `${request.headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`;
    const accept = createHash('sha1').update(key).digest('base64');
    socket.on('error', () => socket.destroy());
    socket.end(
      `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
    );
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closers.push(() => {
    server.closeAllConnections();
    server.close();
  });
  const backend = { port: (server.address() as AddressInfo).port, isReady: true };
  return backend;
}

async function ask(port: number): Promise<{ name: string; forwardedFor: string }> {
  const answer = await fetch(`http://127.0.0.1:${port}/`, { headers: { 'X-Forwarded-For': '203.0.113.7' } });
  if (!answer.ok) throw new Error(`status ${answer.status}`);
  return (await answer.json()) as { name: string; forwardedFor: string };
}

async function upgrade(port: number): Promise<number> {
  const headers = {
    Connection: 'Upgrade',
    Upgrade: 'websocket',
    'Sec-WebSocket-Version': '13',
    'Sec-WebSocket-Key': 'AAAAAAAAAAAAAAAAAAAAAA==',
  };
  const asked = request({ port, host: '127.0.0.1', path: '/connection/websocket', headers });
  asked.end();
  const [response, socket] = (await once(asked, 'upgrade')) as [{ statusCode: number }, { destroy(): void }];
  socket.destroy();
  return response.statusCode;
}

interface Sample {
  readonly title: string;
  readonly program: string;
  /** Whether it asks for `/ready`. */
  readonly asks: boolean;
  /** Rewrites the sample's addresses, and answers with the arguments that run it. */
  readonly prepare: (port: number, backends: readonly number[]) => Promise<string[]>;
}

const sampleOf = async (name: string): Promise<string> =>
  readFile(join(deploy, 'load-balancers', name), 'utf8');
const replaced = (text: string, changes: readonly (readonly [RegExp, string])[]): string => {
  let changed = text;
  for (const [pattern, by] of changes) {
    expect(changed).toMatch(pattern);
    changed = changed.replace(pattern, by);
  }
  return changed;
};

const samples: readonly Sample[] = [
  {
    title: 'HAProxy',
    program: 'haproxy',
    asks: true,
    async prepare(port, backends) {
      const text = replaced(await sampleOf('haproxy.cfg'), [
        [/bind :8080/, `bind 127.0.0.1:${port}`],
        [
          / {2}server-template .*/,
          backends.map((at, index) => `  server p${index} 127.0.0.1:${at}`).join('\n'),
        ],
      ]);
      await writeFile(join(folder, 'haproxy.cfg'), text);
      return ['-db', '-f', join(folder, 'haproxy.cfg')];
    },
  },
  {
    title: 'nginx',
    program: 'nginx',
    asks: false,
    async prepare(port, backends) {
      const text = replaced(await sampleOf('nginx.conf'), [
        [/listen 8080;/, `listen 127.0.0.1:${port};`],
        [/127\.0\.0\.1:8008/, `127.0.0.1:${backends[0]}`],
        [/127\.0\.0\.1:8018/, `127.0.0.1:${backends[1]}`],
        [/ {4}server 127\.0\.0\.1:8028.*\n/, ''],
      ]);
      await writeFile(join(folder, 'conclave.conf'), text);
      const main = `daemon off; master_process off; pid ${folder}/nginx.pid; error_log stderr;
        events {} http { access_log off; client_body_temp_path ${folder}/body; proxy_temp_path ${folder}/proxy;
        fastcgi_temp_path ${folder}/f; uwsgi_temp_path ${folder}/u; scgi_temp_path ${folder}/s; include ${folder}/conclave.conf; }`;
      await writeFile(join(folder, 'nginx.conf'), main);
      return ['-c', join(folder, 'nginx.conf'), '-p', folder];
    },
  },
  {
    title: 'Caddy',
    program: 'caddy',
    asks: true,
    async prepare(port, backends) {
      const text = replaced(await sampleOf('Caddyfile'), [
        [/^:8080/m, `:${port}`],
        [
          /127\.0\.0\.1:8008 127\.0\.0\.1:8018 127\.0\.0\.1:8028/,
          backends.map((at) => `127.0.0.1:${at}`).join(' '),
        ],
      ]);
      await writeFile(join(folder, 'Caddyfile'), text);
      return ['run', '--config', join(folder, 'Caddyfile'), '--adapter', 'caddyfile'];
    },
  },
];

for (const sample of samples) {
  requireServer(missingProgram(sample.program))(`the sample for ${sample.title}`, () => {
    it('shares requests out, tells the real address, passes WebSockets, and leaves processes that drain alone', async () => {
      const backends = [await startBackend('a'), await startBackend('b')];
      const port = await findFreePort();
      const server = await startRealServer({
        name: sample.program,
        program: sample.program,
        arguments: await sample.prepare(
          port,
          backends.map((backend) => backend.port),
        ),
        folder,
        probe: () => ask(port),
      });
      closers.push(() => server[Symbol.asyncDispose]());

      const heard = new Set<string>();
      await expect.poll(async () => heard.add((await ask(port)).name).size, { timeout: 10_000 }).toBe(2);
      expect((await ask(port)).forwardedFor).toBe('127.0.0.1');
      expect(await upgrade(port)).toBe(101);

      if (!sample.asks) return;
      backends[0]!.isReady = false;
      const ten = async (): Promise<string> => {
        const names: string[] = [];
        for (let round = 0; round < 10; round++) names.push((await ask(port)).name);
        return [...new Set(names)].join();
      };
      await expect.poll(ten, { timeout: 15_000 }).toBe('b');
    });
  });
}

describe('what start.sh and prepare.sh make', () => {
  const at = (...parts: string[]): string => join(folder, 'host', ...parts);
  const handedOut = (...parts: string[]): string => at('handed-out', ...parts);

  beforeAll(async () => {
    await cp(deploy, at('deploy'), { recursive: true, filter: (name) => !/\/(?:secrets|\.env)$/.test(name) });
    await run('bash', [at('deploy/start.sh'), '--secrets-only']);
    for (const name of ['handed-out', 'nats', 's3']) await mkdir(at(name));
    if (!isRoot) return;
    const settings = await readFile(join(deploy, 'conclave.yaml'), 'utf8');
    await writeFile(at('conclave.yaml'), settings.replaceAll('/run/handed-out', handedOut()));
    await run('sh', [at('deploy/prepare.sh')], {
      env: {
        PATH: process.env['PATH'],
        APP: root,
        CONFIG: at('conclave.yaml'),
        CONCLAVE_SERVER_NAME: 'localhost',
        CONCLAVE_PUBLIC_URL: 'http://localhost:8080',
        CONCLAVE_GATEWAY_ENGINE: 'centrifugo',
        CONCLAVE_GATEWAY_PUBLIC_URL: 'http://localhost:8000',
        SECRETS: at('deploy/secrets'),
        HANDED_OUT: handedOut(),
        NATS_DATA: at('nats'),
        S3_DATA: at('s3'),
      },
    });
  });

  requireRoot()('as root', () => {
    it('hands each service its own secrets, which nobody else can read', async () => {
      const owners = { conclave: 1000, postgres: 999, nats: 1001, s3: 1002, redis: 1003, centrifugo: 1004 };
      for (const [name, uid] of Object.entries(owners)) {
        const { mode, uid: owner } = await stat(handedOut(name));
        expect([name, owner, (mode & 0o777).toString(8)]).toEqual([name, uid, '500']);
      }
      const { mode, uid } = await stat(handedOut('conclave/master-keys.json'));
      expect([uid, (mode & 0o777).toString(8)]).toEqual([1000, '400']);
      expect(await readFile(handedOut('conclave/postgres-password'), 'utf8')).toBe(
        await readFile(at('deploy/secrets/postgres-password'), 'utf8'),
      );
      const centrifugo = await readFile(handedOut('centrifugo/config.json'), 'utf8');
      expect(JSON.parse(centrifugo).http_server).toMatchObject({ address: '0.0.0.0', port: 8000 });
      expect(centrifugo).toContain((await readFile(at('deploy/secrets/nats-password'), 'utf8')).trim());
      // Another user sees nothing of it.
      expect(() =>
        execFileSync('cat', [handedOut('redis/redis.conf')], { uid: 999, gid: 999, stdio: 'pipe' }),
      ).toThrow(/Permission denied/);
      // The bucket of the new volume, which the S3 server finds there.
      expect((await stat(at('s3/conclave'))).uid).toBe(1002);
    });

    requireServer(missingProgram('centrifugo'))('for Centrifugo', () => {
      it('is a configuration that it takes', async () => {
        const file = handedOut('centrifugo/config.json');
        await expect(run(findProgram('centrifugo')!, ['checkconfig', '-c', file])).resolves.toBeDefined();
      });
    });

    requireServer(missingProgram('minio', 'curl'))('for the S3 server', () => {
      it('is a bucket on the new volume that objects can be put into', async () => {
        const port = await findFreePort();
        const keys = [
          '--user',
          `conclave:${(await readFile(handedOut('s3/s3-secret-access-key'), 'utf8')).trim()}`,
        ];
        const ask = async (path: string, ...more: string[]): Promise<string> => {
          const options = ['--silent', '--fail', '--aws-sigv4', 'aws:amz:us-east-1:s3', ...keys, ...more];
          return (await run('curl', [...options, `http://127.0.0.1:${port}${path}`])).stdout;
        };
        const server = await startRealServer({
          name: 's3',
          program: 'minio',
          arguments: ['server', '--quiet', '--address', `127.0.0.1:${port}`, at('s3')],
          folder,
          environment: {
            MINIO_ROOT_USER: 'conclave',
            MINIO_ROOT_PASSWORD_FILE: handedOut('s3/s3-secret-access-key'),
            MINIO_BROWSER: 'off',
            MINIO_UPDATE: 'off',
          },
          probe: () => ask('/'),
        });
        closers.push(() => server[Symbol.asyncDispose]());
        expect(await ask('/')).toContain('<Name>conclave</Name>');
        await ask('/conclave/object', '--upload-file', join(deploy, 'README.md'));
        expect(await ask('/conclave/object')).toBe(await readFile(join(deploy, 'README.md'), 'utf8'));
      });
    });
  });

  requireServer(missingProgram('nats-server'))('for NATS', () => {
    it('is a configuration that it takes', async () => {
      const checked = await run(findProgram('nats-server')!, ['-t', '-c', at('deploy/secrets/nats.conf')]);
      expect(checked.stderr).toContain('is valid');
    });
  });

  requireServer(missingProgram('redis-server', 'redis-cli'))('for Redis', () => {
    it('is a configuration that it takes, and it answers the health check without the password', async () => {
      const socket = join(folder, 'redis.sock');
      const ping = async (): Promise<string> => (await run('redis-cli', ['-s', socket, 'ping'])).stdout;
      const server = await startRealServer({
        name: 'redis',
        program: 'redis-server',
        arguments: [at('deploy/secrets/redis.conf'), '--port', '0', '--unixsocket', socket],
        folder,
        async probe() {
          if (!/PONG|NOAUTH/.test(await ping())) throw new Error('no answer');
        },
      });
      closers.push(() => server[Symbol.asyncDispose]());
      expect(await ping()).toContain('NOAUTH');
    });
  });

  requireServer(missingPostgres(), missingProgram('psql'))('for PostgreSQL', () => {
    it('makes the role and its database, without special rights', async () => {
      await using server = await startPostgres();
      const { port } = new URL(server.superuser.url);
      const environment = {
        PATH: process.env['PATH'],
        PGHOST: '127.0.0.1',
        PGPORT: port,
        PGUSER: 'postgres',
        PGPASSWORD: server.superuser.password,
      };
      // The launcher has made a role of that name: the script has to make it itself.
      const superuser = async (sql: string): Promise<string> =>
        (await run('psql', ['-qtAc', sql, '-d', 'postgres'], { env: environment })).stdout.trim();
      await superuser('drop database conclave');
      await superuser('drop role conclave');

      const script = (await readFile(at('deploy/postgres/create-role.sh'), 'utf8')).replaceAll(
        '/run/handed-out/postgres',
        at('deploy/secrets'),
      );
      await writeFile(at('create-role.sh'), script);
      await run('sh', [at('create-role.sh')], { env: environment });

      const password = (await readFile(at('deploy/secrets/postgres-password'), 'utf8')).trim();
      const asRole = { ...environment, PGUSER: 'conclave', PGPASSWORD: password };
      const { stdout } = await run('psql', ['-qtAc', 'select current_user', '-d', 'conclave'], {
        env: asRole,
      });
      expect(stdout.trim()).toBe('conclave');
      expect(
        await superuser(
          `select rolsuper or rolcreatedb or rolcreaterole from pg_roles where rolname = 'conclave'`,
        ),
      ).toBe('f');
      expect(server.output).not.toContain(password);
    });
  });
});

requireServer(missingProgram('kubectl-validate'))('the manifests of Kubernetes', () => {
  const manifests = join(deploy, 'kubernetes');
  /** Against the schemas that the program brings, with unknown fields as errors. */
  const validate = (path: string) =>
    run(findProgram('kubectl-validate')!, ['--version=1.30', path], { env: { HOME: folder } });

  it('are what its schemas say, and so is the Secret', async () => {
    const copy = join(folder, 'kubernetes');
    await cp(manifests, copy, { recursive: true, filter: (name) => !name.endsWith('.sh') });
    const secrets = join(folder, 'secrets');
    await mkdir(secrets);
    const script = join(manifests, 'make-secret.sh');
    for (const [name] of (await readFile(script, 'utf8')).match(/^files=\((.*)\)$/m)![1]!.matchAll(/\S+/g))
      await writeFile(join(secrets, name), 'a secret');
    await writeFile(join(copy, 'secret.yaml'), (await run('bash', [script, secrets])).stdout);
    const names = (await readdir(copy)).filter((name) => name.endsWith('.yaml'));
    const { stderr, stdout } = await validate(copy);
    expect(`${stdout}${stderr}`.match(/\.yaml.*OK/g)).toHaveLength(names.length);
  });

  it('would not be with a field that does not exist, or a value of another kind', async () => {
    const text = await readFile(join(manifests, 'service.yaml'), 'utf8');
    const file = join(folder, 'service.yaml');
    for (const [from, to] of [
      ['targetPort', 'targetsPort'],
      ['port: 80', "port: '80'"],
    ] as const) {
      await writeFile(file, replaced(text, [[new RegExp(from), to]]));
      await expect(validate(file)).rejects.toMatchObject({ code: 1 });
    }
  });
});

describe('the files of the image', () => {
  /** 92 MB, and a little. The compiler of the kernel alone, or TypeScript, is more than the difference. */
  const maxImageMb = 100;
  /** Octets of files, not of blocks: what a registry and a layer count. */
  const megabytesOf = async (path: string): Promise<number> =>
    Number.parseInt((await run('du', ['-sb', path])).stdout, 10) / 1e6;

  it('are a server that starts, with every engine that it may be told to use', async () => {
    const app = join(folder, 'app');
    const builtKernel = join(root, 'packages/ristretto/build/ristretto.wasm');
    expect((await stat(builtKernel)).size).toBeGreaterThan(0);
    await run('sh', [join(deploy, 'assemble.sh'), app], { timeout: 200_000 });
    const sizeMb = await megabytesOf(app);
    const parts = await readdir(join(app, 'node_modules'), { withFileTypes: true });
    const sized = await Promise.all(
      parts
        .filter((part) => part.isDirectory())
        .map(async ({ name }) => [name, await megabytesOf(join(app, 'node_modules', name))] as const),
    );
    const largest = sized.toSorted(([, a], [, b]) => b - a).slice(0, 5);
    process.stdout.write(
      `the image without its base: ${sizeMb.toFixed(1)} MB; of it ${largest.map(([part, mb]) => `${part} ${mb.toFixed(1)}`).join(', ')}\n`,
    );
    expect(sizeMb).toBeLessThan(maxImageMb);
    const imports = ['postgres', 'nats', 'redis', 's3', 'blob-encryption']
      .map((name) => `await import('@conclave/platform/${name}');`)
      .join('\n');
    const check = join(app, 'apps/server/src/check-imports.ts');
    await writeFile(check, imports);
    await run(process.execPath, [check]);
    const [port, admin] = [await findFreePort(), await findFreePort()];
    const program = join(app, 'apps/server/src/main.ts');
    const server = await startRealServer({
      name: 'conclave',
      program: process.execPath,
      arguments: [program, 'start', `--listen.port=${port}`, `--admin.port=${admin}`],
      folder,
      async probe() {
        if (!(await fetch(`http://127.0.0.1:${admin}/ready`)).ok) throw new Error('not ready');
      },
    });
    closers.push(() => server[Symbol.asyncDispose]());
    await expect.poll(() => server.output).toContain(`Conclave is listening at http://localhost:${port}`);
  });
});
