/** `conclave config centrifugo`, as it is typed. */
import { execFile } from 'node:child_process';
import { chmod, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, test } from 'vitest';

const main = fileURLToPath(new URL('../src/main.ts', import.meta.url));
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'conclave-centrifugo-config-'));
});
afterEach(async () => {
  await rm(folder, { recursive: true });
});

async function run(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const needed = [
    `--dataDirectory=${folder}`,
    '--publicUrl=https://chat.example.org',
    '--gateway.engine=centrifugo',
    '--gateway.publicUrl=https://live.example.org',
    '--bus.engine=nats',
    '--bus.url=nats://conclave@127.0.0.1:4222',
    `--bus.passwordFile=${join(folder, 'bus-password')}`,
  ];
  await writeFile(join(folder, 'bus-password'), 'bus-secret\n', { mode: 0o600 });
  try {
    const all = [main, 'config', 'centrifugo', ...needed, ...args];
    const { stdout, stderr } = await promisify(execFile)(process.execPath, all, {
      cwd: folder,
      timeout: 30_000,
    });
    return { code: 0, stdout, stderr };
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
    return { code, stdout, stderr };
  }
}

test('prints the same configuration each time, with the ports that it is told', async () => {
  const first = await run('--gateway.apiUrl=http://127.0.0.1:9123', '--port', '8123');
  expect(first).toMatchObject({ code: 0, stderr: '' });
  const document = JSON.parse(first.stdout);
  expect(document.http_server).toEqual({
    address: '127.0.0.1',
    port: 8123,
    internal_address: '127.0.0.1',
    internal_port: '9123',
  });
  expect(document.consumers[0].nats_jetstream).toMatchObject({
    username: 'conclave',
    password: 'bus-secret',
  });
  expect(document.client.token.hmac_secret_key).toMatch(/^[\w-]{43}$/);
  expect(document.admin).toEqual({ enabled: false });
  const again = await run('--gateway.apiUrl=http://127.0.0.1:9123', '--port', '8123', '--admin');
  const { admin, ...rest } = JSON.parse(again.stdout);
  expect({ ...rest, admin: { enabled: false } }).toEqual(document);
  const secrets = [
    document.client.token.hmac_secret_key,
    document.http_api.key,
    admin.password,
    admin.secret,
  ];
  expect(new Set(secrets).size).toBe(4);
});

test('writes a file that only its owner can read, also over one that others could', async () => {
  const file = join(folder, 'centrifugo.json');
  await writeFile(file, 'old');
  await chmod(file, 0o644);
  expect(await run('--output', file)).toEqual({ code: 0, stdout: '', stderr: '' });
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  expect(JSON.parse(await readFile(file, 'utf8'))).toHaveProperty('client.token');
});

test('says what is wrong, and prints no secret then', async () => {
  const badPort = await run('--port', '70000');
  expect(badPort).toMatchObject({ code: 2, stdout: '' });
  expect(badPort.stderr).toContain('--port needs a port');
  const otherEngine = await run('--gateway.engine=embedded');
  expect(otherEngine).toMatchObject({ code: 1, stdout: '' });
  expect(otherEngine.stderr).toContain('gateway.engine=centrifugo');
  const noFile = await run(`--bus.passwordFile=${join(folder, 'absent')}`);
  expect(noFile).toMatchObject({ code: 1, stdout: '' });
  expect(noFile.stderr).toContain('absent cannot be read');
});
