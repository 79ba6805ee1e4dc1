import { createHash } from 'node:crypto';
import { chmod, readFile, rename, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { blobStoreContract, codeOf } from '@conclave/testkit/contracts';
import {
  openDiskBlobStore,
  silentLog,
  systemRandom,
  type BlobStore,
  type ByteRange,
  type Log,
} from '@conclave/platform';
import {
  addMasterKey,
  createMasterKeys,
  openMasterKeys,
  promoteMasterKey,
  removeMasterKey,
  type EncryptedBlobStore,
} from '@conclave/platform/blob-encryption';
import { createManualClock } from '@conclave/platform/testing';
import { createTestEncryption, rotateMasterKeys, type TestEncryption } from './encrypted-store.ts';

const chunk = 65_536;
const header = 24;
const sealedChunk = chunk + 16;
const maxBytes = 10_000_000;

blobStoreContract('encrypted on disk', async () => {
  const encryption = await createTestEncryption();
  const disk = await openDiskBlobStore({ folder: join(encryption.folder, 'blobs') });
  return {
    blobs: await encryption.encrypt(disk),
    destroy: async () => await encryption[Symbol.asyncDispose](),
  };
});

let encryption: TestEncryption;
let disk: BlobStore;
let blobs: EncryptedBlobStore;

beforeEach(async () => {
  encryption = await createTestEncryption();
  disk = await openDiskBlobStore({ folder: join(encryption.folder, 'blobs') });
  blobs = await encryption.encrypt(disk);
});
afterEach(async () => await encryption[Symbol.asyncDispose]());

async function* bodyOf(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += 10_007) yield bytes.subarray(at, at + 10_007);
}

const put = (key: string, bytes: Uint8Array, into: BlobStore = blobs) =>
  into.put(key, bodyOf(bytes), { maxBytes });

async function read(key: string, range?: ByteRange, from: BlobStore = blobs): Promise<Buffer> {
  await using reader = await from.get(key, range);
  const chunks = [];
  for await (const part of reader!.body) chunks.push(Uint8Array.from(part));
  return Buffer.concat(chunks);
}

/** Different everywhere, so that what was moved shows. */
function pattern(size: number): Buffer {
  const bytes = Buffer.alloc(size);
  for (let at = 0; at < size; at += 32) createHash('sha256').update(`${at}`).digest().copy(bytes, at);
  return bytes;
}

describe('what lies in the store', () => {
  test.each([
    [0, 1],
    [1, 1],
    [chunk - 1, 1],
    [chunk, 1],
    [chunk + 1, 2],
    [3 * chunk, 3],
  ])('%d octets are %d chunks', async (size, chunks) => {
    await put('a', pattern(size));
    const raw = await read('a', undefined, disk);
    expect(raw.length).toBe(header + size + 16 * chunks);
    expect(raw.subarray(0, 8).toString()).toBe('CVBLOB01');
    expect(await read('a')).toEqual(pattern(size));
  });

  test('holds nothing of the blob, and nothing twice', async () => {
    const bytes = Buffer.alloc(3 * chunk, 'plain text');
    await put('a', bytes);
    await put('b', bytes);
    const [a, b] = [await read('a', undefined, disk), await read('b', undefined, disk)];
    expect(a.includes('plain text')).toBe(false);
    const blocks = [a, b].flatMap((raw) =>
      [...Array(12).keys()].map((n) => raw.subarray(header + n * 16_384).subarray(0, 64)),
    );
    expect(new Set(blocks.map((block) => block.toString('hex'))).size).toBe(blocks.length);
  });

  test('every range of three chunks reads what it should', async () => {
    const bytes = pattern(3 * chunk + 100);
    await put('a', bytes);
    const edges = [
      0,
      1,
      chunk - 1,
      chunk,
      chunk + 1,
      2 * chunk,
      3 * chunk - 1,
      3 * chunk,
      3 * chunk + 99,
      4 * chunk,
    ];
    for (const start of edges) {
      for (const end of edges.filter((edge) => edge >= start)) {
        const part = await read('a', { start, end });
        expect(part.equals(bytes.subarray(start, end + 1)), `${start}-${end}`).toBe(true);
      }
    }
  });
});

