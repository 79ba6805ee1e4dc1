/** `conclave admin blob-keys` as an operator types it. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ask, startServerProcess, TestMember } from '@conclave/testkit';
import { afterEach, beforeEach, expect, it } from 'vitest';

const main = fileURLToPath(new URL('../src/main.ts', import.meta.url));
let directory: string;
let file: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'conclave-blob-keys-'));
  file = join(directory, 'master-keys.json');
});
afterEach(() => rm(directory, { recursive: true }));

async function blobKeys(...args: string[]) {
  const child = spawn(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', main, 'admin', 'blob-keys', ...args],
    { cwd: directory, env: { PATH: process.env['PATH'] ?? '' }, stdio: ['ignore', 'pipe', 'pipe'] },
  );
  let text = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
  }
  const [code] = (await once(child, 'close')) as [number];
  return { code, text };
}

it('makes, adds, promotes and removes master keys, refuses what would lose blobs, and prints no key', async () => {
  const ring = `--blobs.masterKeysFile=${file}`;
  const made = await blobKeys('create', ring);
  expect(made).toMatchObject({ code: 0, text: expect.stringMatching(/^made \S+ in /) });
  const first = /^made (\S+)/.exec(made.text)![1]!;
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  expect(await blobKeys('create', ring)).toMatchObject({ code: 1, text: expect.stringContaining('exists') });

  await using server = await startServerProcess({
    dataDirectory: join(directory, 'data'),
    flags: { 'blobs.masterKeysFile': file },
  });
  const where = [
    ring,
    `--dataDirectory=${join(directory, 'data')}`,
    `--admin.port=${new URL(server.adminUrl).port}`,
  ];
  expect(await blobKeys('status', ...where)).toEqual({ code: 0, text: `${first}  0 data keys  current\n` });
  expect(await blobKeys('remove', first, ...where)).toMatchObject({
    code: 1,
    text: expect.stringContaining('promote another one first'),
  });
  const added = await blobKeys('add', ...where);
  const second = /^added (\S+),/.exec(added.text)![1]!;
  // Until it is promoted it wraps nothing, so a machine that lacks it lacks nothing.
  expect((await blobKeys('status', ...where)).text).toBe(
    `${first}  0 data keys  current\n${second}  0 data keys  \n`,
  );
  expect(await blobKeys('promote', second, ...where)).toMatchObject({ code: 0 });
  expect((await blobKeys('status', ...where)).text).toBe(
    `${second}  0 data keys  current\n${first}  0 data keys  \n`,
  );
  expect(await blobKeys('remove', first, ...where)).toEqual({ code: 0, text: `removed ${first}\n` });
  expect(await blobKeys('remove', first, ...where)).toMatchObject({
    code: 1,
    text: expect.stringContaining('there is no master key'),
  });

  const keys = [...(await readFile(file, 'utf8')).matchAll(/"([A-Za-z0-9+/]{43}=)"/g)].map(([, key]) => key!);
  expect(keys).toHaveLength(1);
  expect(made.text + added.text + server.output).not.toContain(keys[0]!);
});

it('does not remove a key that still wraps something', async () => {
  const first = /^made (\S+)/.exec((await blobKeys('create', `--blobs.masterKeysFile=${file}`)).text)![1]!;
  await using server = await startServerProcess({
    dataDirectory: join(directory, 'data'),
    // The job ran at the start, and nothing is wrapped anew for a day.
    flags: {
      'blobs.masterKeysFile': file,
      'jobs.sweepIntervalMs': '86400000',
      'accounts.registration': 'open',
    },
  });
  const where = [
    `--blobs.masterKeysFile=${file}`,
    `--dataDirectory=${join(directory, 'data')}`,
    `--admin.port=${new URL(server.adminUrl).port}`,
  ];
  const registered = await fetch(`${server.url}/_matrix/client/v3/register`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ username: 'ada', password: 'password of ada', auth: { type: 'm.login.dummy' } }),
  });
  const { access_token: accessToken } = (await registered.json()) as { readonly access_token: string };
  const alice = await TestMember.create({
    url: server.url,
    name: 'alice',
    accessToken,
    origin: 'conclave.test',
  });
  const octets = new TextEncoder().encode('an attachment');
  const { path, headers } = alice.proveBlob(octets);
  expect((await ask(server.url, 'PUT', path, { octets, headers })).status).toBe(201);
  const second = /^added (\S+),/.exec((await blobKeys('add', ...where)).text)![1]!;
  expect((await blobKeys('promote', second, ...where)).code).toBe(0);
  expect(await blobKeys('remove', first, ...where)).toEqual({
    code: 1,
    text: `conclave: ${first} still wraps 1 data keys: wait for the job\n`,
  });
  expect(JSON.parse(await readFile(file, 'utf8')).keys).toHaveProperty(first);
});

it('says what is missing', async () => {
  expect(await blobKeys('create')).toMatchObject({
    code: 2,
    text: expect.stringContaining('blobs.masterKeysFile'),
  });
  expect(await blobKeys('polish', `--blobs.masterKeysFile=${file}`)).toMatchObject({ code: 2 });
  expect(await blobKeys('promote', `--blobs.masterKeysFile=${file}`)).toMatchObject({ code: 2 });
  expect(await blobKeys('add', `--blobs.masterKeysFile=${file}`)).toMatchObject({
    code: 1,
    text: expect.stringContaining('cannot be read'),
  });
  await writeFile(file, '{}', { mode: 0o600 });
  expect(await blobKeys('add', `--blobs.masterKeysFile=${file}`)).toMatchObject({
    code: 1,
    text: expect.stringContaining('is not a ring of master keys'),
  });
});
