/** What only members can open, with octets inside that an honest client does not put there: messages, payloads of commits, rosters. */
import { createHash } from 'node:crypto';
import type { EpochKeys } from '../../../../packages/sealed-group/src/schedule/index.ts';
import { expandLabel, scheduleLabels, uint64 } from '../../../../packages/sealed-group/src/schedule/index.ts';
import { hashTuple } from '../../../../packages/sealed-group/src/hash/index.ts';
import type { SealedSnapshot } from '../../../../packages/sealed-group/src/identity/roster-snapshot.ts';
import { encodeInnerMessage } from '../../../../packages/sealed-group/src/message/content.ts';
import type { InnerMessage } from '../../../../packages/sealed-group/src/message/content.ts';
import { maskHeader } from '../../../../packages/sealed-group/src/message/header-mask.ts';
import {
  messageAdditionalData,
  messageDigest,
  messageKey,
} from '../../../../packages/sealed-group/src/message/message-key.ts';
import { pad } from '../../../../packages/sealed-group/src/message/padding.ts';
import { valueOf } from '@conclave/testkit';
import { resealed, seal } from './aes-gcm.ts';
import type { Mallory } from './mallory.ts';

export interface OddMessage {
  /** Generations to pass over. */
  readonly skip?: number;
  /** Before it is signed. */
  readonly says?: Partial<Omit<InnerMessage, 'signature'>>;
  /** After it was signed and padded. */
  readonly padded?: (plaintext: Uint8Array) => Uint8Array;
}

/** As `sealMessage` seals it, but for what is odd. */
export function oddMessage(mallory: Mallory, text: string, odd: OddMessage): Uint8Array {
  const { keys, signingKey, lastSeen } = mallory.state;
  const { header, leaf } = mallory;
  for (let count = 0; count < (odd.skip ?? 0); count++) valueOf(keys!.secretTree.takeNext(leaf));
  const { generation, secret } = valueOf(keys!.secretTree.takeNext(leaf));
  const position = { leaf, generation };
  const said = { lastSeen, type: 'text', content: new TextEncoder().encode(text), ...odd.says };
  const signature = signingKey!.sign(messageDigest(header, keys!.contextHash, position, said));
  const plaintext = pad(encodeInnerMessage({ ...said, signature }));
  const box = {
    ...messageKey(secret, header.nonce),
    additionalData: messageAdditionalData(header, position),
  };
  const ciphertext = seal(box, odd.padded?.(plaintext) ?? plaintext);
  const masked = maskHeader(position, keys!.header.reveal(), header.nonce, ciphertext);
  return mallory.message({ header, masked, ciphertext });
}

/** Of a commit. `change`: of the padded octets. */
export function oddPayload(
  keys: EpochKeys,
  bodyHash: Uint8Array,
  payload: Uint8Array,
  change: (padded: Uint8Array) => Uint8Array,
): Uint8Array {
  const secret = keys.payload.reveal();
  const box = {
    key: expandLabel(secret, scheduleLabels.payloadSealKey, [bodyHash], 32),
    nonce: expandLabel(secret, scheduleLabels.payloadSealNonce, [bodyHash], 12),
    additionalData: hashTuple('payload-additional-data', keys.contextHash, bodyHash),
  };
  return resealed(box, payload, change);
}

/** The roster of the group's present epoch, with the hash that fits. `change`: of the padded octets. */
export function oddRoster(
  { member: { group } }: Mallory,
  { bytes, key }: SealedSnapshot,
  change: (padded: Uint8Array) => Uint8Array,
): SealedSnapshot {
  const box = {
    key: expandLabel(key, scheduleLabels.snapshotKey, [], 32),
    nonce: expandLabel(key, scheduleLabels.snapshotNonce, [], 12),
    additionalData: hashTuple('roster-snapshot', group.groupId, uint64(group.epoch)),
  };
  const changed = resealed(box, bytes, change);
  return { bytes: changed, sha256: new Uint8Array(createHash('sha256').update(changed).digest()), key };
}