describe('what was done to the store', () => {
  const size = 4 * chunk + 1_000;
  const whole = pattern(size);
  const at = (index: number) => header + index * sealedChunk;

  /** Rewrites what lies there, under the wrapper's feet. */
  const tamper = async (change: (raw: Buffer) => Buffer, key = 'a'): Promise<void> => {
    const raw = await read(key, undefined, disk);
    await put(key, change(raw), disk);
  };

  test.each<[string, (raw: Buffer) => Buffer]>([
    ['an octet changed', (raw) => flip(raw, at(2) + 5)],
    ['a tag changed', (raw) => flip(raw, at(1) - 1)],
    ['the name of the data key changed', (raw) => flip(raw, 10)],
    ['what says that it is encrypted changed', (raw) => flip(raw, 0)],
    [
      'two chunks swapped',
      (raw) =>
        Buffer.concat([
          raw.subarray(0, at(1)),
          raw.subarray(at(2), at(3)),
          raw.subarray(at(1), at(2)),
          raw.subarray(at(3)),
        ]),
    ],
    ['the last chunk cut off', (raw) => raw.subarray(0, at(4))],
    ['cut off within a chunk', (raw) => raw.subarray(0, at(3) + 100)],
    ['cut off to the header', (raw) => raw.subarray(0, header)],
    ['cut off within the header', (raw) => raw.subarray(0, 10)],
    ['emptied', () => Buffer.alloc(0)],
    ['a chunk left out', (raw) => Buffer.concat([raw.subarray(0, at(1)), raw.subarray(at(2))])],
    ['a chunk twice', (raw) => Buffer.concat([raw.subarray(0, at(2)), raw.subarray(at(1))])],
    ['octets added', (raw) => Buffer.concat([raw, Buffer.from('more')])],
    ['a chunk added', (raw) => Buffer.concat([raw, raw.subarray(at(0), at(1))])],
  ])('%s: BLOB_DAMAGED', async (_, change) => {
    await put('a', whole);
    await tamper(change);
    expect(await codeOf(read('a'))).toBe('BLOB_DAMAGED');
  });

  test('the same where the size was not yet settled: the chunks themselves say so', async () => {
    await put('a', whole);
    await encryption.store.write(async (trx) => {
      await trx.updateTable('blob_keys').set({ size: null }).execute();
    });
    expect(await read('a')).toEqual(whole);
    await tamper((raw) => raw.subarray(0, at(4)));
    expect(await codeOf(read('a'))).toBe('BLOB_DAMAGED');
    await put('b', pattern(2 * chunk));
    await encryption.store.write(async (trx) => {
      await trx.updateTable('blob_keys').set({ size: null }).execute();
    });
    await tamper((raw) => Buffer.concat([raw, raw.subarray(at(0), at(1))]), 'b');
    expect(await codeOf(read('b'))).toBe('BLOB_DAMAGED');
  });

  test('a blob that was cut off or added to is refused before its size is told, whatever part is asked for', async () => {
    await put('a', whole);
    await tamper((raw) => raw.subarray(0, at(4)));
    expect(await codeOf(blobs.get('a', { start: 0, end: 10 }))).toBe('BLOB_DAMAGED');
    await put('a', whole);
    await tamper((raw) => Buffer.concat([raw, raw.subarray(at(0), at(1))]));
    expect(await codeOf(blobs.get('a', { start: chunk, end: chunk + 10 }))).toBe('BLOB_DAMAGED');
  });

  test('a range is refused when one of its chunks is damaged, and read when none is', async () => {
    await put('a', whole);
    await tamper((raw) => flip(raw, at(2)));
    expect(await read('a', { start: 3 * chunk, end: 3 * chunk + 10 })).toEqual(
      whole.subarray(3 * chunk, 3 * chunk + 11),
    );
    expect(await codeOf(read('a', { start: 2 * chunk + 9, end: 2 * chunk + 10 }))).toBe('BLOB_DAMAGED');
  });

  test('what comes before a damaged chunk is read, and nothing of it or after it', async () => {
    await put('a', whole);
    await tamper((raw) => flip(raw, at(2)));
    const reader = (await blobs.get('a'))!;
    let got = 0;
    const reading = (async () => {
      for await (const part of reader.body) got += part.length;
    })();
    expect(await codeOf(reading)).toBe('BLOB_DAMAGED');
    expect(got).toBe(2 * chunk);
  });

  test("another blob's octets: BLOB_DAMAGED", async () => {
    await put('a', whole);
    await put('b', whole);
    const raw = await read('b', undefined, disk);
    await put('a', raw, disk);
    expect(await codeOf(read('a'))).toBe('BLOB_DAMAGED');
  });

  test("another blob's octets with its key's row: BLOB_DATA_KEY_DAMAGED", async () => {
    await put('a', whole);
    await put('b', whole);
    await put('a', await read('b', undefined, disk), disk);
    await encryption.store.write(async (trx) => {
      const row = await trx
        .selectFrom('blob_keys')
        .selectAll()
        .where('blob_key', '=', 'b')
        .executeTakeFirstOrThrow();
      await trx
        .insertInto('blob_keys')
        .values({ ...row, blob_key: 'a' })
        .execute();
    });
    expect(await codeOf(read('a'))).toBe('BLOB_DATA_KEY_DAMAGED');
  });

  test.each([0, 15, 59])('a wrapped key with octet %d changed: BLOB_DATA_KEY_DAMAGED', async (octet) => {
    await put('a', whole);
    await rewriteWrapped((wrapped) => flip(wrapped, octet));
    expect(await codeOf(read('a'))).toBe('BLOB_DATA_KEY_DAMAGED');
  });

  test('a wrapped key that was cut off: BLOB_DATA_KEY_DAMAGED', async () => {
    await put('a', whole);
    await rewriteWrapped((wrapped) => wrapped.subarray(0, 30));
    expect(await codeOf(read('a'))).toBe('BLOB_DATA_KEY_DAMAGED');
  });

  test('another master key of the same name: BLOB_DATA_KEY_DAMAGED; none of the name: BLOB_MASTER_KEY_UNKNOWN', async () => {
    await put('a', whole);
    const text = await readFile(encryption.masterKeysFile, 'utf8');
    const other = join(encryption.folder, 'other.json');
    const key = systemRandom.bytes(32);
    await writeFile(other, text.replace(/"[A-Za-z0-9+/]{43}="/, `"${Buffer.from(key).toString('base64')}"`), {
      mode: 0o600,
    });
    const impostor = await encryption.encrypt(disk, { masterKeysFile: other });
    expect(await codeOf(impostor.get('a'))).toBe('BLOB_DATA_KEY_DAMAGED');
    const stranger = join(encryption.folder, 'stranger.json');
    await createMasterKeys(stranger, systemRandom, 0);
    const unknown = await encryption.encrypt(disk, { masterKeysFile: stranger });
    expect(await codeOf(unknown.get('a'))).toBe('BLOB_MASTER_KEY_UNKNOWN');
  });

  async function rewriteWrapped(change: (wrapped: Buffer) => Buffer): Promise<void> {
    await encryption.store.write(async (trx) => {
      const { wrapped } = await trx.selectFrom('blob_keys').select('wrapped').executeTakeFirstOrThrow();
      await trx
        .updateTable('blob_keys')
        .set({ wrapped: change(Buffer.from(wrapped)) })
        .execute();
    });
  }
});

