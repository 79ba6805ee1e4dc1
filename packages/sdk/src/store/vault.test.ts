import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { encodeBase64, encodeBase64url } from '../encoding/base64url.ts';
import { fromUtf8, utf8 } from '../encoding/bytes.ts';
import { openNodeStore } from '../node/index.ts';
import { openSqliteStore } from '../node/sqlite-store.ts';
import { createSystemRandom } from '../random/system-random.ts';
import { createMemoryStore } from './memory-store.ts';
import { openVault, type Vault } from './vault.ts';

const random = createSystemRandom();
const cheap = { logN: 10 };
const key = new Uint8Array(32).fill(7);

describe('vault', () => {
  let folder: string;
  let path: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'conclave-vault-'));
    path = join(folder, 'state.db');
  });
  afterEach(() => rm(folder, { recursive: true }));

  const openMemory = (): Promise<Vault> =>
    openVault({ store: createMemoryStore(), unlock: { kind: 'key', key }, random });

  test('the raw database bytes contain no value and no name, in any encoding', async () => {
    const vault = await openNodeStore({ path, unlock: { keyFile: join(folder, 'key') } });
    const names = ['group-of-friends', 'Wilhelmina'];
    const value = 'the treasure lies under the oak';
    await vault.transact([{ put: [...names, 3], value: utf8(value) }]);
    await vault.transact([{ put: [names[0]!], value: utf8(value) }, { delete: names }]);
    const readAll = async (): Promise<string> => {
      const files = readdirSync(folder).map((name) => readFile(join(folder, name)));
      return Buffer.concat(await Promise.all(files)).toString('latin1');
    };
    const whileOpen = await readAll();
    await vault.close();
    const raw = whileOpen + (await readAll());
    expect(raw).toContain('SQLite format 3');
    for (const text of [...names, value]) {
      expect(raw).not.toContain(text);
      expect(raw).not.toContain(encodeBase64(utf8(text)));
      expect(raw).not.toContain(encodeBase64url(utf8(text)));
      expect(raw).not.toContain(Buffer.from(text).toString('hex'));
    }
  });

  test('opens again with the same passphrase, and refuses another with STORE_WRONG_KEY', async () => {
    const open = async (passphrase: string): Promise<Vault> =>
      openVault({
        store: await openSqliteStore({ path }),
        unlock: { kind: 'passphrase', passphrase, cost: cheap },
        random,
      });
    const first = await open('correct horse');
    await first.transact([{ put: ['a'], value: utf8('1') }]);
    await first.close();
    await expect(open('battery staple')).rejects.toMatchObject({ code: 'STORE_WRONG_KEY' });
    const again = await open('correct horse');
    expect(await again.get(['a'])).toEqual(utf8('1'));
    await again.changeUnlock({ kind: 'passphrase', passphrase: 'battery staple', cost: cheap });
    await again.close();
    await expect(open('correct horse')).rejects.toMatchObject({ code: 'STORE_WRONG_KEY' });
    const changed = await open('battery staple');
    expect(await changed.get(['a'])).toEqual(utf8('1'));
    await changed.close();
  });

  test('a value moved to another name, changed or cut is STORE_CORRUPT', async () => {
    const store = createMemoryStore();
    const vault = await openVault({ store, unlock: { kind: 'key', key }, random });
    await vault.transact([
      { put: ['a'], value: utf8('1') },
      { put: ['b'], value: utf8('2') },
    ]);
    const [a, b] = await store.list({ prefix: 'e/' });
    const corrupt = { code: 'STORE_CORRUPT' };
    await store.transact([{ put: a!.key, value: b!.value }]);
    await expect(Promise.all([vault.get(['a']), vault.get(['b'])])).rejects.toMatchObject(corrupt);
    for (const spoilt of [a!.value.subarray(0, 20), a!.value.with(30, a!.value[30]! ^ 1), new Uint8Array()]) {
      await store.transact([{ put: a!.key, value: spoilt }]);
      await expect(vault.list({ under: [] })).rejects.toMatchObject(corrupt);
    }
  });

  test('the same value is never sealed to the same bytes', async () => {
    const store = createMemoryStore();
    const vault = await openVault({ store, unlock: { kind: 'key', key }, random });
    const seen = new Set<string>();
    for (let round = 0; round < 20; round++) {
      await vault.transact([{ put: ['a'], value: utf8('same') }]);
      seen.add(encodeBase64((await store.list({ prefix: 'e/' }))[0]!.value));
    }
    expect(seen.size).toBe(20);
  });

  test('lists the children of a path in numeric order within bounds, and no others', async () => {
    const vault = await openMemory();
    const numbers = [1, 2, 10, 255, 256, 70_000, 2 ** 40];
    await vault.transact([
      ...numbers.toReversed().map((number) => ({ put: ['m', number], value: utf8(String(number)) })),
      { put: ['m'], value: utf8('self') },
      { put: ['n', 3], value: utf8('other') },
    ]);
    const list = async (options: object): Promise<unknown[]> =>
      (await vault.list({ under: ['m'], ...options })).map((entry) => entry.path[1]);
    expect(await list({})).toEqual(numbers);
    expect(await list({ reverse: true, limit: 2 })).toEqual([2 ** 40, 70_000]);
    expect(await list({ after: 10, before: 70_000 })).toEqual([255, 256]);
    expect((await vault.list({ under: [] })).length).toBe(9);
  });

  test('a key file is created readable by its owner alone, and refused when others can read it', async () => {
    const keyFile = join(folder, 'key');
    await (await openNodeStore({ path, unlock: { keyFile } })).close();
    expect((await stat(keyFile)).mode & 0o777).toBe(0o600);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    await writeFile(join(folder, 'open-key'), new Uint8Array(32), { mode: 0o644 });
    await expect(
      openNodeStore({ path, unlock: { keyFile: join(folder, 'open-key') } }),
    ).rejects.toMatchObject({
      code: 'KEY_FILE_UNSAFE',
    });
    await (await openNodeStore({ path, unlock: { keyFile } })).close();
  });

  test('an empty value and a non-ASCII name survive', async () => {
    const vault = await openMemory();
    await vault.transact([{ put: ['名前', 0], value: new Uint8Array() }]);
    expect(await vault.get(['名前', 0])).toEqual(new Uint8Array());
    expect((await vault.list({ under: ['名前'] }))[0]!.path).toEqual(['名前', 0]);
    expect(fromUtf8(Uint8Array.of(0xff))).toBeUndefined();
  });
});
