/**
 * The masked header: which leaf sent a message, and its generation, hidden from the server (§6). The mask depends on the
 * frame's nonce and on the start of the ciphertext, as in RFC 9001 §5.4, so that equal headers never look equal.
 */
import { uint32 } from '../hash/index.ts';
import { expandLabel } from '../schedule/expand-label.ts';
import { scheduleLabels } from '../schedule/labels.ts';

export interface MessageHeader {
  readonly leaf: number;
  readonly generation: number;
}

export const headerBytes = 8;
/** Bytes of ciphertext that enter the mask: every ciphertext has as many, its tag alone is 16. */
export const sampleBytes = 16;

export function encodeHeader({ leaf, generation }: MessageHeader): Uint8Array {
  const bytes = new Uint8Array(headerBytes);
  bytes.set(uint32(leaf));
  bytes.set(uint32(generation), 4);
  return bytes;
}

export function maskHeader(
  header: MessageHeader,
  headerKey: Uint8Array,
  nonce: Uint8Array,
  ciphertext: Uint8Array,
): Uint8Array {
  return xorMask(encodeHeader(header), headerKey, nonce, ciphertext);
}

/** Of 8 masked bytes. Any bytes unmask to something: only decryption says whether it was meant. */
export function unmaskHeader(
  masked: Uint8Array,
  headerKey: Uint8Array,
  nonce: Uint8Array,
  ciphertext: Uint8Array,
): MessageHeader {
  const view = new DataView(xorMask(masked, headerKey, nonce, ciphertext).buffer);
  return { leaf: view.getUint32(0), generation: view.getUint32(4) };
}

function xorMask(
  header: Uint8Array,
  headerKey: Uint8Array,
  nonce: Uint8Array,
  ciphertext: Uint8Array,
): Uint8Array {
  const sample = ciphertext.subarray(0, sampleBytes);
  const mask = expandLabel(headerKey, scheduleLabels.headerMask, [nonce, sample], headerBytes);
  return mask.map((byte, i) => byte ^ header[i]!);
}
