/**
 * Opening a message (docs/sealed-groups.md §6): who sent it, whether they may write, whether they really said it.
 * Opening only looks. The keys change when the caller accepts what was opened, in the same step in which it stores the
 * message: a forged, damaged or refused message changes nothing [F5], a crash in between loses nothing.
 *
 *     unmask header ── sender may write? ── generation ── decrypt ── unpad ── signature ──> OpenedMessage ── accept()
 *                                                                                       keys of this generation deleted
 */
import { gcm } from '@noble/ciphers/aes.js';
import { verifySignature } from '../identity/signing-key.ts';
import type { Result } from '../result.ts';
import { accept, violation } from '../result.ts';
import type { EpochKeys } from '../schedule/epoch-keys.ts';
import type { GroupMode } from '../tree/roles.ts';
import { isBelow } from '../tree/roles.ts';
import type { LeafIndex } from '../tree/tree-math.ts';
import { toLeafIndex } from '../tree/tree-math.ts';
import { isPending } from '../tree/tree-node.ts';
import type { TreeReader } from '../tree/tree-reader.ts';
import type { MessageFrame } from '../wire/frame.ts';
import type { InnerMessage, MemberContent } from './content.ts';
import { decodeInnerMessage, unpackContent } from './content.ts';
import type { MessageHeader } from './header-mask.ts';
import { headerBytes, sampleBytes, unmaskHeader } from './header-mask.ts';
import { messageAdditionalData, messageDigest, messageKey } from './message-key.ts';
import { unpad } from './padding.ts';
import { isOfEpoch } from './same-epoch.ts';

/** Everything as of the message's epoch, also when that is the one before the current. */
export interface OpenMessageInput {
  readonly keys: EpochKeys;
  readonly frame: Pick<MessageFrame, 'header' | 'content' | 'trail'>;
  readonly tree: Pick<TreeReader, 'leaf' | 'leafCount'>;
  readonly mode: GroupMode;
  /** The leaf's certified Ed25519 key at the message's epoch, from the roster. */
  readonly signingKeyOf: (leaf: LeafIndex) => Uint8Array | undefined;
}

export interface OpenedMessage {
  readonly sender: LeafIndex;
  readonly generation: number;
  /** Body hash of the last frame that the sender had processed. */
  readonly lastSeen: Uint8Array;
  /** The sender's clock, as signed. */
  readonly sentAtMs: number;
  readonly content: MemberContent;
  /**
   * Deletes the keys that opened this message. Refused (`message/generation-unused`) if another message was accepted
   * for the same generation since this one was opened: then this one is a duplicate and must not be shown.
   */
  accept(): Result<void>;
}

export function openMessage(input: OpenMessageInput): Result<OpenedMessage> {
  const { keys, frame } = input;
  const { header: masked, ciphertext } = frame.content;
  if (!isOfEpoch(frame.header, keys)) return violation('message/same-epoch');
  if (masked.length !== headerBytes || ciphertext.length < sampleBytes)
    return violation('message/header-length');
  const header = unmaskHeader(masked, keys.header.reveal(), frame.header.nonce, ciphertext);

  const sender = findWriter(input, header.leaf);
  if (!sender.ok) return sender;
  const message = decryptMessage(input, header);
  if (!message.ok) return message;

  const signingKey = input.signingKeyOf(sender.value);
  if (signingKey === undefined) return violation('message/sender-certified', `leaf ${sender.value}`);
  const digest = messageDigest(frame.header, keys.contextHash, header, message.value);
  if (!verifySignature(signingKey, digest, message.value.signature)) {
    return violation('message/signature', `leaf ${sender.value}`);
  }
  const content = unpackContent(message.value);
  if (!content.ok) return content;
  return accept({
    sender: sender.value,
    generation: header.generation,
    lastSeen: Uint8Array.from(message.value.lastSeen),
    sentAtMs: frame.header.nowMs,
    content: content.value,
    accept: () => keys.secretTree.consume(sender.value, header.generation),
  });
}

function findWriter({ frame, tree, mode }: OpenMessageInput, leafIndex: number): Result<LeafIndex> {
  const index = toLeafIndex(leafIndex, tree.leafCount);
  const leaf = index === undefined ? undefined : tree.leaf(index);
  if (index === undefined || leaf === undefined) return violation('message/leaf-in-tree');
  if (frame.trail.proof === 'leaf' && frame.trail.leaf !== index)
    return violation('message/leaf-proof-matches');
  if (isPending(leaf)) return violation('message/sender-joined', `leaf ${index}`);
  if (leaf.role === 'reader' || isBelow(leaf.role, mode.minWriter)) {
    return violation('message/sender-may-write', `leaf ${index} is a ${leaf.role}`);
  }
  return accept(index);
}

/** The message under a header that was unmasked; who wrote it is still to be verified. */
export function decryptMessage(
  { keys, frame }: Pick<OpenMessageInput, 'keys' | 'frame'>,
  header: MessageHeader,
): Result<InnerMessage> {
  const secret = keys.secretTree.generationSecret(header.leaf, header.generation);
  if (!secret.ok) return secret;
  const { key, nonce } = messageKey(secret.value, frame.header.nonce);
  secret.value.fill(0);
  let padded: Uint8Array;
  try {
    padded = gcm(key, nonce, messageAdditionalData(frame.header, header)).decrypt(frame.content.ciphertext);
  } catch {
    return violation('message/decrypts', `leaf ${header.leaf}, generation ${header.generation}`);
  } finally {
    key.fill(0);
  }
  const inner = unpad(padded);
  return inner === undefined ? violation('message/padding') : decodeInnerMessage(inner);
}
