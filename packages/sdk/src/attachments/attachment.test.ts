import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { utf8 } from '../encoding/bytes.ts';
import { cutLabel, decodeAttachment, encodeAttachment, type Attachment } from './attachment.ts';

const attachment: Attachment = {
  blobId: new Uint8Array(16).fill(1),
  key: new Uint8Array(32).fill(2),
  sha256: new Uint8Array(32).fill(3),
  size: 12,
  name: 'ä.png',
  mediaType: 'image/png',
  caption: '',
};

describe('description of an attachment', () => {
  test('survives its encoding', () => {
    expect(decodeAttachment(encodeAttachment(attachment))).toEqual(attachment);
  });

  test.each([
    ['a short key', { key: 'AAAA' }],
    ['no blob id', { blobId: undefined }],
    ['a negative size', { size: -1 }],
    ['a fractional size', { size: 1.5 }],
    ['a long name', { name: 'x'.repeat(256) }],
    ['half of a surrogate pair', { caption: '\ud800' }],
  ])('is refused with %s', (_what, change) => {
    const fields = JSON.parse(new TextDecoder().decode(encodeAttachment(attachment))) as object;
    expect(decodeAttachment(utf8(JSON.stringify({ ...fields, ...change })))).toBeUndefined();
  });

  test.each([
    ['a long name', 'x'.repeat(300), 'x'.repeat(255)],
    ['a pair at the cut', `${'x'.repeat(254)}😀`, 'x'.repeat(254)],
    ['a pair before the cut', `${'x'.repeat(253)}😀y`, `${'x'.repeat(253)}😀`],
    ['half of a pair', 'a\ud800b', 'a\ufffdb'],
    ['nothing', '', ''],
  ])('cuts %s to what receivers take', (_what, name, cut) => {
    expect(cutLabel(name)).toBe(cut);
    expect(decodeAttachment(encodeAttachment({ ...attachment, name: cutLabel(name) }))?.name).toBe(cut);
  });

  test('whatever a member sends, decoding never throws', () => {
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array(), fc.json().map(utf8)), (bytes) => {
        expect(decodeAttachment(bytes)).toBeUndefined();
      }),
      { numRuns: 200 },
    );
  });
});
