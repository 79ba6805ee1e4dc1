/**
 * Sealing a message (docs/sealed-groups.md §6):
 *
 *     content ── sign (leaf-bound Ed25519) ── pad ── AES-256-GCM ── mask the header
 *
 * The ratchet moves before anything is encrypted: the caller stores the epoch's keys first and sends the frame afterwards.
 */
import { gcm } from '@noble/ciphers/aes.js';
import type { SigningKey } from '../identity/signing-key.ts';
import type { Result } from '../result.ts';
import { accept, violation } from '../result.ts';
import type { EpochKeys } from '../schedule/epoch-keys.ts';
import type { LeafIndex } from '../tree/tree-math.ts';
import type { FrameHeader, MessageContent } from '../wire/frame.ts';
import type { MemberContent } from './content.ts';
import { encodeInnerMessage, packContent } from './content.ts';
import { maskHeader } from './header-mask.ts';
import { messageAdditionalData, messageDigest, messageKey } from './message-key.ts';
import { pad } from './padding.ts';
import { isOfEpoch } from './same-epoch.ts';

export interface SealMessageInput {
  /** Its secret tree advances: store it before the frame leaves. */
  readonly keys: EpochKeys;
  /** The header of the frame that will carry the message; its nonce must be fresh and random. */
  readonly frame: FrameHeader;
  readonly leaf: LeafIndex;
  /** The leaf-bound key that the leaf's current identity entry certifies. */
  readonly signingKey: SigningKey;
  /** Body hash of the last frame that this member processed, 32 bytes. */
  readonly lastSeen: Uint8Array;
  readonly content: MemberContent;
}

/** The content of a message frame. A violation leaves the keys as they were. */
export function sealMessage(input: SealMessageInput): Result<MessageContent> {
  const { keys, frame, leaf, signingKey, lastSeen } = input;
  if (!isOfEpoch(frame, keys)) return violation('message/same-epoch');
  const packed = packContent(input.content);
  if (!packed.ok) return packed;
  const taken = keys.secretTree.takeNext(leaf);
  if (!taken.ok) return taken;

  const { generation, secret } = taken.value;
  const header = { leaf, generation };
  const message = { lastSeen, ...packed.value };
  const signature = signingKey.sign(messageDigest(frame, keys.contextHash, header, message));
  const { key, nonce } = messageKey(secret, frame.nonce);
  const plaintext = pad(encodeInnerMessage({ ...message, signature }));
  const ciphertext = gcm(key, nonce, messageAdditionalData(frame, header)).encrypt(plaintext);
  for (const used of [secret, key, plaintext]) used.fill(0);
  return accept({
    kind: 'message',
    header: maskHeader(header, keys.header.reveal(), frame.nonce, ciphertext),
    ciphertext,
  });
}
