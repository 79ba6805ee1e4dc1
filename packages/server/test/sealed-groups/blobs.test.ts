/** Attachments: what is refused leaves neither a row nor octets, and one connection cannot hold the server up. */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readdir, readFile, readlink, stat, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { ask, base64url } from '@conclave/testkit';
import type { ProvenUpload, ServerAnswer, TestMember } from '@conclave/testkit';
import { createLog } from '@conclave/platform';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startSealedWorld, type SealedWorld } from './sealed-world.ts';

let world: SealedWorld;
let alice: TestMember;
type LogLine = { readonly code?: string; readonly msg: string; readonly requestId?: string };
const lines: LogLine[] = [];
beforeAll(async () => {
  const log = createLog({
    level: 'warn',
    destination: { write: (line) => void lines.push(JSON.parse(line) as LogLine) },
  });
  world = await startSealedWorld(
    {
      sealedGroups: { maxBlobBytes: 200_000, blobQuotaBytes: 300_000 },
      listen: { requestTimeoutMs: 1_000 },
    },
    log,
  );
  alice = await world.createGroup();
});
afterAll(() => world[Symbol.asyncDispose]());

const octetsOf = (size: number): Uint8Array => new Uint8Array(randomBytes(size));

const put =
  (upload: ProvenUpload, octets: Uint8Array, headers: Record<string, string> = {}) =>
  (): Promise<ServerAnswer> =>
    ask(world.url, 'PUT', upload.path, { octets, headers: { ...upload.headers, ...headers } });

/** Files of the attachment store, whole and under way. */
async function storedFiles(): Promise<string[]> {
  const folder = join(world.running.dataDirectory, 'attachments');
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map(({ name }) => name);
}

async function newestFile(folder: string): Promise<string> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const times = await Promise.all(
    paths.map(async (path) => ({ path, ...(await stat(path, { bigint: true })) })),
  );
  return times.toSorted((a, b) => Number(b.mtimeNs - a.mtimeNs))[0]!.path;
}

/** As `world.refused`, and no file stays. */
async function refused(act: () => Promise<ServerAnswer>, status: number, code: string): Promise<void> {
  const before = await storedFiles();
  await world.refused(act, status, code);
  await expect.poll(storedFiles).toEqual(before);
}

describe('an upload', () => {
  it('is vouched for by an epoch key: anything else is nobody’s', async () => {
    expect.hasAssertions();
    const octets = octetsOf(1_000);
    const other = await world.createGroup('other');
    const good = alice.proveBlob(octets);
    await refused(
      put(other.proveBlob(octets), octets, { 'x-conclave-epoch': '9' }),
      403,
      'CONCLAVE_NOT_ELIGIBLE',
    );
    await refused(put({ ...good, path: other.proveBlob(octets).path }, octets), 403, 'CONCLAVE_NOT_ELIGIBLE');
    await refused(put(good, octetsOf(999)), 403, 'CONCLAVE_NOT_ELIGIBLE');
    await refused(
      put(good, octets, { 'x-conclave-sha256': base64url(octetsOf(32)) }),
      403,
      'CONCLAVE_NOT_ELIGIBLE',
    );
    const unknown = good.path.replace(alice.groupId, base64url(octetsOf(16)));
    await refused(put({ ...good, path: unknown }, octets), 403, 'CONCLAVE_NOT_ELIGIBLE');
    await refused(put(good, octets, { 'x-conclave-proof': 'x' }), 400, 'M_INVALID_PARAM');
    await refused(
      put(good, octets, { 'content-type': 'text/plain' }),
      415,
      'CONCLAVE_UNSUPPORTED_MEDIA_TYPE',
    );
  });

  it('has the octets that were proven', async () => {
    expect.hasAssertions();
    const octets = octetsOf(100_000);
    const others = octetsOf(100_000);
    await refused(put(alice.proveBlob(octets), others), 400, 'CONCLAVE_BLOB_MISMATCH');
  });

  it('is within the limits of one blob and of the group', async () => {
    await refused(put(alice.proveBlob(octetsOf(200_001)), octetsOf(200_001)), 413, 'CONCLAVE_BLOB_QUOTA');
    const first = octetsOf(150_000);
    const kept = alice.proveBlob(first);
    expect((await put(kept, first)()).status).toBe(201);
    const second = octetsOf(150_001);
    await refused(put(alice.proveBlob(second), second), 413, 'CONCLAVE_BLOB_QUOTA');
    const headers = { 'x-conclave-delete-hash': base64url(octetsOf(32)) };
    await refused(put(kept, first, headers), 409, 'CONCLAVE_BLOB_EXISTS');
    await refused(
      () =>
        ask(world.url, 'DELETE', kept.path, {
          headers: { 'x-conclave-delete-capability': base64url(octetsOf(32)) },
        }),
      404,
      'CONCLAVE_BLOB_GONE',
    );
    // Of many at once only as many as fit are kept.
    const fill = Array.from({ length: 6 }, () => octetsOf(50_000));
    const answers = await Promise.all(fill.map((octets) => put(alice.proveBlob(octets), octets)()));
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(3);
    expect(answers.filter(({ body }) => body.errcode === 'CONCLAVE_BLOB_QUOTA')).toHaveLength(3);
    await expect.poll(storedFiles).toHaveLength(4);
  });

  it('that comes twice at the same time is stored once', async () => {
    const group = await world.createGroup();
    const octets = octetsOf(60_000);
    const upload = group.proveBlob(octets);
    const before = await storedFiles();
    const answers = await Promise.all(Array.from({ length: 4 }, put(upload, octets)));
    expect(answers.map(({ status }) => status)).toEqual([201, 201, 201, 201]);
    await expect.poll(storedFiles).toHaveLength(before.length + 1);
  });

  it('that is broken off, or slower than a request may be, leaves nothing', async () => {
    const group = await world.createGroup();
    const octets = octetsOf(100_000);
    const act = (end: boolean) => async (): Promise<ServerAnswer> => {
      const { path, headers } = group.proveBlob(octets);
      const socket = connect(world.running.server.port, '127.0.0.1');
      let answer = '';
      socket.setEncoding('latin1').on('data', (part: string) => (answer += part));
      const lines = Object.entries({ ...headers, host: 'x', 'content-length': String(octets.length) });
      socket.write(
        `PUT ${path} HTTP/1.1\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`,
      );
      socket.write(octets.subarray(0, 50_000));
      await expect.poll(async () => (await storedFiles()).some((name) => /^\d+$/.test(name))).toBe(true);
      if (end) socket.destroy();
      if (!socket.closed) await once(socket, 'close');
      const body = end ? { errcode: 'CONCLAVE_BAD_HTTP' } : JSON.parse(answer.split('\r\n\r\n').at(-1)!);
      const status = end ? 400 : Number(answer.split(' ')[1]);
      return { status, body, headers: new Headers(), octets: new Uint8Array() };
    };
    await refused(act(true), 400, 'CONCLAVE_BAD_HTTP');
    await refused(act(false), 408, 'CONCLAVE_REQUEST_TIMEOUT');
  });
});