describe('data keys', () => {
  const rows = async () => await encryption.store.db.selectFrom('blob_keys').selectAll().execute();

  test('deleting a blob deletes its key first: octets that are left mean nothing', async () => {
    await put('a', pattern(1_000));
    const raw = await read('a', undefined, disk);
    expect(await blobs.delete('a')).toBe(true);
    expect(await rows()).toEqual([]);
    // As if the object had come back from a backup of the bucket.
    await put('a', raw, disk);
    expect(await blobs.get('a')).toBeUndefined();
    expect(await blobs.delete('a')).toBe(true);
  });

  test('an upload that comes to nothing leaves no key', async () => {
    async function* broken() {
      yield pattern(200_000);
      throw new Error('connection reset');
    }
    expect(await blobs.put('a', broken(), { maxBytes })).toEqual({ ok: false, code: 'BLOB_ABORTED' });
    expect(await blobs.put('a', bodyOf(pattern(1_001)), { maxBytes: 1_000 })).toEqual({
      ok: false,
      code: 'BLOB_TOO_LARGE',
    });
    expect(await rows()).toEqual([]);
  });

  test.each(['before', 'after'])(
    'an upload whose blob is deleted %s its octets are visible is not said to be stored',
    async (when) => {
      const slow: BlobStore = {
        ...disk,
        async put(key, body, limits) {
          if (when === 'before') await blobs.delete(key);
          const stored = await disk.put(key, body, limits);
          if (when === 'after') await blobs.delete(key);
          return stored;
        },
      };
      const uploading = await encryption.encrypt(slow);
      expect(await codeOf(put('a', pattern(1_000), uploading))).toBe('BLOB_STORE_UNAVAILABLE');
      expect(await blobs.get('a')).toBeUndefined();
      expect(await rows()).toEqual([]);
      await put('a', pattern(10));
      expect(await read('a')).toEqual(pattern(10));
    },
  );

  test('keys of what was replaced are collected when nobody reads it any more, and no others', async () => {
    const clock = createManualClock();
    const timed = await encryption.encrypt(disk, { clock });
    await put('a', pattern(10), timed);
    await put('b', pattern(10), timed);
    const opened = (await timed.get('a'))!;
    await put('a', pattern(20), timed);
    expect(await rows()).toHaveLength(3);
    expect(await timed.collectDataKeys()).toBe(0);
    let size = 0;
    for await (const part of opened.body) size += part.length;
    expect(size).toBe(10);
    await clock.advance(60 * 60 * 1_000);
    expect(await timed.collectDataKeys()).toBe(1);
    expect(await rows()).toHaveLength(2);
    expect([await read('a', undefined, timed), await read('b', undefined, timed)]).toEqual([
      pattern(20),
      pattern(10),
    ]);
    await clock.advance(48 * 60 * 60 * 1_000);
    expect(await timed.collectDataKeys()).toBe(0);
  });

  test('an upload whose process died leaves a key that is collected, unless its blob is there', async () => {
    const clock = createManualClock();
    // The process dies before, or just after, the octets are visible: it settles nothing.
    const dying = (visible: boolean): BlobStore => ({
      ...disk,
      get: (key, range) => disk.get(key, range),
      async put(key, body, limits) {
        if (visible) await disk.put(key, body, limits);
        throw new Error('died');
      },
    });
    const before = await encryption.encrypt(dying(false), { clock });
    const after = await encryption.encrypt(dying(true), { clock });
    const timed = await encryption.encrypt(disk, { clock });
    await put('kept', pattern(10), timed);
    await expect(put('kept', pattern(20), before)).rejects.toThrow('died');
    await expect(put('lost', pattern(20), before)).rejects.toThrow('died');
    await expect(put('there', pattern(20), after)).rejects.toThrow('died');
    await put('over', pattern(10), timed);
    await expect(put('over', pattern(20), after)).rejects.toThrow('died');
    expect(await read('over', undefined, timed)).toEqual(pattern(20));
    await clock.advance(24 * 60 * 60 * 1_000);
    let collected = 0;
    for (let round = 0; round < 3; round++) collected += await timed.collectDataKeys();
    expect(collected).toBe(3);
    expect((await rows()).map(({ blob_key: key }) => key).toSorted()).toEqual(['kept', 'over', 'there']);
    expect(await read('kept', undefined, timed)).toEqual(pattern(10));
    expect(await read('there', undefined, timed)).toEqual(pattern(20));
    expect(await read('over', undefined, timed)).toEqual(pattern(20));
  });

  test('blobs from before there was any encryption are read as they are, until they are put again', async () => {
    await put('old', pattern(100_000), disk);
    expect(await read('old')).toEqual(pattern(100_000));
    expect(await read('old', { start: 70_000, end: 70_009 })).toEqual(
      pattern(100_000).subarray(70_000, 70_010),
    );
    await put('old', pattern(5));
    expect(await read('old')).toEqual(pattern(5));
    expect((await read('old', undefined, disk)).includes(pattern(5))).toBe(false);
    await put('empty', Buffer.alloc(0), disk);
    expect(await read('empty')).toEqual(Buffer.alloc(0));
  });
});

