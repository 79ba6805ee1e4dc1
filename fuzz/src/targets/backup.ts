import { xchacha20poly1305 } from '@noble/ciphers/chacha.js';
import { exportBackup, importBackup } from '../../../packages/sdk/src/backup/backup.ts';
import { ConclaveError } from '../../../packages/sdk/src/errors/conclave-error.ts';
import { groupCodec, identityCodec, messageCodec } from '../../../packages/sdk/src/group/group-records.ts';
import { createMemoryStore } from '../../../packages/sdk/src/store/memory-store.ts';
import { derivePassphraseKey } from '../../../packages/sdk/src/store/passphrase-key.ts';
import { paths } from '../../../packages/sdk/src/store/paths.ts';
import { openVault } from '../../../packages/sdk/src/store/vault.ts';
import type { FuzzTarget } from '../engine/target.ts';

const cost = { logN: 10 };
const passphrase = 'correct horse';
const headerBytes = 18 + 1 + 16 + 24;
let counter = 0;
const random = { bytes: (length: number) => new Uint8Array(length).fill(++counter) };

const newVault = () =>
  openVault({ store: createMemoryStore(), unlock: { kind: 'key', key: new Uint8Array(32) }, random });

/** The first octet says whether the rest is a file, or the content of one whose maker knows the passphrase. */
export const target: FuzzTarget = {
  about: 'importBackup: a file that someone offers to restore',
  format: 'octets',
  maxBytes: 8 * 1024,
  runs: 400,
  async prepare() {
    const vault = await newVault();
    await vault.transact([
      { put: paths.identity, value: identityCodec.encode({ seed: new Uint8Array(32).fill(1) }) },
      {
        put: paths.group('g'),
        value: groupCodec.encode({
          server: 'https://chat.example',
          name: 'Group',
          createdAtMs: 1,
          phase: 'active',
        }),
      },
      {
        put: paths.message('g', 1),
        value: messageCodec.encode({
          seq: 1,
          bodyHash: new Uint8Array(32),
          sender: undefined as never,
          mine: true,
          sentAtMs: 1,
          type: 'text',
          content: new TextEncoder().encode('hello'),
        }),
      },
    ]);
    const file = await exportBackup({ vault, random, passphrase, cost });
    const header = file.slice(0, headerBytes);
    const key = await derivePassphraseKey(passphrase, header.slice(19, 35), cost);
    const cipher = () => xchacha20poly1305(key, header.slice(35), header);
    return {
      seeds: [Uint8Array.of(0, ...file), Uint8Array.of(1, ...cipher().decrypt(file.slice(headerBytes)))],
      async check(bytes) {
        const isContent = bytes[0] === 1;
        const rest = bytes.slice(1);
        // A cost of 2^20 takes a gigabyte and seconds, as it may: the bound is the decoder's, not this target's matter.
        if (!isContent && (rest[18] ?? 0) > cost.logN) return;
        const backup = isContent ? Buffer.concat([header, cipher().encrypt(rest)]) : rest;
        try {
          await importBackup({ vault: await newVault(), backup, passphrase });
        } catch (error) {
          if (!(error instanceof ConclaveError)) throw error;
        }
      },
    };
  },
};
