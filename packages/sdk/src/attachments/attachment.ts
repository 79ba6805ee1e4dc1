/**
 * What a message says about an attachment: where the encrypted blob lies, how it opens, and what it is. Travels inside
 * the encrypted message, as JSON; who can read the message can read the attachment.
 */
import { decodeBase64url, encodeBase64url } from '../encoding/base64url.ts';
import { fromUtf8, utf8 } from '../encoding/bytes.ts';

/** The message type under which attachments travel. */
export const attachmentType = 'conclave.attachment';

/** Of names and media types, in UTF-16 code units. */
const maxLabelLength = 255;

export interface Attachment {
  /** 16 bytes. */
  readonly blobId: Uint8Array;
  /** 32 bytes, of this attachment alone. */
  readonly key: Uint8Array;
  /** SHA-256 of the blob as stored, encrypted. */
  readonly sha256: Uint8Array;
  /** Of the content, in bytes. */
  readonly size: number;
  /** As the sender says; for display, never for trust. At most 255 characters. */
  readonly name: string;
  /** As the sender says, for example `image/png`. At most 255 characters. */
  readonly mediaType: string;
  /** What the sender wrote beside it. */
  readonly caption: string;
}

export function encodeAttachment(attachment: Attachment): Uint8Array {
  const { blobId, key, sha256, ...plain } = attachment;
  const binary = {
    blobId: encodeBase64url(blobId),
    key: encodeBase64url(key),
    sha256: encodeBase64url(sha256),
  };
  return utf8(JSON.stringify({ ...plain, ...binary }));
}

/** From a member's message; `undefined` when it is not a well-formed attachment. */
export function decodeAttachment(content: Uint8Array): Attachment | undefined {
  let value: unknown;
  try {
    value = JSON.parse(fromUtf8(content) ?? '');
  } catch {
    // Another member's mistake: a value, as for every other malformed field.
    return undefined;
  }
  if (typeof value !== 'object' || value === null) return undefined;
  const fields = value as Record<string, unknown>;
  const blobId = bytesOf(fields['blobId'], 16);
  const key = bytesOf(fields['key'], 32);
  const sha256 = bytesOf(fields['sha256'], 32);
  const name = shortText(fields['name'], maxLabelLength);
  const mediaType = shortText(fields['mediaType'], maxLabelLength);
  const caption = shortText(fields['caption'], 4_000);
  const size = fields['size'];
  if (!blobId || !key || !sha256 || name === undefined || mediaType === undefined || caption === undefined)
    return undefined;
  if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0) return undefined;
  return { blobId, key, sha256, size, name, mediaType, caption };
}

/** A name or media type as receivers take it: cut to its length, without half of a surrogate pair at the end or elsewhere. */
export function cutLabel(text: string): string {
  const cut = text.slice(0, maxLabelLength);
  return (/[\uD800-\uDBFF]$/.test(cut) ? cut.slice(0, -1) : cut).toWellFormed();
}

function bytesOf(value: unknown, length: number): Uint8Array | undefined {
  const bytes = typeof value === 'string' ? decodeBase64url(value) : undefined;
  return bytes?.length === length ? bytes : undefined;
}

function shortText(value: unknown, maxLength: number): string | undefined {
  return typeof value === 'string' && value.length <= maxLength && value.isWellFormed() ? value : undefined;
}
