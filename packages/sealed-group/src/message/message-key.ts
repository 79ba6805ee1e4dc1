/**
 * What every message is sealed with and bound to. Key and nonce come from the generation secret *and* the frame's random
 * nonce: a device restored from a backup repeats generations, but never a (key, nonce) pair.
 */
import { hashTuple, uint32 } from '../hash/index.ts';
import { expandLabel } from '../schedule/expand-label.ts';
import { scheduleLabels } from '../schedule/labels.ts';
import { uint64 } from '../schedule/uint64.ts';
import { protocolVersion } from '../suite.ts';
import type { FrameHeader } from '../wire/frame.ts';
import type { InnerMessage } from './content.ts';
import type { MessageHeader } from './header-mask.ts';
import { encodeHeader } from './header-mask.ts';

/** AES-256-GCM key and nonce of one message. The caller wipes both. */
export function messageKey(
  generationSecret: Uint8Array,
  frameNonce: Uint8Array,
): { key: Uint8Array; nonce: Uint8Array } {
  return {
    key: expandLabel(generationSecret, scheduleLabels.messageKey, [frameNonce], 32),
    nonce: expandLabel(generationSecret, scheduleLabels.messageNonce, [frameNonce], 12),
  };
}

/** Additional data: what is in the open but must be what the sender meant. `now_ms` is the time that people are shown. */
export function messageAdditionalData(frame: FrameHeader, header: MessageHeader): Uint8Array {
  return hashTuple(
    'message-additional-data',
    uint32(protocolVersion),
    frame.groupId,
    uint64(frame.epoch),
    frame.nonce,
    uint64(frame.nowMs),
    encodeHeader(header),
  );
}

/** What the leaf-bound Ed25519 key signs: every member has the message's key, only the sender has this one. 32 bytes. */
export function messageDigest(
  frame: FrameHeader,
  contextHash: Uint8Array,
  header: MessageHeader,
  message: Omit<InnerMessage, 'signature'>,
): Uint8Array {
  return hashTuple(
    'message-signature',
    uint32(protocolVersion),
    frame.groupId,
    uint64(frame.epoch),
    contextHash,
    encodeHeader(header),
    frame.nonce,
    uint64(frame.nowMs),
    message.lastSeen,
    new TextEncoder().encode(message.type),
    message.content,
  );
}
