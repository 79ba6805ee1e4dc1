/** The reader of message frames against the parser by the schema: never another value, never more accepted. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { encodeBody, encodeFrame, encodeMessageTrailer } from '../../src/wire/index.ts';
import type { MessageTrailerContent } from '../../src/wire/index.ts';
import { parseBySchema } from '../../src/wire/parse-frame.ts';
import { readMessageFrame } from '../../src/wire/read-message-frame.ts';
import { sampleFrame } from './sample-frames.ts';

const fixed = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
/** Around the places where an encoding grows by an octet, and where numbers stop being exact. */
const integer = fc.oneof(
  fc.maxSafeNat(),
  fc.constantFrom(0, 1, 127, 128, 16_383, 16_384, 2 ** 35, 2 ** 49 - 1, 2 ** 49, Number.MAX_SAFE_INTEGER),
);
const trail: fc.Arbitrary<MessageTrailerContent> = fc.oneof(
  fc.record({ proof: fc.constant('epoch' as const), signature: fixed(64) }),
  fc.record({
    proof: fc.constant('leaf' as const),
    leaf: fc.oneof(fc.constant(0), fc.nat(2 ** 20 - 1)),
    signature: fixed(64),
  }),
);
const messageFrame = fc
  .record({
    header: fc.record({
      origin: fc.stringMatching(/^[\x21-\x7e]{1,255}$/),
      groupId: fixed(16),
      epoch: integer,
      nonce: fixed(16),
      nowMs: integer,
    }),
    ciphertext: fc.uint8Array({ minLength: 1, maxLength: 300 }),
    masked: fixed(8),
    trail,
  })
  .map(({ header, masked, ciphertext, trail }) =>
    encodeFrame(
      encodeBody(header, { kind: 'message', header: masked, ciphertext }),
      encodeMessageTrailer(trail),
    ),
  );

/** The reader says the same as the schema, or nothing. */
function compare(bytes: Uint8Array): 'read' | 'left to the schema' {
  const read = readMessageFrame(bytes);
  if (read === undefined) return 'left to the schema';
  expect(parseBySchema(bytes)).toEqual({ ok: true, value: read });
  return 'read';
}

