/**
 * TupleHashXOF256 on the kernel (`assembly/keccak.ts`). Encodings of NIST SP 800-185, section 2.3, are written straight into
 * linear memory:
 *
 *   start     bytepad(encode_string("TupleHash") || encode_string(S), 136), absorbed once per customisation
 *   message   encode_string(part) for every part, then right_encode(0), which says "any output length"
 */
import type { TupleHash } from '../tuple-hash.ts';
import type { Kernel } from './kernel.ts';

const rate = 136;
const stateBytes = 200;
const functionName = new TextEncoder().encode('TupleHash');
/** right_encode(0). */
const anyLength = Uint8Array.of(0, 1);

export function createWasmTupleHash(kernel: Kernel): TupleHash {
  const { exports } = kernel;
  return {
    customized(customization) {
      const start = kernel.keep(stateBytes);
      kernel.runPublic(() => {
        const prefix = concatenate([
          leftEncode(rate),
          ...[functionName, customization].flatMap((text) => [leftEncode(8 * text.length), text]),
        ]);
        const blocks = Math.ceil(prefix.length / rate);
        const padded = new Uint8Array(blocks * rate);
        padded.set(prefix);
        exports.cshakeStart(start, kernel.put(padded), blocks);
      });
      return (parts, length) =>
        kernel.run(() => {
          const message = kernel.allocate(maxEncodedBytes(parts) + rate);
          const out = kernel.allocate(length);
          const end = writeTuple(kernel.bytes, message, parts);
          exports.cshakeXof(out, length, start, message, end - message);
          return kernel.take(out, length);
        });
    },
  };
}

/** left_encode of a length in bits takes at most 8 bytes. */
function maxEncodedBytes(parts: readonly Uint8Array[]): number {
  let bytes = anyLength.length;
  for (const part of parts) bytes += 8 + part.length;
  return bytes;
}

/** Writes from `at` on; answers where it ends. */
function writeTuple(memory: Uint8Array, at: number, parts: readonly Uint8Array[]): number {
  let end = at;
  for (const part of parts) {
    end = writeLeftEncoded(memory, end, 8 * part.length);
    memory.set(part, end);
    end += part.length;
  }
  memory.set(anyLength, end);
  return end + anyLength.length;
}

/** left_encode: how many bytes, then the value, big-endian. */
function writeLeftEncoded(memory: Uint8Array, at: number, value: number): number {
  let count = 1;
  while (value >= 2 ** (8 * count)) count++;
  memory[at] = count;
  for (let i = count, rest = value; i > 0; i--, rest = Math.floor(rest / 256)) memory[at + i] = rest % 256;
  return at + 1 + count;
}

function leftEncode(value: number): Uint8Array {
  const bytes = new Uint8Array(8);
  return bytes.slice(0, writeLeftEncoded(bytes, 0, value));
}

function concatenate(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