describe('a plain blob that is put again, encrypted', () => {
  const bytes = pattern(3 * chunk + 5);

  /** The store at three moments of a put: before its octets are visible, before that is known, and after. */
  const watched = (look: (when: string) => Promise<void>): BlobStore => ({
    ...disk,
    get: (key, range) => disk.get(key, range),
    async put(key, body, limits) {
      await look('not visible');
      const stored = await disk.put(key, body, limits);
      await look('visible');
      return stored;
    },
  });

  test('is read as it was or as it is, at every moment', async () => {
    await put('a', bytes, disk);
    const seen: string[] = [];
    const look = async (when: string) => {
      for (const range of [undefined, { start: 0, end: 9 }, { start: 2 * chunk + 3, end: 3 * chunk }]) {
        expect(await read('a', range)).toEqual(
          bytes.subarray(range?.start ?? 0, (range?.end ?? Infinity) + 1),
        );
      }
      seen.push(`${when}: ${await blobs.formOf('a')}`);
    };
    await put('a', bytes, await encryption.encrypt(watched(look)));
    await look('settled');
    expect(seen).toEqual(['not visible: plain', 'visible: sealed', 'settled: sealed']);
    expect(await blobs.formOf('none')).toBeUndefined();
  });

  test('is read as it is when it became so between two looks of a reader', async () => {
    for (const at of [1, 2]) {
      await put('a', bytes, disk);
      await encryption.store.write((trx) => trx.deleteFrom('blob_keys').execute());
      let looks = 0;
      const moving = await encryption.encrypt({
        ...disk,
        async get(key, range) {
          // After the first look, or before the second: then it was found to have no key.
          looks++;
          if (at === 2 && looks === 2) await put('a', bytes);
          const reader = await disk.get(key, range);
          if (at === 1 && looks === 1) await put('a', bytes);
          return reader;
        },
      });
      expect(await read('a', undefined, moving)).toEqual(bytes);
      expect(looks).toBeGreaterThan(at);
    }
  });
});