describe('the reader of message frames', () => {
  test('reads every message', () => {
    fc.assert(
      fc.property(messageFrame, (bytes) => {
        expect(compare(bytes)).toBe('read');
      }),
    );
  });

  test('leaves other kinds of frames alone', () => {
    const others = sampleFrame.filter(({ content }) => content.kind !== 'message');
    fc.assert(
      fc.property(others, ({ bytes }) => {
        expect(compare(bytes)).toBe('left to the schema');
      }),
    );
  });

  test('accepts nothing that the schema refuses: octets changed, inserted, left out, cut off', () => {
    const change = fc.record({
      kind: fc.constantFrom('set', 'insert', 'remove', 'cut'),
      at: fc.nat(600),
      value: fc.oneof(fc.nat(255), fc.constantFrom(0x00, 0x7f, 0x80, 0xff, 0x0a, 0x12, 0x28)),
    });
    let refused = 0;
    fc.assert(
      fc.property(messageFrame, fc.array(change, { minLength: 1, maxLength: 3 }), (bytes, changes) => {
        const octets = [...bytes];
        for (const { kind, at, value } of changes) {
          const place = at % Math.max(1, octets.length);
          if (kind === 'set') octets[place] = value;
          if (kind === 'insert') octets.splice(place, 0, value);
          if (kind === 'remove') octets.splice(place, 1);
          if (kind === 'cut') octets.length = place;
        }
        if (compare(Uint8Array.from(octets)) !== 'read') refused += 1;
      }),
      { numRuns: 3_000 },
    );
    expect(refused).toBeGreaterThan(1_000);
  });

  describe('leaves to the schema, which refuses it,', () => {
    /** A field with a length, of less than 16 KiB. */
    const field = (tag: number, ...parts: number[][]): number[] => {
      const octets = parts.flat();
      const { length } = octets;
      return [tag, ...(length < 128 ? [length] : [(length & 127) | 128, length >> 7]), ...octets];
    };
    const zeros = (length: number) => Array.from({ length }, () => 0);
    const signature = field(0x0a, zeros(64));
    const epoch = [0x28, 5];
    const nonce = field(0x32, zeros(16));
    const message = field(0x52, field(0x0a, zeros(8)), field(0x12, [1, 2, 3]));
    const frame = (
      parts: { epoch?: number[]; nonce?: number[]; message?: number[]; trailer?: number[] } = {},
    ): Uint8Array => {
      const body = [
        [0x08, 1, 0x10, 1],
        field(0x1a, [0x61]),
        field(0x22, zeros(16)),
        parts.epoch ?? epoch,
        parts.nonce ?? nonce,
        [0x38, 7],
        parts.message ?? message,
      ];
      return Uint8Array.from([...field(0x0a, ...body), ...field(0x12, parts.trailer ?? signature)]);
    };
    const leafProof = (...parts: number[][]) => frame({ trailer: field(0x12, ...parts) });
    const leafSignature = field(0x12, zeros(64));

    test('the frames below but for what they are about', () => {
      expect(compare(frame())).toBe('read');
      expect(compare(leafProof([0x08, 9], leafSignature))).toBe('read');
    });

    test.each([
      ['a zero that is written', frame({ epoch: [0x28, 0] })],
      ['a number with an empty group', frame({ epoch: [0x28, 0x85, 0] })],
      ['a length with an empty group', frame({ nonce: [0x32, 0x90, 0, ...zeros(16)] })],
      ['a field twice', frame({ epoch: [...epoch, ...epoch] })],
      ['fields in another order', frame({ epoch: nonce, nonce: epoch })],
      ['a field it does not know', frame({ nonce: [...nonce, 0x68, 1] })],
      ['a field after the message', frame({ message: [...message, 0x68, 1] })],
      [
        'a field after the ciphertext',
        frame({ message: [...message.slice(0, 1), message[1]! + 2, ...message.slice(2), 0x18, 1] }),
      ],
      [
        'an empty ciphertext that is written',
        frame({ message: field(0x52, field(0x0a, zeros(8)), [0x12, 0]) }),
      ],
      ['both proofs', frame({ trailer: [...signature, ...field(0x12, leafSignature)] })],
      ['a zero leaf that is written', leafProof([0x08, 0], leafSignature)],
      ['a leaf out of range', leafProof([0x08, 0x80, 0x80, 0x40], leafSignature)],
      ['a field after the signature of a leaf', leafProof([0x08, 9], leafSignature, [0x18, 1])],
      ['a frame with a third field', Uint8Array.from([...frame(), 0x18, 1])],
    ])('%s', (_, bytes) => {
      expect(parseBySchema(bytes).ok).toBe(false);
      expect(compare(bytes)).toBe('left to the schema');
    });
  });

  test('accepts no single changed octet that the schema refuses', () => {
    const bytes = encodeFrame(
      encodeBody(
        {
          origin: 'a.example',
          groupId: new Uint8Array(16).fill(1),
          epoch: 300,
          nonce: new Uint8Array(16).fill(2),
          nowMs: 1_700_000_000_000,
        },
        { kind: 'message', header: new Uint8Array(8).fill(3), ciphertext: new Uint8Array(4).fill(4) },
      ),
      encodeMessageTrailer({ proof: 'leaf', leaf: 200, signature: new Uint8Array(64).fill(5) }),
    );
    let read = 0;
    for (let at = 0; at < bytes.length; at += 1) {
      for (let value = 0; value < 256; value += 1) {
        const changed = bytes.slice();
        changed[at] = value;
        if (compare(changed) === 'read') read += 1;
      }
    }
    expect(read).toBeGreaterThan(bytes.length);
  });
});
