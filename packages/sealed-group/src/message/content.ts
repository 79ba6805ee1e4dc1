/** What a member says, and its form under encryption. */
import { create, toBinary } from '@bufbuild/protobuf';
import type { Result } from '../result.ts';
import { accept, violation } from '../result.ts';
import { decodeCanonical } from '../schedule/decode-canonical.ts';
import { MemberMessageSchema } from '../wire/gen/member_pb.js';

/** `type` names the application's format (printable ASCII, at most 128 characters, not "text"); the content is opaque here. */
export type MemberContent =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'application'; readonly type: string; readonly content: Uint8Array };

/** Fits into a frame with room for everything around it. */
export const maxContentBytes = 1024 * 1024;
const textType = 'text';
const typePattern = /^[\x21-\x7e]{1,128}$/;
const hashBytes = 32;
const signatureBytes = 64;

/** A message's fields as signed. Whether the signature holds is for `openMessage` to say. */
export interface InnerMessage {
  readonly lastSeen: Uint8Array;
  readonly type: string;
  readonly content: Uint8Array;
  readonly signature: Uint8Array;
}

/** Refuses what a receiver would refuse. */
export function packContent(content: MemberContent): Result<{ type: string; content: Uint8Array }> {
  if (content.kind === 'text' && !content.text.isWellFormed()) {
    return violation('message/content', 'text with half of a surrogate pair');
  }
  const packed =
    content.kind === 'text'
      ? { type: textType, content: new TextEncoder().encode(content.text) }
      : { type: content.type, content: content.content };
  if (content.kind === 'application' && (!typePattern.test(content.type) || content.type === textType)) {
    return violation('message/content', 'type');
  }
  if (packed.content.length > maxContentBytes)
    return violation('message/content-size', `${packed.content.length} bytes`);
  return accept(packed);
}

export function unpackContent({ type, content }: InnerMessage): Result<MemberContent> {
  if (type !== textType) return accept({ kind: 'application', type, content: Uint8Array.from(content) });
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(content);
    return accept({ kind: 'text', text });
  } catch {
    return violation('message/content', 'text');
  }
}

export function encodeInnerMessage(message: InnerMessage): Uint8Array {
  return toBinary(MemberMessageSchema, create(MemberMessageSchema, { ...message }));
}

/** Byte fields are views of `bytes`. */
export function decodeInnerMessage(bytes: Uint8Array): Result<InnerMessage> {
  const message = decodeCanonical(MemberMessageSchema, bytes);
  if (message === undefined) return violation('message/content', 'encoding');
  if (message.lastSeen.length !== hashBytes) return violation('message/content', 'last_seen');
  if (message.signature.length !== signatureBytes) return violation('message/content', 'signature');
  if (!typePattern.test(message.type)) return violation('message/content', 'type');
  if (message.content.length > maxContentBytes) return violation('message/content', 'size');
  return accept(message);
}
