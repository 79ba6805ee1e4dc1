/**
 * Protobuf by hand: what the encoder of an honest client never writes. Values are given as they shall stand on the wire,
 * so that a field can be doubled, out of order, of another type or longer than it need be.
 */

/** A varint in its shortest form, followed by `padding` octets that say nothing. */
export function varint(value: bigint | number, padding = 0): Uint8Array {
  const bytes: number[] = [];
  let rest = BigInt(value);
  while (rest > 127n) {
    bytes.push(Number(rest & 127n) | 128);
    rest >>= 7n;
  }
  bytes.push(Number(rest));
  for (let i = 0; i < padding; i++) {
    bytes[bytes.length - 1]! |= 128;
    bytes.push(0);
  }
  return Uint8Array.from(bytes);
}

export function numberField(field: number, value: bigint | number, padding = 0): Uint8Array {
  return joined(varint(field << 3), varint(value, padding));
}

export function bytesField(field: number, value: Uint8Array): Uint8Array {
  return joined(varint((field << 3) | 2), varint(value.length), value);
}

export function joined(...parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(Buffer.concat(parts));
}

/** A frame of any two parts. */
export function rawFrame(body: Uint8Array, trailer: Uint8Array): Uint8Array {
  return joined(bytesField(1, body), bytesField(2, trailer));
}
