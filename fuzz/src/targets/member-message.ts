import { equalBytes } from '@noble/ciphers/utils.js';
import {
  decodeInnerMessage,
  encodeInnerMessage,
  packContent,
  unpackContent,
} from '../../../packages/sealed-group/src/message/content.ts';
import { demand } from '../engine/target.ts';
import type { FuzzTarget } from '../engine/target.ts';

const utf8 = (text: string) => new TextEncoder().encode(text);
const message = (type: string, content: Uint8Array) =>
  encodeInnerMessage({
    lastSeen: new Uint8Array(32).fill(1),
    type,
    content,
    signature: new Uint8Array(64).fill(2),
  });

export const target: FuzzTarget = {
  about: 'the plaintext of a message, from another member',
  format: 'protobuf',
  maxBytes: 4 * 1024,
  runs: 20_000,
  prepare: () => ({
    seeds: [message('text', utf8('häuslich \ufeff 🦉')), message('conclave.attachment', utf8('{}'))],
    check(bytes) {
      const decoded = decodeInnerMessage(bytes);
      if (!decoded.ok) return;
      demand(equalBytes(encodeInnerMessage(decoded.value), bytes), 'a message has one encoding');
      const content = unpackContent(decoded.value);
      if (!content.ok) return;
      const packed = packContent(content.value);
      demand(packed.ok && packed.value.type === decoded.value.type, 'what was received could have been sent');
      demand(equalBytes(packed.value.content, decoded.value.content), 'and its content is the same octets');
    },
  }),
};