describe('rotation of the master key', () => {
  test('wraps all data keys anew and touches no blob; the old key can go then', async () => {
    const old = (await (await openMasterKeys(encryption.masterKeysFile)).current()).id;
    for (let n = 0; n < 210; n++) await put(`blob-${n}`, Buffer.from(`content ${n}`));
    const raw = await read('blob-7', undefined, disk);
    const current = await rotateMasterKeys(encryption.masterKeysFile);
    // The server notices by itself; what is put now is wrapped by the new key already.
    await put('new', Buffer.from('new'));
    expect(await blobs.dataKeyUsage()).toEqual(
      new Map([
        [old, 210],
        [current, 1],
      ]),
    );
    const stop = new AbortController();
    stop.abort();
    expect(await blobs.rewrapDataKeys(stop.signal)).toBe(0);
    expect(await blobs.rewrapDataKeys()).toBe(210);
    expect(await blobs.rewrapDataKeys()).toBe(0);
    expect(await blobs.dataKeyUsage()).toEqual(new Map([[current, 211]]));
    await removeMasterKey(encryption.masterKeysFile, old, systemRandom);
    expect((await read('blob-7')).toString()).toBe('content 7');
    expect(await read('blob-7', undefined, disk)).toEqual(raw);
  });

  test('in two steps: no machine is without a key that wraps something', async () => {
    const other = join(encryption.folder, 'of-another-machine.json');
    const copyRing = async () => {
      await writeFile(other, await readFile(encryption.masterKeysFile), { mode: 0o600 });
    };
    await copyRing();
    const elsewhere = await encryption.encrypt(disk, { masterKeysFile: other });
    const added = await addMasterKey(encryption.masterKeysFile, systemRandom, 0);
    await put('a', Buffer.from('before the other has it'));
    expect((await read('a', undefined, elsewhere)).toString()).toBe('before the other has it');
    await copyRing();
    await promoteMasterKey(encryption.masterKeysFile, added, systemRandom);
    await put('b', Buffer.from('after'));
    expect(await blobs.rewrapDataKeys()).toBe(1);
    expect(await blobs.dataKeyUsage()).toEqual(new Map([[added, 2]]));
    expect((await read('a', undefined, elsewhere)).toString()).toBe('before the other has it');
    expect((await read('b', undefined, elsewhere)).toString()).toBe('after');
  });

  test('without the file nothing is put or read, until it is back', async () => {
    await put('a', Buffer.from('content'));
    await rename(encryption.masterKeysFile, `${encryption.masterKeysFile}.away`);
    expect(await codeOf(blobs.get('a'))).toBe('BLOB_MASTER_KEY_UNKNOWN');
    expect(await codeOf(put('b', Buffer.from('other')))).toBe('BLOB_MASTER_KEY_UNKNOWN');
    await rename(`${encryption.masterKeysFile}.away`, encryption.masterKeysFile);
    expect((await read('a')).toString()).toBe('content');
    expect(await blobs.get('b')).toBeUndefined();
  });

  test('a data key that does not open is reported and left; all others are wrapped anew', async () => {
    for (let n = 0; n < 10; n++) await put(`blob-${n}`, Buffer.from(`content ${n}`));
    await encryption.store.write(async (trx) => {
      await trx
        .updateTable('blob_keys')
        .set({ wrapped: new Uint8Array(60) })
        .where('blob_key', '=', 'blob-3')
        .execute();
    });
    await rotateMasterKeys(encryption.masterKeysFile);
    const said: unknown[] = [];
    const log: Log = { ...silentLog, error: (fields) => void said.push(fields['blobKey']) };
    expect(await (await encryption.encrypt(disk, { log })).rewrapDataKeys()).toBe(9);
    expect(said).toEqual(['blob-3']);
  });
});

