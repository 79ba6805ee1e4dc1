import { xchacha20poly1305 } from '@noble/ciphers/chacha.js';
import { describe, expect, test } from 'vitest';
import { createRecordCodec } from '../store/json-record.ts';
import { identityCodec, groupCodec, messageCodec } from '../group/group-records.ts';
import { utf8 } from '../encoding/bytes.ts';
import { createSystemRandom } from '../random/system-random.ts';
import { openEphemeralStore } from '../store/ephemeral-store.ts';
import { derivePassphraseKey } from '../store/passphrase-key.ts';
import { paths } from '../store/paths.ts';
import type { Vault } from '../store/vault.ts';
import { isConclaveError } from '../errors/conclave-error.ts';
import { exportBackup, importBackup } from './backup.ts';

const random = createSystemRandom();
const cost = { logN: 10 };

async function fillStore(): Promise<Vault> {
  const vault = await openEphemeralStore();
  const sender = { id: 'me', name: 'Ada', device: 'd', leaf: 0 };
  await vault.transact([
    { put: paths.identity, value: identityCodec.encode({ seed: new Uint8Array(32).fill(5) }) },
    {
      put: paths.group('g'),
      value: groupCodec.encode({ server: 'https://x', name: 'Tea', createdAtMs: 1, phase: 'active' }),
    },
    { put: paths.secretState('g'), value: utf8('LEAF-AND-RATCHET-SECRETS') },
    { put: paths.publicState('g'), value: utf8('PUBLIC') },
    ...[3, 1, 2].map((seq) => ({
      put: paths.message('g', seq),
      value: messageCodec.encode({
        seq,
        bodyHash: new Uint8Array(32),
        sender,
        mine: true,
        sentAtMs: seq,
        type: 'text',
        content: utf8(`text ${seq}`),
      }),
    })),
  ]);
  return vault;
}

describe('backup', () => {
  test('identity, groups and history come back; secrets of leaves and ratchets do not', async () => {
    const backup = await exportBackup({ vault: await fillStore(), random, passphrase: 'p', cost });
    const vault = await openEphemeralStore();
    expect(await importBackup({ vault, backup, passphrase: 'p' })).toEqual({ groups: 1, messages: 3 });
    expect(identityCodec.decode((await vault.get(paths.identity))!).seed).toEqual(new Uint8Array(32).fill(5));
    expect(groupCodec.decode((await vault.get(paths.group('g')))!)).toMatchObject({
      name: 'Tea',
      phase: 'restored',
    });
    const messages = await vault.list({ under: paths.messages('g') });
    expect(messages.map(({ value }) => messageCodec.decode(value).seq)).toEqual([1, 2, 3]);
    expect(await vault.get(paths.secretState('g'))).toBeUndefined();
    expect(await vault.get(paths.publicState('g'))).toBeUndefined();
  });

  test('the file shows nothing in the clear', async () => {
    const backup = await exportBackup({ vault: await fillStore(), random, passphrase: 'p', cost });
    const text = Buffer.from(backup).toString('latin1');
    for (const secret of ['Ada', 'Tea', 'text 1', 'https://x', 'SECRETS']) expect(text).not.toContain(secret);
  });

  test('a wrong passphrase, damage and foreign bytes are told apart and change nothing', async () => {
    const backup = await exportBackup({ vault: await fillStore(), random, passphrase: 'p', cost });
    const vault = await openEphemeralStore();
    const attempt = (bytes: Uint8Array, passphrase = 'p') =>
      importBackup({ vault, backup: bytes, passphrase });
    await expect(attempt(backup, 'q')).rejects.toMatchObject({ code: 'STORE_WRONG_KEY' });
    await expect(attempt(backup.with(90, backup[90]! ^ 1))).rejects.toMatchObject({
      code: 'STORE_WRONG_KEY',
    });
    for (const bytes of [new Uint8Array(), utf8('hello'), backup.subarray(0, 40), backup.with(18, 31)]) {
      await expect(attempt(bytes)).rejects.toMatchObject({ code: 'BACKUP_INVALID' });
    }
    expect(await vault.list({ under: [] })).toEqual([]);
  });

  test('whose maker knew the passphrase and sealed something else is invalid, and changes nothing', async () => {
    const file = await exportBackup({ vault: await fillStore(), random, passphrase: 'p', cost });
    const header = file.slice(0, 18 + 1 + 16 + 24);
    const key = await derivePassphraseKey('p', header.slice(19, 35), cost);
    const identity = '"identity":{"seed":{"$b":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}}';
    for (const content of [
      'null',
      '[]',
      '{"groups":[]}',
      '{"identity":{"seed":"short"},"groups":[]}',
      `{${identity}}`,
      `{${identity},"groups":[null]}`,
      `{${identity},"groups":[{"id":"g","record":{},"messages":[{"seq":-1}]}]}`,
      `{${identity},"groups":[{"id":"g","record":{},"messages":[{"seq":1.5}]}]}`,
    ]) {
      const box = xchacha20poly1305(key, header.slice(35), header).encrypt(utf8(content));
      const vault = await openEphemeralStore();
      const backup = Buffer.concat([header, box]);
      const code = await importBackup({ vault, backup, passphrase: 'p' }).then(
        () => 'restored',
        (error: unknown) => (isConclaveError(error) ? error.code : error),
      );
      expect([content, code]).toEqual([content, 'BACKUP_INVALID']);
      expect(await vault.list({ under: [] })).toEqual([]);
    }
  });

  test('is restored into a new store only', async () => {
    const vault = await fillStore();
    const backup = await exportBackup({ vault, random, passphrase: 'p', cost });
    await expect(importBackup({ vault, backup, passphrase: 'p' })).rejects.toMatchObject({
      code: 'BACKUP_STORE_NOT_EMPTY',
    });
  });
});

test('records keep byte strings, and damaged ones are STORE_CORRUPT', () => {
  const codec = createRecordCodec<{ a: Uint8Array; b: { c: Uint8Array[] }; d?: string }>();
  const record = { a: Uint8Array.of(1, 2), b: { c: [new Uint8Array()] }, d: '$b' };
  expect(codec.decode(codec.encode(record))).toEqual(record);
  expect(() => codec.decode(utf8('{'))).toThrow(expect.objectContaining({ code: 'STORE_CORRUPT' }));
});
