import { isDeepStrictEqual } from 'node:util';
import { decodeAttachment, encodeAttachment } from '../../../packages/sdk/src/attachments/attachment.ts';
import { demand } from '../engine/target.ts';
import type { FuzzTarget } from '../engine/target.ts';

export const target: FuzzTarget = {
  about: 'decodeAttachment: what a message says about an attachment, from another member',
  format: 'json',
  maxBytes: 8 * 1024,
  runs: 15_000,
  prepare: () => ({
    seeds: [
      encodeAttachment({
        blobId: new Uint8Array(16).fill(1),
        key: new Uint8Array(32).fill(2),
        sha256: new Uint8Array(32).fill(3),
        size: 123_456,
        name: 'owl.png',
        mediaType: 'image/png',
        caption: 'flies 🦉',
      }),
    ],
    check(bytes) {
      const decoded = decodeAttachment(bytes);
      if (decoded === undefined) return;
      const { name, mediaType, caption } = decoded;
      const isShort = name.length <= 255 && mediaType.length <= 255 && caption.length <= 4_000;
      demand(isShort, 'texts are short');
      demand(
        [name, mediaType, caption].every((text) => text.isWellFormed()),
        'texts are Unicode',
      );
      demand(
        isDeepStrictEqual(decodeAttachment(encodeAttachment(decoded)), decoded),
        'a note survives encoding',
      );
    },
  }),
};
