/** How a value may stand in an input: text, single octets, fixed widths in both orders, LEB128, and decimal digits. */
import type { OperandPair } from './operands.ts';

export type Value = OperandPair['left'];

/** Encodings of the two values at equal places are of one kind, so that one may replace the other. */
export function encodingsOf(value: Value): readonly Uint8Array[] {
  if (typeof value === 'string') return [new TextEncoder().encode(value)];
  const number = BigInt(value);
  if (number < 0n || number >= 1n << 64n) return [];
  return [
    ...[1, 2, 4, 8].flatMap((width) => [fixed(number, width), fixed(number, width).reverse()]),
    leb128(number),
    new TextEncoder().encode(number.toString()),
  ];
}

/** Unsigned LEB128, as protobuf and the tree's encoding have it. */
export function leb128(value: bigint): Uint8Array {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 0x80n; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
  bytes.push(Number(rest));
  return Uint8Array.from(bytes);
}

/** Reads unsigned LEB128 of at most ten bytes; `end` is behind it. */
export function readLeb128(bytes: Uint8Array, at: number): { value: bigint; end: number } | undefined {
  let value = 0n;
  for (let length = 0; length < 10; length++) {
    const byte = bytes[at + length];
    if (byte === undefined) return undefined;
    value |= BigInt(byte & 0x7f) << BigInt(7 * length);
    if (byte < 0x80) return { value, end: at + length + 1 };
  }
  return undefined;
}

/** Little-endian, cut to the width. */
function fixed(value: bigint, width: number): Uint8Array {
  return Uint8Array.from({ length: width }, (_, i) => Number((value >> BigInt(8 * i)) & 0xffn));
}

/** `bytes` with `count` bytes at `at` replaced. */
export function splice(bytes: Uint8Array, at: number, count: number, insert: Uint8Array): Uint8Array {
  const result = new Uint8Array(bytes.length - count + insert.length);
  result.set(bytes.subarray(0, at));
  result.set(insert, at);
  result.set(bytes.subarray(at + count), at + insert.length);
  return result;
}

/** Every place where `part` stands, at most `limit` of them. */
export function placesOf(part: Uint8Array, bytes: Uint8Array, limit = 16): number[] {
  const places: number[] = [];
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let at = buffer.indexOf(part); at >= 0 && places.length < limit; at = buffer.indexOf(part, at + 1))
    places.push(at);
  return places;
}
