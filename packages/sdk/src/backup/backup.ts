/**
 * Encrypted export and import (docs/sealed-groups.md §8): identity, list of groups, history. Secrets of leaves and ratchets
 * are not in it [F6]: were they restored elsewhere, two devices would speak with one voice and keys thought deleted would live on. So
 * a restored device shows the past and needs a new invite for the future; since the identity is the same, it is the same
 * person to the others.
 *
 *     "conclave-backup-1\n" ‖ logN(1) ‖ salt(16) ‖ nonce(24) ‖ XChaCha20-Poly1305( JSON ), the header as additional data
 */
import type { RandomSource } from '@conclave/ristretto';
import { xchacha20poly1305 } from '@noble/ciphers/chacha.js';
import { concatBytes, utf8 } from '../encoding/bytes.ts';
import { ConclaveError } from '../errors/conclave-error.ts';
import {
  groupCodec,
  identityCodec,
  messageCodec,
  type GroupRecord,
  type IdentityRecord,
  type MessageRecord,
} from '../group/group-records.ts';
import { createRecordCodec } from '../store/json-record.ts';
import {
  defaultPassphraseCost,
  derivePassphraseKey,
  isAcceptableCost,
  type PassphraseCost,
} from '../store/passphrase-key.ts';
import { paths } from '../store/paths.ts';
import type { Vault, VaultOperation } from '../store/vault.ts';

export interface RestoredBackup {
  readonly groups: number;
  readonly messages: number;
}

interface BackupContent {
  readonly identity: IdentityRecord;
  readonly groups: readonly {
    readonly id: string;
    readonly record: GroupRecord;
    readonly messages: readonly MessageRecord[];
  }[];
}

const MAGIC = utf8('conclave-backup-1\n');
const SALT = 16;
const NONCE = 24;
const HEADER = MAGIC.length + 1 + SALT + NONCE;
const contentCodec = createRecordCodec<BackupContent>();

export async function exportBackup(input: {
  readonly vault: Vault;
  readonly random: RandomSource;
  readonly passphrase: string;
  readonly cost?: PassphraseCost;
}): Promise<Uint8Array> {
  const { vault, random, passphrase, cost = defaultPassphraseCost } = input;
  const identity = await vault.get(paths.identity);
  if (identity === undefined)
    throw new ConclaveError('MISUSE', 'This store was never used: there is nothing to export');
  const groups = [];
  for (const { path, value } of await vault.list({ under: paths.groups })) {
    const id = String(path[1]);
    const messages = await vault.list({ under: paths.messages(id) });
    groups.push({
      id,
      record: { ...groupCodec.decode(value), phase: 'restored' as const },
      messages: messages.map((entry) => messageCodec.decode(entry.value)),
    });
  }
  const content = contentCodec.encode({ identity: identityCodec.decode(identity), groups });
  const salt = random.bytes(SALT);
  const nonce = random.bytes(NONCE);
  const header = concatBytes(MAGIC, Uint8Array.of(cost.logN), salt, nonce);
  const key = await derivePassphraseKey(passphrase, salt, cost);
  return concatBytes(header, xchacha20poly1305(key, nonce, header).encrypt(content));
}

export async function importBackup(input: {
  readonly vault: Vault;
  readonly backup: Uint8Array;
  readonly passphrase: string;
}): Promise<RestoredBackup> {
  const { vault, backup, passphrase } = input;
  const content = await openBackup(backup, passphrase);
  const isUsed =
    (await vault.get(paths.identity)) !== undefined ||
    (await vault.list({ under: paths.groups, limit: 1 })).length > 0;
  if (isUsed) throw new ConclaveError('BACKUP_STORE_NOT_EMPTY', 'A backup is restored into a new store');
  const operations: VaultOperation[] = [
    { put: paths.identity, value: identityCodec.encode(content.identity) },
  ];
  let messages = 0;
  for (const group of content.groups) {
    operations.push({ put: paths.group(group.id), value: groupCodec.encode(group.record) });
    for (const message of group.messages) {
      operations.push({ put: paths.message(group.id, message.seq), value: messageCodec.encode(message) });
      messages += 1;
    }
  }
  await vault.transact(operations);
  return { groups: content.groups.length, messages };
}

async function openBackup(backup: Uint8Array, passphrase: string): Promise<BackupContent> {
  const logN = backup[MAGIC.length];
  const hasMagic = MAGIC.every((byte, index) => byte === backup[index]);
  if (!hasMagic || backup.length < HEADER + 16 || !isAcceptableCost(logN)) {
    throw new ConclaveError('BACKUP_INVALID', 'These bytes are not a backup');
  }
  const header = backup.subarray(0, HEADER);
  const salt = header.subarray(MAGIC.length + 1, MAGIC.length + 1 + SALT);
  const key = await derivePassphraseKey(passphrase, salt, { logN });
  let content: Uint8Array;
  try {
    content = xchacha20poly1305(key, header.subarray(HEADER - NONCE), header).decrypt(
      backup.subarray(HEADER),
    );
  } catch (error) {
    throw new ConclaveError(
      'STORE_WRONG_KEY',
      'The passphrase does not open this backup, or the file is damaged',
      { cause: error },
    );
  }
  return checkContent(content);
}

/** Whoever knows the passphrase can seal anything: what is inside is read like a file from outside. */
function checkContent(octets: Uint8Array): BackupContent {
  const content: unknown = contentCodec.decode(octets);
  const isBackup =
    isObject(content) &&
    isSeed(content['identity']) &&
    Array.isArray(content['groups']) &&
    content['groups'].every(
      (group: unknown) =>
        isObject(group) &&
        typeof group['id'] === 'string' &&
        isObject(group['record']) &&
        Array.isArray(group['messages']) &&
        group['messages'].every((message: unknown) => isObject(message) && isPosition(message['seq'])),
    );
  if (!isBackup)
    throw new ConclaveError('BACKUP_INVALID', 'The content of this backup is not that of a backup');
  return content as unknown as BackupContent;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return (
    typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Uint8Array)
  );
}

function isSeed(identity: unknown): boolean {
  return isObject(identity) && identity['seed'] instanceof Uint8Array && identity['seed'].length === 32;
}

function isPosition(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
