/** What the launchers of Redis and of S3 promise: secrets of their own, which no other process of the machine sees. */
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { missingRedis, startRedis } from './redis.ts';
import { requireServer } from './require-server.ts';
import { missingS3, startS3 } from './s3.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'conclave-secrets-'));
});
afterEach(() => rm(folder, { recursive: true }));

/** What `ps` shows of the process, with its environment. */
async function visible(pid: number): Promise<string> {
  const files = ['cmdline', 'environ'].map((name) => readFile(`/proc/${pid}/${name}`, 'latin1'));
  return (await Promise.all(files)).join('\n');
}

requireServer(missingRedis())('the launcher of Redis', () => {
  it('keeps its password out of sight, and to its folder', async () => {
    let password: string;
    {
      await using first = await startRedis({ folder });
      await using second = await startRedis();
      password = first.password;
      expect(first.password).not.toBe(second.password);
      expect(await visible(first.pid)).toContain('redis');
      expect(await visible(first.pid)).not.toContain(password);
      expect((await stat(first.passwordFile)).mode & 0o777).toBe(0o600);
      expect((await stat(join(folder, 'redis.conf'))).mode & 0o777).toBe(0o600);
      expect((await readFile(first.passwordFile, 'utf8')).trimEnd()).toBe(password);
    }
    await using again = await startRedis({ folder });
    expect(again.password).toBe(password);
  });
});

requireServer(missingS3())('the launcher of S3', () => {
  it('keeps its keys out of sight, and bucket and keys to its folder', async () => {
    let secretAccessKey: string;
    {
      await using first = await startS3({ folder });
      secretAccessKey = first.secretAccessKey;
      expect(await visible(first.pid)).toContain('minio');
      expect(await visible(first.pid)).not.toContain(secretAccessKey);
      expect(first.output).not.toContain(secretAccessKey);
      expect((await stat(first.secretAccessKeyFile)).mode & 0o777).toBe(0o600);
      expect((await stat(join(folder, 'minio.env'))).mode & 0o777).toBe(0o600);
      expect(await first.createBucket()).not.toBe(first.bucket);
    }
    await using again = await startS3({ folder });
    expect(again.secretAccessKey).toBe(secretAccessKey);
    expect(await again.createBucket()).not.toBe(again.bucket);
  });
});
