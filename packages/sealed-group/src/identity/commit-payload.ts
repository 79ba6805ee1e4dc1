/**
 * The payload of a create or commit: what only members of the new epoch read. Encrypted with the epoch's payload key and
 * bound to the frame's body, padded so that its size says little.
 */
import { create, toBinary } from '@bufbuild/protobuf';
import { gcm } from '@noble/ciphers/aes.js';
import { hashTuple } from '../hash/index.ts';
import { pad, unpad } from '../message/padding.ts';
import type { Result } from '../result.ts';
import { accept, violation } from '../result.ts';
import { decodeCanonical } from '../schedule/decode-canonical.ts';
import type { EpochKeys } from '../schedule/epoch-keys.ts';
import { expandLabel } from '../schedule/expand-label.ts';
import { scheduleLabels } from '../schedule/labels.ts';
import { CommitPayloadSchema } from '../wire/gen/member_pb.js';
import type { UnverifiedEntry } from './identity-entry.ts';
import { decodeEntry, encodeEntry } from './identity-entry.ts';
import type { GroupProfile } from './profile.ts';
import { decodeProfile, encodeProfile } from './profile.ts';

/** An entry with names of any usual length: a commit's size does not say who made it. */
const smallestPayload = 1024;
/** Each costs every member two signature verifications. */
export const maxOthers = 64;

export interface CommitPayload {
  /** The committer's own. */
  readonly entry: UnverifiedEntry | undefined;
  /** Others', repeated for those who lack them; at most 64. */
  readonly others: readonly UnverifiedEntry[];
  /** Replaces the group's whole profile. `invalid`: there was one that may not be shown. */
  readonly profile: GroupProfile | 'invalid' | undefined;
}

/** `keys` are those of the epoch that the frame makes; `bodyHash` is the frame's. */
export function sealCommitPayload(
  keys: EpochKeys,
  bodyHash: Uint8Array,
  payload: {
    readonly entry: UnverifiedEntry;
    readonly others?: readonly UnverifiedEntry[];
    readonly profile?: GroupProfile;
  },
): Uint8Array {
  const encoded = toBinary(
    CommitPayloadSchema,
    create(CommitPayloadSchema, {
      entry: encodeEntry(payload.entry),
      entries: (payload.others ?? []).map(encodeEntry),
      ...(payload.profile === undefined ? {} : { profile: encodeProfile(payload.profile) }),
    }),
  );
  return payloadCipher(keys, bodyHash).encrypt(pad(encoded, smallestPayload));
}

/** A violation flags the committer; it never rejects the commit. */
export function openCommitPayload(
  keys: EpochKeys,
  bodyHash: Uint8Array,
  sealed: Uint8Array,
): Result<CommitPayload> {
  let padded: Uint8Array;
  try {
    padded = payloadCipher(keys, bodyHash).decrypt(sealed);
  } catch {
    return violation('identity/payload-decrypts');
  }
  const encoded = unpad(padded, smallestPayload);
  const payload = encoded === undefined ? undefined : decodeCanonical(CommitPayloadSchema, encoded);
  if (payload === undefined || payload.entries.length > maxOthers) return violation('identity/payload-form');
  return accept({
    entry: payload.entry === undefined ? undefined : decodeEntry(payload.entry),
    others: payload.entries.map(decodeEntry),
    profile: payload.profile === undefined ? undefined : (decodeProfile(payload.profile) ?? 'invalid'),
  });
}

/** One frame makes an epoch, so key and nonce are used once; the body hash keeps it so whatever happens. */
function payloadCipher(keys: EpochKeys, bodyHash: Uint8Array) {
  const secret = keys.payload.reveal();
  const key = expandLabel(secret, scheduleLabels.payloadSealKey, [bodyHash], 32);
  const nonce = expandLabel(secret, scheduleLabels.payloadSealNonce, [bodyHash], 12);
  return gcm(key, nonce, hashTuple('payload-additional-data', keys.contextHash, bodyHash));
}
