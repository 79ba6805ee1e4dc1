/** The move of attachments within one process: to encryption on the same disk, what cannot be moved, and what a start refuses. */
import { randomBytes } from 'node:crypto';
import { mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ask, TestMember, type ProvenUpload } from '@conclave/testkit';
import { systemRandom } from '@conclave/platform';
import { createMasterKeys } from '@conclave/platform/blob-encryption';
import { afterEach, beforeEach, expect, it } from 'vitest';
import {
  ConfigError,
  createOperatorClient,
  createServer,
  parseConfig,
  type ConclaveServer,
  type ConfigInput,
} from '../src/index.ts';
import { register } from './test-server.ts';

let folder: string;
let server: ConclaveServer | undefined;
let port = 0;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'conclave-move-blobs-'));
  port = 0;
});
afterEach(async () => {
  await server?.close();
  await rm(folder, { recursive: true });
});

/** On the same port and folder each time. */
async function start(blobs: ConfigInput['blobs'] = {}): Promise<string> {
  await server?.close();
  server = undefined;
  const wide = { burst: 100_000, perMinute: 1_000_000 };
  server = await createServer(
    parseConfig({
      dataDirectory: join(folder, 'data'),
      serverName: 'conclave.test',
      listen: { host: '127.0.0.1', port },
      admin: { port: 0 },
      accounts: { registration: 'open' },
      rateLimits: { blobPut: wide, groupRead: wide, request: wide, readProof: wide },
      blobs,
    }),
  );
  const { url } = await server.listen();
  port = server.port;
  return url.replace('localhost', '127.0.0.1');
}

function operator() {
  const { hostname, port: adminPort } = new URL(server!.adminUrl!);
  return createOperatorClient({
    dataDirectory: join(folder, 'data'),
    secretsFile: null,
    admin: { enabled: true, host: hostname, port: Number(adminPort) },
  });
}

interface Attachment {
  readonly upload: ProvenUpload;
  readonly octets: Buffer;
}

async function upload(alice: TestMember, url: string, size: number): Promise<Attachment> {
  const octets = randomBytes(size);
  const proven = alice.proveBlob(new Uint8Array(octets));
  const { path, headers } = proven;
  expect((await ask(url, 'PUT', path, { octets: new Uint8Array(octets), headers })).status).toBe(201);
  return { upload: proven, octets };
}

async function createGroup(url: string): Promise<TestMember> {
  const { access_token: accessToken } = await register(url, 'ada');
  return await TestMember.create({ url, name: 'alice', accessToken, origin: 'conclave.test' });
}

async function read(alice: TestMember, url: string, { upload: { path } }: Attachment) {
  return await ask(url, 'GET', path, { token: await alice.newReadToken() });
}

async function files(): Promise<string[]> {
  const entries = await readdir(join(folder, 'data', 'attachments', 'blobs'), {
    recursive: true,
    withFileTypes: true,
  });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

async function moved() {
  await operator().beginBlobMove(3);
  await expect
    .poll(async () => (await operator().blobMove()).finishedAtMs, { timeout: 20_000 })
    .not.toBeNull();
  return await operator().blobMove();
}

it('to encryption where they are: every one, once, and again changes nothing', async () => {
  const url = await start();
  const alice = await createGroup(url);
  const attachments = [];
  for (const size of [1, 1_000, 65_536, 300_000]) attachments.push(await upload(alice, url, size));
  await expect(operator().beginBlobMove(3)).rejects.toThrow('refused with status 400');

  const masterKeysFile = join(folder, 'master-keys.json');
  await createMasterKeys(masterKeysFile, systemRandom, 0);
  await start({ masterKeysFile });
  attachments.push(await upload(alice, url, 2_000));
  const bytes = 368_537;
  expect(await operator().blobMove()).toMatchObject({ begunAtMs: null, verified: { attachments: 0 } });
  expect(await moved()).toMatchObject({
    engine: 'disk',
    isEncrypted: true,
    total: { attachments: 5, bytes },
    verified: { attachments: 5, bytes },
    problems: 0,
  });
  const octets = await Promise.all((await files()).map((file) => readFile(file)));
  expect(octets.map((file) => file.subarray(0, 8).toString())).toEqual(
    Array.from({ length: 5 }, () => 'CVBLOB01'),
  );
  for (const attachment of attachments) {
    expect(Buffer.from((await read(alice, url, attachment)).octets).equals(attachment.octets)).toBe(true);
  }
  expect(await moved()).toMatchObject({ verified: { attachments: 5 } });
  const again = await Promise.all((await files()).map((file) => readFile(file)));
  expect(again).toEqual(octets);
});

it('tells what is lost or damaged, moves the rest, and goes on when it was restored', async () => {
  const url = await start();
  const alice = await createGroup(url);
  const attachments = [];
  for (let n = 0; n < 3; n++) attachments.push(await upload(alice, url, 10_000 + n));
  const masterKeysFile = join(folder, 'master-keys.json');
  await createMasterKeys(masterKeysFile, systemRandom, 0);
  await start({ masterKeysFile });
  const [lost, damaged] = (await files()).toSorted();
  await rename(lost!, join(folder, 'lost'));
  const whole = await readFile(damaged!);
  const changed = Buffer.from(whole);
  changed[5]! ^= 1;
  await writeFile(damaged!, changed);
  const status = await moved();
  expect(status).toMatchObject({ total: { attachments: 3 }, verified: { attachments: 1 }, problems: 2 });
  expect(status.someProblems.map(({ problem }) => problem).toSorted()).toEqual(['damaged', 'missing']);

  await rename(join(folder, 'lost'), lost!);
  await writeFile(damaged!, whole);
  expect(await moved()).toMatchObject({ verified: { attachments: 3 }, problems: 0, someProblems: [] });
  for (const attachment of attachments) {
    expect(Buffer.from((await read(alice, url, attachment)).octets).equals(attachment.octets)).toBe(true);
  }
});

it('a server that would look for attachments where they are not does not start', async () => {
  const url = await start();
  // Nobody answers there, and none is asked before the place is known to be right.
  const s3 = {
    engine: 's3' as const,
    endpoint: 'http://127.0.0.1:9',
    bucket: 'attachments',
    accessKeyId: 'key',
    secretAccessKeyFile: join(folder, 'secret'),
  };
  await writeFile(s3.secretAccessKeyFile, 'secret', { mode: 0o600 });
  await start(s3);
  await start();
  await upload(await createGroup(url), url, 100);
  await expect(start(s3)).rejects.toThrow(ConfigError);
  await expect(start(s3)).rejects.toThrow('attachments are kept in disk');
  await start({ ...s3, previous: 'disk' });
  await expect(start(s3)).rejects.toThrow('attachments are still in disk');
  await expect(start()).rejects.toThrow('attachments are kept in s3');
  expect(() => parseConfig({ blobs: { previous: 'disk' } })).toThrow('is where attachments are kept');
});
