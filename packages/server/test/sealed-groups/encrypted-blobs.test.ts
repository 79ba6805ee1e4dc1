/** Attachments of a server whose settings name master keys: what lies on the disk, and rotation while it runs. */
import { randomBytes } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ask } from '@conclave/testkit';
import { systemRandom } from '@conclave/platform';
import {
  addMasterKey,
  createMasterKeys,
  promoteMasterKey,
  removeMasterKey,
} from '@conclave/platform/blob-encryption';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createOperatorClient, SecretsFileError } from '../../src/index.ts';
import { startTestServer } from '../test-server.ts';
import { startSealedWorld, type SealedWorld } from './sealed-world.ts';

let folder: string;
let masterKeysFile: string;
let first: string;
let world: SealedWorld;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'conclave-master-keys-'));
  masterKeysFile = join(folder, 'master-keys.json');
  first = await createMasterKeys(masterKeysFile, systemRandom, 0);
  world = await startSealedWorld({ blobs: { masterKeysFile } });
});
afterAll(async () => {
  await world[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

function operator() {
  const { dataDirectory, adminUrl } = world.running;
  const { hostname, port } = new URL(adminUrl);
  return createOperatorClient({
    dataDirectory,
    secretsFile: null,
    admin: { enabled: true, host: hostname, port: Number(port) },
  });
}

/** Everything in the attachment store, one after the other. */
async function stored(): Promise<Buffer> {
  const parent = join(world.running.dataDirectory, 'attachments');
  const entries = await readdir(parent, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  return Buffer.concat(await Promise.all(files.map((file) => readFile(join(file.parentPath, file.name)))));
}

describe('attachments under master keys', () => {
  it('are read back, lie encrypted, and go with their key', async () => {
    const alice = await world.createGroup();
    const octets = new Uint8Array(randomBytes(150_000));
    const { path, headers } = alice.proveBlob(octets);
    expect((await ask(world.url, 'PUT', path, { octets, headers })).status).toBe(201);
    expect((await stored()).includes(Buffer.from(octets.subarray(70_000, 70_032)))).toBe(false);
    expect(await operator().blobKeys()).toEqual({
      current: first,
      keys: [{ id: first, dataKeys: 1, isInRing: true }],
    });

    const second = await addMasterKey(masterKeysFile, systemRandom, 0);
    await promoteMasterKey(masterKeysFile, second, systemRandom);
    await expect
      .poll(async () => {
        await world.clock.advance(60_000);
        return (await operator().blobKeys()).keys;
      })
      .toEqual([
        { id: second, dataKeys: 1, isInRing: true },
        { id: first, dataKeys: 0, isInRing: true },
      ]);
    await removeMasterKey(masterKeysFile, first, systemRandom);
    expect((await operator().blobKeys()).current).toBe(second);

    const { octets: read } = await ask(world.url, 'GET', path, { token: await alice.newReadToken() });
    expect(Buffer.from(read).equals(octets)).toBe(true);
  });

  it('need a ring that can be used: the server says what to do', async () => {
    const damaged = join(folder, 'damaged.json');
    await writeFile(damaged, '{}', { mode: 0o600 });
    await expect(startTestServer({ blobs: { masterKeysFile: damaged } })).rejects.toThrow(SecretsFileError);
    await expect(startTestServer({ blobs: { masterKeysFile: join(folder, 'none.json') } })).rejects.toThrow(
      SecretsFileError,
    );
  });

  it('without a ring have no keys to tell of', async () => {
    await using plain = await startTestServer();
    const { hostname, port } = new URL(plain.adminUrl);
    const client = createOperatorClient({
      dataDirectory: plain.dataDirectory,
      secretsFile: null,
      admin: { enabled: true, host: hostname, port: Number(port) },
    });
    await expect(client.blobKeys()).rejects.toThrow('refused with status 400');
  });
});
