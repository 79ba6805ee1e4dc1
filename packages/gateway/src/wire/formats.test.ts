import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { JsonPayload } from '../json-payload.ts';
import type { Publication } from '../protocol.ts';
import { httpStreamJson, sseJson, uniSseJson, webSocketJson, webSocketProtobuf } from './formats.ts';
import { jsonCodec, uniJsonCodec } from './json-codec.ts';
import { protobufCodec } from './protobuf-codec.ts';

const publications: fc.Arbitrary<Publication> = fc
  .record(
    { data: fc.jsonValue(), offset: fc.nat(), tags: fc.dictionary(fc.string(), fc.string()) },
    { requiredKeys: ['data'] },
  )
  .map(({ data, ...rest }) => ({ ...rest, data: JsonPayload.fromValue(data)! }));

describe('a publication', () => {
  test.each([jsonCodec, uniJsonCodec, protobufCodec])(
    'encoded fast ($name) is the one encoded in general',
    (codec) => {
      const readable = (bytes: Buffer): unknown =>
        codec.name === 'json' ? JSON.parse(bytes.toString()) : bytes.toString('hex');
      fc.assert(
        fc.property(fc.string({ unit: 'grapheme-ascii' }), publications, (channel, pub) => {
          const fast = codec.encodePublication(channel, pub);
          const general = codec.encodeReply({ push: { channel, pub } });
          expect(readable(fast)).toEqual(readable(general));
        }),
      );
    },
  );

  test('never breaks the lines of a stream', () => {
    fc.assert(
      fc.property(publications, (pub) => {
        const messages = [pub, pub].map((each) => jsonCodec.encodePublication('a', each));
        expect(httpStreamJson.frame(messages).toString().split('\n')).toHaveLength(3);
        expect(sseJson.frame(messages).toString().split('\n')).toHaveLength(5);
      }),
    );
  });
});

describe('commands', () => {
  test('are split, counted, and refused when they are none', () => {
    const decode = (text: string) => jsonCodec.decodeCommands(Buffer.from(text), 2);
    expect(decode('{"id":1}\n\n{}')).toEqual({ ok: true, commands: [{ id: 1 }, {}] });
    for (const text of ['', '{', '{}\n{}\n{}']) expect(decode(text)).toEqual({ ok: false });
  });

  test('of any bytes never make a codec throw', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        for (const { codec } of [webSocketJson, webSocketProtobuf, uniSseJson]) {
          expect(codec.decodeCommands(bytes, 10)).toHaveProperty('ok');
        }
      }),
    );
  });
});