describe('a download', () => {
  it('of what is not what was put ends with the connection before its last octet, is logged and counted', async () => {
    const group = await world.createGroup();
    const octets = octetsOf(200_000);
    const upload = group.proveBlob(octets);
    expect((await put(upload, octets)()).status).toBe(201);
    const folder = join(world.running.dataDirectory, 'attachments', 'blobs');
    const path = await newestFile(folder);
    const token = await group.newReadToken();
    const broken = async (): Promise<number> =>
      (await world.running.server.metrics.exposition())
        .split('\n')
        .filter((line) => line.startsWith('conclave_blob_downloads_broken_total{code="BLOB_DAMAGED"}'))
        .reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
    const before = await broken();
    const read = () => fetch(world.url + upload.path, { headers: { authorization: `Bearer ${token}` } });

    const changed = await readFile(path);
    changed[100]! ^= 1;
    await writeFile(path, changed);
    const response = await read();
    let received = 0;
    const reading = (async () => {
      for await (const chunk of response.body!) received += chunk.length;
    })();
    await expect(reading).rejects.toThrow('terminated');
    expect(received).toBeLessThan(octets.length);
    expect(await broken()).toBe(before + 1);
    expect(lines.filter(({ code }) => code === 'BLOB_DAMAGED')).toMatchObject([
      { msg: 'a download of an attachment was broken off', requestId: expect.any(String) },
    ]);

    // One that has another length is refused before anything of it is sent.
    await writeFile(path, changed.subarray(0, 100));
    expect((await read()).status).toBe(500);
    await writeFile(path, octets);
    expect(Buffer.from(await (await read()).arrayBuffer()).equals(octets)).toBe(true);
  });

  it('of one chunk that is not what was put is an error', async () => {
    const group = await world.createGroup();
    const octets = octetsOf(100);
    const upload = group.proveBlob(octets);
    expect((await put(upload, octets)()).status).toBe(201);
    await writeFile(
      await newestFile(join(world.running.dataDirectory, 'attachments', 'blobs')),
      octetsOf(100),
    );
    const { status, body } = await ask(world.url, 'GET', upload.path, { token: await group.newReadToken() });
    expect([status, body.errcode]).toEqual([500, 'M_UNKNOWN']);
  });

  it('that its client stops reading, or never reads, holds up nobody', async () => {
    const group = await world.createGroup();
    const octets = octetsOf(200_000);
    const upload = group.proveBlob(octets);
    expect((await put(upload, octets)()).status).toBe(201);
    const token = await group.newReadToken();
    const sockets = await Promise.all(
      Array.from({ length: 20 }, async () => {
        const socket = connect(world.running.server.port, '127.0.0.1').pause();
        socket.write(
          `GET ${upload.path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${token}\r\n\r\n`.repeat(20),
        );
        await once(socket, 'connect');
        return socket;
      }),
    );
    const read = await group.ask('GET', upload.path.slice(group.path.length));
    expect(Buffer.compare(read.octets, octets)).toBe(0);
    expect((await group.say('still there')).status).toBe(200);
    for (const socket of sockets) socket.destroy();
    // No file stays open.
    const { pid } = process;
    await expect
      .poll(async () => {
        const open = await readdir(`/proc/${pid}/fd`);
        const targets = await Promise.all(
          open.map((fd) => readlink(`/proc/${pid}/fd/${fd}`).catch(() => '')),
        );
        return targets.filter((target) => target.startsWith(join(world.running.dataDirectory, 'attachments')))
          .length;
      })
      .toBe(0);
  });
});
