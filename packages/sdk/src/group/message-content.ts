/** Between the content of a member's message as the protocol carries it, as it is stored, and as applications see it. */
import type { MemberContent } from '@conclave/sealed-group';
import { attachmentType, decodeAttachment } from '../attachments/attachment.ts';
import { encodeBase64url } from '../encoding/base64url.ts';
import { fromUtf8, utf8 } from '../encoding/bytes.ts';
import { ConclaveError } from '../errors/conclave-error.ts';
import type { MessageRecord, OutgoingRecord } from './group-records.ts';
import type { Message, MessageContent, Sender } from './group-types.ts';

const textType = 'text';

/** What `send` takes. */
export type Outgoing = string | { readonly type: string; readonly content: Uint8Array };

export function typeAndContent(outgoing: Outgoing): { type: string; content: Uint8Array } {
  if (typeof outgoing !== 'string') {
    if (outgoing.type === textType) throw new ConclaveError('MISUSE', 'Send text as a string');
    return { type: outgoing.type, content: outgoing.content.slice() };
  }
  if (!outgoing.isWellFormed()) throw new ConclaveError('MISUSE', 'The text has half of a surrogate pair');
  return { type: textType, content: utf8(outgoing) };
}

export function toMemberContent({ type, content }: { type: string; content: Uint8Array }): MemberContent {
  return type === textType
    ? { kind: 'text', text: fromUtf8(content) ?? '' }
    : { kind: 'application', type, content };
}

export function fromMemberContent(content: MemberContent): { type: string; content: Uint8Array } {
  return content.kind === 'text'
    ? { type: textType, content: utf8(content.text) }
    : { type: content.type, content: content.content };
}

export function toMessage(record: MessageRecord): Message {
  return {
    id: encodeBase64url(record.bodyHash),
    seq: record.seq,
    state: 'sent',
    sender: record.sender,
    mine: record.mine,
    sentAtMs: record.sentAtMs,
    content: toContent(record),
  };
}

export function toPendingMessage(record: OutgoingRecord, me: Sender): Message {
  return {
    id: record.localId,
    seq: undefined,
    state: 'pending',
    sender: me,
    mine: true,
    sentAtMs: record.createdAtMs,
    content: toContent(record),
  };
}

export function toContent({ type, content }: { type: string; content: Uint8Array }): MessageContent {
  if (type === textType) return { kind: 'text', text: fromUtf8(content) ?? '' };
  const attachment = type === attachmentType ? decodeAttachment(content) : undefined;
  return attachment === undefined
    ? { kind: 'application', type, bytes: content.slice() }
    : { kind: 'attachment', attachment };
}
