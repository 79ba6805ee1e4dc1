/**
 * `conclave migrate-blobs` as an operator types it, on a real S3 server: from a disk to S3 and to encryption at rest at once, while
 * clients upload, read and delete, and the server that moves is killed again and again.
 */
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import {
  ask,
  startServerProcess,
  TestMember,
  type ProvenUpload,
  type ServerProcess,
} from '@conclave/testkit';
import { missingS3, startS3, type S3Server } from '@conclave/testkit/servers';
import { requireServer } from '@conclave/testkit/servers/require-server';
import { listBlobs, silentLog, systemClock, systemRandom } from '@conclave/platform';
import { createMasterKeys } from '@conclave/platform/blob-encryption';
import { openS3BlobStore } from '@conclave/platform/s3';
import { afterAll, beforeAll, expect, test } from 'vitest';

const main = fileURLToPath(new URL('../src/main.ts', import.meta.url));

const gone = 'CONCLAVE_BLOB_GONE';

interface Attachment {
  readonly upload: ProvenUpload;
  readonly octets: Buffer;
  /** `unknown`: a deletion of it was not answered. */
  state: 'kept' | 'deleted' | 'unknown';
}

requireServer(missingS3())('migrate-blobs', () => {
  let s3: S3Server;
  beforeAll(async () => {
    s3 = await startS3();
  });
  afterAll(() => s3[Symbol.asyncDispose]());

  /** What is in the bucket: the first octets of each object by its key. */
  async function objects(): Promise<Map<string, string>> {
    const blobs = openS3BlobStore({ ...s3, pathStyle: true, clock: systemClock, log: silentLog });
    const found = new Map<string, string>();
    for await (const key of listBlobs(blobs, '')) {
      await using reader = await blobs.get(key, { start: 0, end: 7 });
      for await (const chunk of reader!.body) found.set(key, Buffer.from(chunk).toString('latin1'));
    }
    blobs.close();
    return found;
  }

  test('moves everything, whatever happens meanwhile', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'conclave-migrate-blobs-'));
    const dataDirectory = join(folder, 'data');
    const masterKeysFile = join(folder, 'master-keys.json');
    await createMasterKeys(masterKeysFile, systemRandom, 0);
    const attachments: Attachment[] = [];
    let server: ServerProcess = await startServerProcess({
      dataDirectory,
      flags: { 'accounts.registration': 'open' },
    });
    const { url } = server;
    const ports = { listen: Number(new URL(url).port), admin: Number(new URL(server.adminUrl).port) };
    const launch = async (flags: Record<string, string>): Promise<void> => {
      await server.stop();
      server = await startServerProcess({ dataDirectory, ports, flags });
    };
    try {
      const registered = await fetch(`${url}/_matrix/client/v3/register`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({
          username: 'ada',
          password: 'password of ada',
          auth: { type: 'm.login.dummy' },
        }),
      });
      const { access_token: accessToken } = (await registered.json()) as { readonly access_token: string };
      const alice = await TestMember.create({ url, name: 'alice', accessToken, origin: 'conclave.test' });
      const token = await alice.newReadToken();
      const upload = async (size: number): Promise<void> => {
        const octets = randomBytes(size);
        const proven = alice.proveBlob(new Uint8Array(octets));
        const { path, headers } = proven;
        const { status } = await ask(url, 'PUT', path, { octets: new Uint8Array(octets), headers });
        expect(status).toBe(201);
        attachments.push({ upload: proven, octets, state: 'kept' });
      };
      const remove = async (attachment: Attachment): Promise<void> => {
        const { path, capability } = attachment.upload;
        attachment.state = 'unknown';
        const answer = await ask(url, 'DELETE', path, {
          headers: { 'x-conclave-delete-capability': capability },
        });
        expect(answer.status).toBe(204);
        attachment.state = 'deleted';
      };
      const check = async ({ upload: { path }, octets, state }: Attachment): Promise<void> => {
        const answer = await ask(url, 'GET', path, { token });
        const isWhole = answer.status === 200 && Buffer.from(answer.octets).equals(octets);
        const found = isWhole ? 'kept' : answer.body.errcode;
        const right = { kept: ['kept'], deleted: [gone], unknown: ['kept', gone] }[state];
        expect(right).toContain(found);
      };
      for (let n = 0; n < 200; n++) await upload(1 + ((n * 7_919) % 200_000));
      for (let n = 0; n < 2; n++) await upload(9_000_000);

      const { endpoint, region, bucket, accessKeyId, secretAccessKeyFile } = s3;
      const there = {
        'blobs.engine': 's3',
        'blobs.endpoint': endpoint,
        'blobs.region': region,
        'blobs.bucket': bucket,
        'blobs.accessKeyId': accessKeyId,
        'blobs.secretAccessKeyFile': secretAccessKeyFile,
        'blobs.masterKeysFile': masterKeysFile,
      };
      await launch({ ...there, 'blobs.previous': 'disk' });
      const flags = { ...there, 'blobs.previous': 'disk', dataDirectory, 'admin.port': String(ports.admin) };
      const migrate = () => {
        const command = spawn(
          process.execPath,
          [
            '--disable-warning=ExperimentalWarning',
            main,
            'migrate-blobs',
            '--concurrency=2',
            '--json',
            ...Object.entries(flags).map(([key, value]) => `--${key}=${value}`),
          ],
          { cwd: folder, env: { PATH: process.env['PATH'] ?? '' }, stdio: ['ignore', 'pipe', 'pipe'] },
        );
        const printed = { report: '', progress: '' };
        command.stdout.setEncoding('utf8').on('data', (text: string) => (printed.report += text));
        command.stderr.setEncoding('utf8').on('data', (text: string) => (printed.progress += text));
        return { command, printed, ended: once(command, 'close') as Promise<[number]> };
      };
      // One that is killed has asked for the move, and that is all it does.
      const killed = migrate();
      await expect.poll(() => killed.printed.progress, { timeout: 30_000 }).not.toBe('');
      killed.command.kill('SIGKILL');
      await killed.ended;
      // The server is killed at once, and then as often as the rest takes.
      await server.restart();
      let kills = 1;
      const { command, printed, ended } = migrate();
      const over = new AbortController();
      command.once('close', () => over.abort());

      // Errors of the connection are what a killed server gives; a wrong answer is not.
      const wrong: unknown[] = [];
      const traffic = async (): Promise<void> => {
        for (let n = 0; !over.signal.aborted; n++) {
          try {
            const kept = attachments.filter(({ state }) => state === 'kept');
            if (n % 5 === 1) await upload(1 + ((n * 104_729) % 150_000));
            else if (n % 7 === 3) await remove(kept[(n * 31) % kept.length]!);
            else await check(attachments[(n * 17) % attachments.length]!);
          } catch (error) {
            if (!(error instanceof TypeError)) {
              wrong.push(error);
              return;
            }
            await delay(50);
          }
        }
      };
      const running = traffic();
      while (kills < 4 && !over.signal.aborted) {
        await delay(150 + 100 * kills);
        if (printed.progress === '') continue;
        await server.restart();
        kills++;
      }
      const [code] = await ended;
      await running;
      expect(wrong).toEqual([]);
      expect({ code, told: code === 0 ? '' : printed.progress + server.output.slice(-2_000) }).toEqual({
        code: 0,
        told: '',
      });
      const report = JSON.parse(printed.report) as {
        readonly total: { readonly attachments: number };
        readonly verified: { readonly attachments: number; readonly bytes: number };
        readonly problems: number;
      };
      expect(report.problems).toBe(0);
      expect(report.verified.attachments).toBeGreaterThan(100);
      expect(printed.progress).toMatch(/\d+ of \d+ attachments are verified/);

      // The old folder is not needed any more.
      await rm(join(dataDirectory, 'attachments'), { recursive: true });
      await launch(there);
      for (const attachment of attachments) await check(attachment);
      const found = await objects();
      expect(new Set(found.values())).toEqual(new Set(['CVBLOB01']));
      const kept = attachments.filter(({ state }) => state === 'kept').length;
      expect(found.size).toBeGreaterThanOrEqual(kept);
      await upload(1_000);
      await check(attachments.at(-1)!);
      // Back to the disk, where nothing is, it does not start.
      await server.stop();
      await expect(startServerProcess({ dataDirectory, ports })).rejects.toThrow(
        'attachments are kept in s3',
      );
    } finally {
      await server[Symbol.asyncDispose]();
      await rm(folder, { recursive: true });
    }
  });
});