describe('the ring of master keys', () => {
  const file = () => join(encryption.folder, 'ring.json');

  test('is readable by its owner alone, made once, and grows by rotation', async () => {
    const first = await createMasterKeys(file(), systemRandom, Date.UTC(2026, 10, 21));
    expect(first).toMatch(/^2026-11-21-[0-9a-f]{8}$/);
    expect((await stat(file())).mode & 0o777).toBe(0o600);
    expect(await codeOf(createMasterKeys(file(), systemRandom, 0))).toBe('MASTER_KEYS_EXIST');
    const second = await addMasterKey(file(), systemRandom, Date.UTC(2027, 0, 1));
    const ring = await openMasterKeys(file());
    expect(await ring.ids()).toEqual([first, second]);
    expect(await codeOf(promoteMasterKey(file(), 'other', systemRandom))).toBe('MASTER_KEY_UNKNOWN');
    await promoteMasterKey(file(), second, systemRandom);
    expect(await ring.ids()).toEqual([second, first]);
    expect((await ring.current()).key).toHaveLength(32);
    expect(await codeOf(removeMasterKey(file(), second, systemRandom))).toBe('MASTER_KEY_NOT_REMOVABLE');
    expect(await codeOf(removeMasterKey(file(), 'other', systemRandom))).toBe('MASTER_KEY_NOT_REMOVABLE');
    await removeMasterKey(file(), first, systemRandom);
    expect(await ring.ids()).toEqual([second]);
    expect(await ring.find(first)).toBeUndefined();
  });

  test('a file that others can read, is damaged or missing is refused, and nothing of it is quoted', async () => {
    expect(await codeOf(openMasterKeys(file()))).toBe('MASTER_KEYS_UNREADABLE');
    await createMasterKeys(file(), systemRandom, 0);
    const text = await readFile(file(), 'utf8');
    for (const mode of [0o644, 0o604, 0o620]) {
      await chmod(file(), mode);
      expect(await codeOf(openMasterKeys(file()))).toBe('MASTER_KEYS_EXPOSED');
    }
    // As Kubernetes hands it over.
    await chmod(file(), 0o440);
    await openMasterKeys(file());
    await chmod(file(), 0o600);
    const secret = /"([A-Za-z0-9+/]{43}=)"/.exec(text)![1]!;
    for (const damage of [
      '',
      'null',
      text.slice(0, -5),
      text.replace('"version": 1', '"version": 2'),
      text.replace(/"current": "[^"]*"/, '"current": "another"'),
      text.replace('=', ''),
    ]) {
      await writeFile(file(), damage);
      await chmod(file(), 0o600);
      const error: unknown = await openMasterKeys(file()).catch((caught: unknown) => caught);
      expect(error).toMatchObject({ code: 'MASTER_KEYS_DAMAGED' });
      expect(inspect(error, { depth: 10 })).not.toContain(secret.slice(0, 20));
    }
    await writeFile(file(), text);
    const ring = await openMasterKeys(file());
    expect(inspect(ring, { depth: 10, showHidden: true })).not.toContain(secret.slice(0, 20));
    // One that becomes unusable later is said so, rather than the old one used on.
    await writeFile(file(), 'damaged');
    expect(await codeOf(ring.current())).toBe('MASTER_KEYS_DAMAGED');
  });
});

function flip(bytes: Buffer, at: number): Buffer {
  const changed = Buffer.from(bytes);
  changed[at]! ^= 1;
  return changed;
}
